"""Every SQL statement of the store. The names of parameters are upstream's terms; `packing.py` explains the shapes."""

# A blob of 'SMPN' at the start of the header tells `file` and us whose file this is; the format is counted up.
APPLICATION_ID = 0x534D504E
FORMAT = 1

SCHEMA = """
CREATE TABLE history (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,  -- 0: this is a deletion
    previous INTEGER NOT NULL,         -- the revision that held the key before; 0: none
    expires REAL,                      -- seconds since 1970; NULL: never
    value BLOB                         -- last, so that the columns before it are read without it
);
CREATE INDEX history_by_key ON history (key, revision, create_revision);
CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL;
CREATE TABLE state (
    compacted INTEGER NOT NULL,  -- history before this revision is not shown any more
    swept INTEGER NOT NULL,      -- what the writes up to this revision replaced is deleted
    revision INTEGER NOT NULL    -- at least this is the newest: the history may end with deletions, and be swept
);
INSERT INTO state VALUES (0, 0, 1);
"""

STATE = "SELECT compacted, swept, max(revision, coalesce((SELECT max(revision) FROM history), 0)) FROM state"

# max() makes SQLite take the bare column from the row that has the maximum.
CURRENT = "SELECT key, max(revision), create_revision FROM history GROUP BY key"

EXPIRING = "SELECT expires, key, revision FROM history WHERE expires IS NOT NULL"

INSERT = """
INSERT INTO history (revision, key, create_revision, previous, expires, value)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4,
       CASE value->>6 WHEN 0 THEN x'' ELSE substr(?2, value->>5, value->>6) END  -- of NULL bytes: NULL; of 0: too
FROM json_each(?1)
"""

# group_concat joins the bytes of blobs as they are, whatever they hold.
VALUES = """
SELECT json_group_array(json_array(revision, length(value))), CAST(group_concat(value, '') AS BLOB)
FROM history WHERE revision IN (SELECT value FROM json_each(?1))
"""

KEYS_AT = """
SELECT json_group_array(json_array(key, revision, create_revision)) FROM (
    SELECT key, max(revision) AS revision, create_revision FROM history
    WHERE key >= ?1 AND key > ?2 AND (?3 IS NULL OR key < ?3) AND revision <= ?4
    GROUP BY key
) WHERE create_revision > 0
"""

# `until` bounds the revisions of one chunk; the unary + keeps SQLite on revision order.
EVENTS = """
SELECT json_group_array(json_array(revision, key, create_revision, length(value), length(before))),
       CAST(group_concat(value, '') AS BLOB), CAST(group_concat(before, '') AS BLOB)
FROM (
    SELECT one.revision, one.key, one.create_revision, one.value, before.value AS before
    FROM history AS one LEFT JOIN history AS before ON before.revision = one.previous
    WHERE one.revision > ?1 AND one.revision <= ?2 AND +one.key >= ?3 AND (?4 IS NULL OR +one.key < ?4)
    ORDER BY one.revision
)
"""

# Where a chunk of `limit` events below a prefix ends; NULL: there are fewer.
CHUNK_END = """
SELECT revision FROM history
WHERE revision > ?1 AND revision <= ?2 AND +key >= ?3 AND (?4 IS NULL OR +key < ?4)
ORDER BY revision LIMIT 1 OFFSET ?5
"""

SET_COMPACTED = "UPDATE state SET compacted = ?1, revision = max(revision, ?2)"

# Compaction walks over the writes: each makes the one before it superfluous, and a deletion also itself.
FORGET_REPLACED = """
DELETE FROM history WHERE revision IN (
    SELECT previous FROM history WHERE revision > ?1 AND revision <= ?2 AND previous > 0
)
"""
SET_SWEPT = "UPDATE state SET swept = ?1"
FORGET_DELETIONS = "DELETE FROM history WHERE revision > ?1 AND revision <= ?2 AND create_revision = 0"
