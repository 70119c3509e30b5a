"""Opens the store's file: makes it when it is missing, refuses it when it is not ours or in use."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from controlplane.store.errors import ForeignFile, StoreCorrupt, StoreLocked
from controlplane.store.interface import StoreError
from controlplane.store.sqlite import statements
from controlplane.store.sqlite.failures import translated

_BUSY_MS = 5000  # a backup may hold the file for a moment


class FileLock:
    """Keeps a second process from opening the store: it would not see our writes, nor we its."""

    def __init__(self, path: Path):
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StoreLocked(f"{path}: another process has this store open") from error

    def release(self) -> None:
        os.close(self._descriptor)


def prepare(path: Path) -> FileLock:
    """Make directory and file where they are missing, readable by nobody else, and lock the store."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path.with_name(path.name + ".lock"))
        # SQLite gives its -wal and -shm files the mode of the main file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: the store cannot be made here ({error.strerror})") from error
    return lock


def open_writer(path: Path) -> sqlite3.Connection:
    """Return the connection that writes. Raises ForeignFile, StoreCorrupt."""
    with translated(path):
        connection = _connect(path)
        try:
            _initialise(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads."""
    with translated(path):
        connection = _connect(path)
        connection.execute("PRAGMA query_only = ON")
        return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    connection.execute("PRAGMA cache_size = -4096")  # KiB; the system keeps the file's pages, too
    return connection


def _initialise(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "page_count") == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # must come before the first table
        _configure(connection)
        connection.executescript(
            f"BEGIN IMMEDIATE; {statements.SCHEMA} PRAGMA application_id = {statements.APPLICATION_ID};"
            f" PRAGMA user_version = {statements.FORMAT}; COMMIT"
        )
        return
    _check_format(connection, path)
    check_whole(connection, path)
    _configure(connection)


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # NORMAL can lose acknowledged writes at a power cut
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: 16 MiB, so that hot pages are copied back seldom
    connection.execute("PRAGMA journal_size_limit = 67108864")  # bytes


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != statements.APPLICATION_ID:
        raise ForeignFile(f"{path}: this is not a Sampan store")
    version = _pragma(connection, "user_version")
    if version == 1:
        connection.executescript(
            f"BEGIN IMMEDIATE; {statements.FROM_FORMAT_1} PRAGMA user_version = {statements.FORMAT}; COMMIT"
        )
        return
    if version != statements.FORMAT:
        raise ForeignFile(
            f"{path}: the store has format {version}, this version of Sampan reads format {statements.FORMAT}"
        )


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Look at every page, which takes a second for some hundred MiB. Raises StoreCorrupt."""
    found = [line for (line,) in connection.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        what = "; ".join(line.removeprefix("*** in database main ***").strip() for line in found)
        raise StoreCorrupt(f"{path}: the database is corrupt; restore a backup ({what})")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
