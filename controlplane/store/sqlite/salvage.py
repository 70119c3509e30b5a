"""Reading what can be read of a damaged database, without changing it.

```
 rows     ► ► ► ► ✗ · · · · ✗ ◄ ◄ ◄      from the front and from the back, up to a page that cannot be read
 index    which rows there should be: those in between are tried one by one, and those missing have a name
```
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.kit.clock import Clock
from controlplane.store.damaged import DamagedStore
from controlplane.store.errors import StoreCorrupt
from controlplane.store.interface import Record
from controlplane.store.sqlite import engine
from controlplane.store.sqlite.positions import revision_at

_FINDINGS = 10  # of the database's own check that are told
_NAMES = 5  # of lost keys that are told

_ROW = "SELECT position, key, create_revision, version, lease, value FROM history"
_INDEX = "SELECT key, position, create_revision FROM history INDEXED BY history_by_key"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was found; `lost` keys were there, but their newest value cannot be read."""

    records: Sequence[Record]
    revision: int
    lost: Sequence[str]
    findings: Sequence[str]

    def reason(self, path: Path) -> str:
        """Say what is wrong, in a line."""
        lost = f"; lost: {', '.join(self.lost[:_NAMES])}" if self.lost else ""
        if len(self.lost) > _NAMES:
            lost += f" and {len(self.lost) - _NAMES} more"
        return (
            f"{path} is damaged, nothing can be written until a backup is restored "
            f"({len(self.records)} objects can be read{lost}; {'; '.join(self.findings[:2])})"
        )


@asynccontextmanager
async def open_damaged(path: Path, clock: Clock) -> AsyncIterator[DamagedStore]:
    """Open what can be read of a store. Raises StoreCorrupt when nothing can."""
    lock = engine.prepare(path)
    try:
        found = salvage(path)
        if not found.records:
            why = "; ".join(found.findings[:2])
            raise StoreCorrupt(f"{path}: the database is corrupt beyond reading; restore a backup ({why})")
        store = DamagedStore.holding(clock, found.records, found.revision)
        store.reason = found.reason(path)
        try:
            yield store
        finally:
            await store.close()
    finally:
        lock.release()


def salvage(path: Path) -> Salvaged:
    """Read everything that can be read. Raises StoreCorrupt when the file is no database any more."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")  # or a file that is cut off would not be read at all
            return _salvage(connection)
    except sqlite3.Error as error:
        raise StoreCorrupt(f"{path}: the database is corrupt beyond reading; restore a backup ({error})") from error


def _salvage(connection: sqlite3.Connection) -> Salvaged:
    rows = {row[0]: row for row in _from_both_ends(connection, _ROW, "position")}
    expected = _from_both_ends(connection, _INDEX, "key", "position")
    newest: dict[str, tuple[int, int]] = {}  # position and create revision
    for key, position, created in [*expected, *((row[1], row[0], row[2]) for row in rows.values())]:
        newest[key] = max(newest.get(key, (0, 0)), (position, created))
    records, lost = [], []
    for key, (position, created) in sorted(newest.items()):
        if not created:
            continue  # deleted
        row = rows.get(position) or _one(connection, position)
        if row is None:
            lost.append(key)
        else:
            records.append(Record(key, row[5], row[2], revision_at(position), row[3], row[4]))
    state = _until_damage(connection, "SELECT revision FROM state")
    revision = max([1, *(row[0] for row in state), *(revision_at(position) for position, _ in newest.values())])
    return Salvaged(records, revision, lost, _findings(connection))


def _from_both_ends(connection: sqlite3.Connection, select: str, *columns: str) -> list[tuple[Any, ...]]:
    found: dict[tuple[Any, ...], None] = {}  # each once, in order
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{column} {direction}" for column in columns)
        found |= dict.fromkeys(_until_damage(connection, f"{select} ORDER BY {order}"))
    return [*found]


def _until_damage(connection: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    try:
        for row in connection.execute(query):
            found.append(row)  # noqa: PERF402  # what came before the damage is what we are after
    except sqlite3.Error:
        pass  # a page that cannot be read: what is on it is missed later
    return found


def _one(connection: sqlite3.Connection, position: int) -> tuple[Any, ...] | None:
    found = _until_damage(connection, f"{_ROW} WHERE position = {position}")
    return found[0] if found else None


def _findings(connection: sqlite3.Connection) -> list[str]:
    try:
        return [str(line) for (line,) in connection.execute(f"PRAGMA integrity_check({_FINDINGS})")]
    except sqlite3.Error as error:
        return [str(error)]
