"""What the writer thread does: load the index at the start, then commit batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from controlplane.store.interface import Entry
from controlplane.store.sqlite import statements
from controlplane.store.sqlite.packing import Row, pack
from controlplane.store.sqlite.reading import entry_at, read_values


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a store knows when it opens."""

    revision: int
    compacted: int
    swept: int
    entries: dict[str, Entry]
    expiring: Sequence[tuple[float, str, int]]  # deadline, key, revision
    leases: dict[int, int]  # seconds to live, by id


def load(connection: sqlite3.Connection) -> Loaded:
    """Read keys, revisions and deadlines; no values."""
    compacted, swept, revision = connection.execute(statements.STATE).fetchone()
    rows = connection.execute(statements.CURRENT)
    entries = {key: entry_at(*columns) for key, *columns in rows if columns[1]}
    expiring = [
        (deadline, key, written)
        for deadline, key, written in connection.execute(statements.EXPIRING)
        if key in entries and entries[key].revision == written
    ]
    return Loaded(revision, compacted, swept, entries, expiring, dict(connection.execute(statements.LEASES)))


def commit(connection: sqlite3.Connection, rows: Sequence[Row], missing: Collection[int]) -> dict[int, bytes]:
    """Write a batch durably, and return the values at the `missing` positions, which it replaces or refuses over.

    A statement outside a transaction is one by itself, so its end is the commit and the fsync.
    """
    values = read_values(connection, missing)
    if rows:
        connection.execute(statements.INSERT, pack(rows))
    return values


def keep_lease(connection: sqlite3.Connection, lease: int, ttl: int) -> None:
    """Keep a lease, or forget it if `ttl` is 0."""
    if ttl:
        connection.execute(statements.KEEP_LEASE, (lease, ttl))
    else:
        connection.execute(statements.FORGET_LEASE, (lease,))
