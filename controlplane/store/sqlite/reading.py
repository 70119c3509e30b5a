"""What the reader thread does: history, pages and values, a packed result at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

import msgspec

from controlplane.store.interface import Event, Record
from controlplane.store.keys import Entry, prefix_end
from controlplane.store.sqlite import statements
from controlplane.store.sqlite.packing import unpack

CHUNK = 256  # rows read at a time; with objects of the largest size allowed, some hundred MiB


def read_values(connection: sqlite3.Connection, revisions: Collection[int]) -> dict[int, bytes]:
    """Return the values written at revisions."""
    if not revisions:
        return {}
    wanted = msgspec.json.encode(sorted(revisions)).decode()
    result = connection.execute(statements.VALUES, (wanted,)).fetchone()
    return {columns[0]: values[0] for columns, values in unpack(result) if values[0] is not None}


def read_keys_at(
    connection: sqlite3.Connection, prefix: str, start_after: str, revision: int
) -> list[tuple[str, Entry]]:
    """Return the keys there were at a revision, in order, with their entries."""
    bounds = (prefix, start_after, prefix_end(prefix), revision)
    (text,) = connection.execute(statements.KEYS_AT, bounds).fetchone()
    return sorted((key, Entry(written, created)) for key, written, created in msgspec.json.decode(text))


def read_records(connection: sqlite3.Connection, entries: Sequence[tuple[str, Entry]]) -> list[Record]:
    """Return the records that entries point at; those compacted away meanwhile are left out."""
    values = read_values(connection, [entry.revision for _, entry in entries])
    return [
        Record(key, values[entry.revision], entry.create_revision, entry.revision)
        for key, entry in entries
        if entry.revision in values
    ]


def read_events(
    connection: sqlite3.Connection, prefix: str, after: int, until: int, limit: int = CHUNK
) -> tuple[list[Event], int]:
    """Return the oldest events below a prefix within revisions, and the revision up to which these are all."""
    end = prefix_end(prefix)
    found = connection.execute(statements.CHUNK_END, (after, until, prefix, end, limit - 1)).fetchone()
    last: int = found[0] if found else until
    result = connection.execute(statements.EVENTS, (after, last, prefix, end)).fetchone()
    events = [
        Event(key, value, revision, created, before)
        for (revision, key, created, _, _), (value, before) in unpack(result)
    ]
    return sorted(events, key=lambda event: event.revision), last
