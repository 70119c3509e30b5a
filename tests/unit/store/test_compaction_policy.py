"""How much history the compactor leaves, on a store that answers at once."""

from __future__ import annotations

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from controlplane.store.compaction import CompactionPolicy, Compactor
from controlplane.store.interface import Compacted
from controlplane.store.memory import MemoryStore


@pytest.mark.parametrize(
    ("policy", "oldest"),
    [
        pytest.param(CompactionPolicy(interval=60, keep=120), 4, id="two minutes, looking every minute"),
        pytest.param(CompactionPolicy(interval=60, keep=60), 5, id="one minute"),
        pytest.param(CompactionPolicy(interval=300, keep=600), 1, id="nothing is old enough yet"),
    ],
)
async def test_keeps_the_youngest_minutes(policy: CompactionPolicy, oldest: int) -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    async with running(Compactor(store, clock, policy).run()):
        await clock.advance(0)
        for minute in range(5):
            await store.put("/a", b"%d" % minute, expected=None)  # takes revision minute + 2
            await clock.advance(60)
        for revision in range(1, oldest):
            with pytest.raises(Compacted):
                await store.list("", revision=revision)
        assert (await store.list("", revision=oldest)).revision == oldest


async def test_a_store_that_cannot_compact_is_asked_again() -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    async with running(Compactor(store, clock, CompactionPolicy(interval=60, keep=60)).run()):
        await clock.advance(0)
        await store.put("/a", b"1", expected=0)
        compact, store.compact = store.compact, _refuse  # type: ignore[method-assign]
        await clock.advance(60)
        store.compact = compact  # type: ignore[method-assign]
        await clock.advance(120)
        with pytest.raises(Compacted):
            await store.list("", revision=1)


async def _refuse(revision: int) -> None:
    from controlplane.store.errors import StoreFull

    raise StoreFull(f"no room to compact to {revision}")
