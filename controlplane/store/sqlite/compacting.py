"""Forgetting history in steps so small that no writer waits for long."""

from __future__ import annotations

import sqlite3

from controlplane.store.sqlite import statements
from controlplane.store.sqlite.positions import last_of

STEP = 100  # revisions a transaction: some milliseconds
SPARE_PAGES = 4096  # free pages kept for the next writes: 16 MiB
_VACUUM_PAGES = 128  # pages given back at a time: some milliseconds


def mark(connection: sqlite3.Connection, compacted: int, newest: int) -> None:
    """Note that the history before `compacted` is gone, before any of it goes; revisions never start over."""
    connection.execute(statements.SET_COMPACTED, (compacted, newest))


def sweep(connection: sqlite3.Connection, after: int, until: int) -> None:
    """Delete what the writes of a range of revisions have replaced."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        bounds = (last_of(after), last_of(until))
        connection.execute(statements.FORGET_REPLACED, bounds)
        connection.execute(statements.FORGET_DELETIONS, bounds)
        connection.execute(statements.SET_SWEPT, (until,))
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def vacuum(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the file system; True when there is more to give."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free <= SPARE_PAGES:
        return False
    # Each step of this statement frees one page and yields a row without columns, at which execute() would stop.
    connection.executescript(f"PRAGMA incremental_vacuum({min(_VACUUM_PAGES, free - SPARE_PAGES)})")
    return True
