"""Every SQL statement of the store. The names of parameters are upstream's terms; `packing.py` explains the shapes."""

# A blob of 'SMPN' at the start of the header tells `file` and us whose file this is; the format is counted up.
APPLICATION_ID = 0x534D504E
FORMAT = 2

_HISTORY = """
CREATE TABLE history (
    position INTEGER PRIMARY KEY,      -- the revision and the place among its writes: positions.py
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,  -- 0: this is a deletion
    version INTEGER NOT NULL,          -- how often the key was written since; 0: this is a deletion
    previous INTEGER NOT NULL,         -- the position that held the key before; 0: none
    lease INTEGER NOT NULL,            -- 0: none
    expires REAL,                      -- seconds since 1970; NULL: never
    value BLOB                         -- last, so that the columns before it are read without it
);
CREATE INDEX history_by_key ON history (key, position, create_revision, version, lease);
CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL;
CREATE TABLE leases (id INTEGER PRIMARY KEY, ttl INTEGER NOT NULL);  -- ttl in seconds
"""

SCHEMA = f"""
{_HISTORY}
CREATE TABLE state (
    compacted INTEGER NOT NULL,  -- history before this revision is not shown any more
    swept INTEGER NOT NULL,      -- what the writes up to this revision replaced is deleted
    revision INTEGER NOT NULL    -- at least this is the newest: the history may end with deletions, and be swept
);
INSERT INTO state VALUES (0, 0, 1);
"""

# Format 1 had one write a revision, and no versions: those of before are counted from what history there is.
FROM_FORMAT_1 = f"""
ALTER TABLE history RENAME TO old_history;
DROP INDEX history_by_key;
DROP INDEX history_by_expiry;
{_HISTORY}
INSERT INTO history
SELECT revision << 20, key, create_revision,
       CASE create_revision WHEN 0 THEN 0
       ELSE row_number() OVER (PARTITION BY key, create_revision ORDER BY revision) END,
       previous << 20, 0, expires, value
FROM old_history;
DROP TABLE old_history;
"""

STATE = "SELECT compacted, swept, max(revision, coalesce((SELECT max(position) >> 20 FROM history), 0)) FROM state"

# max() makes SQLite take the bare columns from the row that has the maximum.
CURRENT = "SELECT key, max(position), create_revision, version, lease FROM history GROUP BY key"

EXPIRING = "SELECT expires, key, position >> 20 FROM history WHERE expires IS NOT NULL"

INSERT = """
INSERT INTO history (position, key, create_revision, version, previous, lease, expires, value)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
       CASE value->>8 WHEN 0 THEN x'' ELSE substr(?2, value->>7, value->>8) END  -- of NULL bytes: NULL; of 0: too
FROM json_each(?1)
"""

# group_concat joins the bytes of blobs as they are, whatever they hold.
VALUES = """
SELECT json_group_array(json_array(position, length(value))), CAST(group_concat(value, '') AS BLOB)
FROM history WHERE position IN (SELECT value FROM json_each(?1))
"""

_THERE_AT = """
    SELECT key, max(position) AS position, create_revision, version, lease FROM history
    WHERE key >= ?1 AND key > ?2 AND (?3 IS NULL OR key < ?3) AND position <= ?4
    GROUP BY key HAVING max(position) AND create_revision > 0
"""
KEYS_AT = f"""
SELECT json_group_array(json_array(key, position, create_revision, version, lease)) FROM (
    {_THERE_AT} ORDER BY key LIMIT ?5  -- -1: all
)
"""
COUNT_AT = f"SELECT count(*) FROM ({_THERE_AT})"

# `until` bounds the positions of one chunk; the unary + keeps SQLite on their order.
EVENTS = """
SELECT json_group_array(json_array(position, key, create_revision, version, lease,
                                   previous, before_created, before_version, before_lease,
                                   length(value), length(before))),
       CAST(group_concat(value, '') AS BLOB), CAST(group_concat(before, '') AS BLOB)
FROM (
    SELECT one.position, one.key, one.create_revision, one.version, one.lease, one.value,
           before.position AS previous, before.create_revision AS before_created, before.version AS before_version,
           before.lease AS before_lease, before.value AS before
    FROM history AS one LEFT JOIN history AS before ON before.position = one.previous
    WHERE one.position > ?1 AND one.position <= ?2 AND +one.key >= ?3 AND (?4 IS NULL OR +one.key < ?4)
    ORDER BY one.position
)
"""

# Where a chunk of `limit` events below a prefix ends; NULL: there are fewer.
CHUNK_END = """
SELECT position FROM history
WHERE position > ?1 AND position <= ?2 AND +key >= ?3 AND (?4 IS NULL OR +key < ?4)
ORDER BY position LIMIT 1 OFFSET ?5
"""

SET_COMPACTED = "UPDATE state SET compacted = ?1, revision = max(revision, ?2)"

# Compaction walks over the writes: each makes the one before it superfluous, and a deletion also itself.
FORGET_REPLACED = """
DELETE FROM history WHERE position IN (
    SELECT previous FROM history WHERE position > ?1 AND position <= ?2 AND previous > 0
)
"""
SET_SWEPT = "UPDATE state SET swept = ?1"
FORGET_DELETIONS = "DELETE FROM history WHERE position > ?1 AND position <= ?2 AND create_revision = 0"

LEASES = "SELECT id, ttl FROM leases"
KEEP_LEASE = "INSERT OR REPLACE INTO leases VALUES (?1, ?2)"
FORGET_LEASE = "DELETE FROM leases WHERE id = ?1"
