"""Every store there is, for the one suite that all of them pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.store.interface import Store
from controlplane.store.memory import MemoryStore
from controlplane.store.sqlite import SqliteStore

Opener = Callable[[Path, ManualClock], AbstractAsyncContextManager[Store]]

OPENERS: dict[str, Opener] = {
    "memory": lambda _, clock: MemoryStore.open(clock),
    "sqlite": lambda path, clock: SqliteStore.open(path / "store" / "db", clock, compaction=None),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=OPENERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    async with OPENERS[request.param](tmp_path, clock) as opened:
        yield opened
