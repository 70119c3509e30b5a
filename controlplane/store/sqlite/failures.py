"""What SQLite's errors mean for the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.store.errors import ForeignFile, StoreCorrupt, StoreFull, StoreLocked
from controlplane.store.interface import StoreError

_PRIMARY = 0xFF  # the low byte of an extended result code is the primary one


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the store's word for an SQLite error."""
    match getattr(error, "sqlite_errorcode", 0) & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"{path}: the disk is full")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLocked(f"{path}: another process has locked the database")
        case sqlite3.SQLITE_CORRUPT:
            return StoreCorrupt(f"{path}: the database is corrupt; restore a backup ({error})")
        case sqlite3.SQLITE_NOTADB:
            return ForeignFile(f"{path}: this is not a Sampan store")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreError(f"{path}: the database cannot be written ({error})")
        case sqlite3.SQLITE_IOERR:
            return StoreError(f"{path}: the disk fails ({error})")
    return StoreError(f"{path}: {error}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
