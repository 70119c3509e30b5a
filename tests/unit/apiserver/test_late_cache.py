"""A resource that is taken up while the server runs: what was there, and what changes meanwhile, is in its cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controlplane.apiserver.customresources.storage import CustomCache
from controlplane.apiserver.event_log import TooOld
from controlplane.apiserver.watch_cache import WatchCache
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from controlplane.store.memory import MemoryStore

PREFIX = "/registry/example.com/widgets/"


def a_widget(name: str, version: str = "v1", size: int = 1) -> bytes:
    return (
        f'{{"apiVersion":"example.com/{version}","kind":"Widget","metadata":{{"name":"{name}","uid":"{name}"}},'
        f'"size":{size}}}'
    ).encode()


@asynccontextmanager
async def a_cache() -> AsyncIterator[tuple[MemoryStore, WatchCache]]:
    clock = SystemClock()
    async with MemoryStore.open(clock) as store:
        cache = WatchCache(store, clock, [])
        await cache.load()
        async with running(cache.follow()):
            yield store, cache


async def test_what_changes_while_it_is_filled_is_there_too() -> None:
    async with a_cache() as (store, cache):
        for index in range(50):
            await store.put(f"{PREFIX}default/w{index:03}", a_widget(f"w{index:03}"), expected=0)
        late = CustomCache(PREFIX, b"{")

        async def write() -> None:
            for index in range(50, 100):
                await store.put(f"{PREFIX}default/w{index:03}", a_widget(f"w{index:03}"), expected=0)
                await asyncio.sleep(0)

        writing = asyncio.create_task(write())
        await cache.fill(late)
        await writing
        await cache.fresh()
        assert [item.key for item in late.list()] == [f"default/w{index:03}" for index in range(100)]
        assert not late.waiting


async def test_tails_end_with_the_version_that_is_stored() -> None:
    async with a_cache() as (store, cache):
        await store.put(f"{PREFIX}default/a", a_widget("a", "v1beta1"), expected=0)
        foreign = b'{"kind":"Widget","metadata":{"name":"b"},"apiVersion":"example.com/v2","size":2}'
        await store.put(f"{PREFIX}default/b", foreign, expected=0)
        late = CustomCache(PREFIX, b"{")
        await cache.fill(late)
        documents = {item.key: item.document() for item in late.list()}
        assert documents["default/a"]["apiVersion"] == "example.com/v1beta1"
        assert documents["default/b"]["apiVersion"] == "example.com/v2"
        assert all(document["metadata"]["resourceVersion"] for document in documents.values())
        assert "kind" not in documents["default/a"]


async def test_a_successor_has_it_all_and_ends_the_watches() -> None:
    async with a_cache() as (store, cache):
        await store.put(f"{PREFIX}default/a", a_widget("a"), expected=0)
        first, second = CustomCache(PREFIX, b"{"), CustomCache(PREFIX, b"{")
        await cache.fill(first)
        with first.watcher(first.log.end, None) as watcher:
            waiting = asyncio.create_task(watcher.wait())
            await asyncio.sleep(0)
            second.succeed(first)
            cache.put(second)
            await waiting
        assert first.closed and not second.closed
        revision = await store.put(f"{PREFIX}default/b", a_widget("b"), expected=0)
        await cache.fresh()
        assert [item.key for item in second.list()] == ["default/a", "default/b"]
        assert len(second.log.read(second.log.position_after(revision - 1), 10)) == 1


async def test_what_is_dropped_is_forgotten() -> None:
    async with a_cache() as (store, cache):
        late = CustomCache(PREFIX, b"{")
        await cache.fill(late)
        cache.drop(PREFIX)
        await store.put(f"{PREFIX}default/a", a_widget("a"), expected=0)
        await cache.fresh()
        assert late.closed and len(late) == 0
        again = CustomCache(PREFIX, b"{")
        await cache.fill(again)
        assert len(again) == 1
        try:
            again.log.position_after(0)
        except TooOld as error:
            assert error.oldest > 0  # a watch from before is told to list again
        else:
            raise AssertionError("the history from before it was served is not known")
