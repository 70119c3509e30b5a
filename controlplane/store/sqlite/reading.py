"""What the reader thread does: history, pages and values, a packed result at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from controlplane.store.interface import Entry, Event, Record
from controlplane.store.keys import prefix_end
from controlplane.store.sqlite import statements
from controlplane.store.sqlite.packing import unpack
from controlplane.store.sqlite.positions import last_of, place_at, position_of, revision_at

CHUNK = 256  # rows read at a time; with objects of the largest size allowed, some hundred MiB


def entry_at(position: int, create_revision: int, version: int, lease: int) -> Entry:
    return Entry(revision_at(position), create_revision, version, lease, place_at(position))


def read_values(connection: sqlite3.Connection, positions: Collection[int]) -> dict[int, bytes]:
    """Return the values written at positions."""
    if not positions:
        return {}
    wanted = msgspec.json.encode(sorted(positions)).decode()
    result = connection.execute(statements.VALUES, (wanted,)).fetchone()
    return {columns[0]: values[0] for columns, values in unpack(result) if values[0] is not None}


def read_keys_at(
    connection: sqlite3.Connection, start: str, start_after: str, end: str | None, revision: int, limit: int
) -> tuple[list[tuple[str, Entry]], int]:
    """Return the keys there were at a revision, in order, with their entries, and how many follow the `limit`th."""
    bounds = (start, start_after, end, last_of(revision))
    (text,) = connection.execute(statements.KEYS_AT, (*bounds, limit or -1)).fetchone()
    found = sorted((key, entry_at(*columns)) for key, *columns in msgspec.json.decode(text))
    if not limit or len(found) < limit:
        return found, 0
    (count,) = connection.execute(statements.COUNT_AT, bounds).fetchone()
    return found, count - len(found)


def read_records(connection: sqlite3.Connection, entries: Sequence[tuple[str, Entry]]) -> list[Record]:
    """Return the records that entries point at; those compacted away meanwhile are left out."""
    values = read_values(connection, [position_of(entry.revision, entry.place) for _, entry in entries])
    return [
        as_record(key, value, entry)
        for key, entry in entries
        if (value := values.get(position_of(entry.revision, entry.place))) is not None
    ]


def read_size(connection: sqlite3.Connection) -> int:
    """Return the size of the database, in bytes."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(pages * size)


def as_record(key: str, value: bytes, entry: Entry) -> Record:
    return Record(key, value, entry.create_revision, entry.revision, entry.version, entry.lease)


def read_events(
    connection: sqlite3.Connection, prefix: str, after: int, until: int, limit: int = CHUNK
) -> tuple[list[Event], int]:
    """Return the oldest events below a prefix within revisions, and the revision up to which these are all."""
    end = prefix_end(prefix)
    bounds = (last_of(after), last_of(until), prefix, end)
    found = connection.execute(statements.CHUNK_END, (*bounds, limit - 1)).fetchone()
    last: int = revision_at(found[0]) if found else until  # the writes of one revision stay together
    result = connection.execute(statements.EVENTS, (last_of(after), last_of(last), prefix, end)).fetchone()
    found_events = [(columns[0], _event(columns, *values)) for columns, values in unpack(result)]
    return [event for _, event in sorted(found_events, key=itemgetter(0))], last


def _event(columns: Sequence[Any], value: bytes | None, previous: bytes | None) -> Event:
    position, key, created, version, lease, *before = columns[:9]
    entry = entry_at(position, created, version, lease) if created else None
    return Event(
        key,
        value,
        revision_at(position),
        created,
        previous,
        entry,
        entry_at(*before) if before[0] is not None else None,
    )
