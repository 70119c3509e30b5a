"""A database made at once from a state, as a restored backup is."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from controlplane.store.interface import Record, StoreError
from controlplane.store.sqlite import engine, statements
from controlplane.store.sqlite.failures import translated
from controlplane.store.sqlite.packing import Row, pack
from controlplane.store.sqlite.positions import position_of

_AT_ONCE = 500  # records a statement


def write(path: Path, records: Iterable[tuple[Record, float | None]], revision: int) -> None:
    """Make a store of records and when they expire, all whose history up to `revision` is gone.

    Revisions go on from there: whoever watches from an earlier one is told to read everything again. The file appears
    whole or not at all. Raises StoreError, also when there is one.
    """
    if path.exists():
        raise StoreError(f"{path} is there already: a backup is restored into an empty place")
    unfinished = path.with_name(path.name + ".restoring")
    _remove(unfinished)
    lock = engine.prepare(unfinished)
    try:
        connection = engine.open_writer(unfinished)
        try:
            with translated(unfinished):
                _fill(connection, records, revision)
        finally:
            connection.close()
        unfinished.rename(path)
    finally:
        lock.release()
        _remove(unfinished)


def _fill(connection: sqlite3.Connection, records: Iterable[tuple[Record, float | None]], revision: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    chunk: list[Row] = []
    for row in _rows(records):
        chunk.append(row)
        if len(chunk) == _AT_ONCE:
            connection.execute(statements.INSERT, pack(chunk))
            chunk = []
    connection.execute(statements.INSERT, pack(chunk))
    connection.execute(statements.SET_COMPACTED, (revision, revision))
    connection.execute(statements.SET_SWEPT, (revision,))
    connection.execute("COMMIT")


def _rows(records: Iterable[tuple[Record, float | None]]) -> Iterator[Row]:
    places: Counter[int] = Counter()
    for record, expires in records:
        position = position_of(record.revision, places[record.revision])
        places[record.revision] += 1
        created, version, lease = record.create_revision, record.version, record.lease
        yield Row(position, record.key, record.value, created, version, 0, lease, expires)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
