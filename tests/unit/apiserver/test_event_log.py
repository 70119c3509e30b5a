"""The recent changes of a resource, and who reads them."""

from __future__ import annotations

import asyncio

import pytest

from controlplane.apiserver.cached_object import CachedObject, opening, tail_of
from controlplane.apiserver.event_log import Change, EventLog, TooOld
from controlplane.apiserver.watch_cache import ResourceCache, WatchCache
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from controlplane.store.interface import Event, Page, StoreError
from controlplane.store.memory import MemoryStore

OPEN = opening("v1", "ConfigMap")
PREFIX = "/registry/configmaps/"


def value(text: str) -> bytes:
    return OPEN + b'"metadata":{"name":"x"},"data":{"a":"%s"}}' % text.encode()


def change(revision: int) -> Change:
    return Change(b"ADDED", CachedObject("a/b", revision, b""), None)


def a_log(*revisions: int, capacity: int = 100, floor: int = 0) -> EventLog:
    log = EventLog(capacity, floor)
    for revision in revisions:
        log.append(change(revision))
    return log


def revisions(log: EventLog, position: int) -> list[int]:
    return [one.revision for one in log.read(position, 1000)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(0, [3, 5, 8], id="everything"),
        pytest.param(3, [5, 8], id="after the first"),
        pytest.param(4, [5, 8], id="between two"),
        pytest.param(8, [], id="after the last"),
        pytest.param(99, [], id="from the future on"),
    ],
)
def test_position_after(after: int, expected: list[int]) -> None:
    log = a_log(3, 5, 8)
    assert revisions(log, log.position_after(after)) == expected


def test_the_oldest_are_forgotten_and_positions_stay() -> None:
    log = a_log(*range(1, 9), capacity=4)
    position = log.position_after(5)
    log.append(change(9))
    assert log.floor == 4
    assert revisions(log, position) == [6, 7, 8, 9]
    with pytest.raises(TooOld):
        log.position_after(3)
    assert revisions(log, log.position_after(4)) == [5, 6, 7, 8, 9]


def test_a_slow_reader_falls_off() -> None:
    log = a_log(1, 2, capacity=2)
    position = log.position_after(0)
    for revision in range(3, 9):
        log.append(change(revision))
    with pytest.raises(TooOld):
        log.read(position, 10)


def test_reset_cuts_every_reader() -> None:
    log = a_log(1, 2)
    position = log.end
    log.reset(50)
    with pytest.raises(TooOld):
        log.read(position, 10)
    assert log.floor == 50


@pytest.mark.parametrize(
    ("stored", "tail"),
    [
        pytest.param(value("1"), b'"metadata":{"resourceVersion":"7","name":"x"},"data":{"a":"1"}}', id="ours"),
        pytest.param(
            b'{"kind":"ConfigMap","metadata":{"name":"x"},"apiVersion":"v1"}',
            b'"metadata":{"resourceVersion":"7","name":"x"}}',
            id="in another order",
        ),
        pytest.param(OPEN + b'"metadata":{}}', b'"metadata":{"resourceVersion":"7"}}', id="empty metadata"),
    ],
)
def test_the_version_is_spliced_in(stored: bytes, tail: bytes) -> None:
    assert tail_of(stored, OPEN, 7) == tail


def test_a_deletion_shows_the_last_state_with_its_own_version() -> None:
    item = CachedObject("a/b", 7, tail_of(value("1"), OPEN, 7))
    assert item.at(12).tail == tail_of(value("1"), OPEN, 12)


def a_cache() -> ResourceCache:
    return ResourceCache(PREFIX, OPEN)


def test_objects_are_in_key_order_by_namespace() -> None:
    cache = a_cache()
    keys = ["b/y", "a-b/x", "a/z", "a/b", "ab/c"]
    cache.apply([Event(PREFIX + key, value("1"), n, n) for n, key in enumerate(keys, 1)])
    assert [item.key for item in cache.list("a/")] == ["a/b", "a/z"]
    assert [item.key for item in cache.list("a/", after="a/b")] == ["a/z"]
    assert [item.key for item in cache.list()] == sorted(keys)
    assert cache.count("a/") == 2


async def test_a_watcher_is_woken_for_what_concerns_it_only() -> None:
    cache = a_cache()
    with cache.watcher(cache.log.end, lambda one: one.object.key.startswith("mine/")) as watcher:
        waiting = asyncio.create_task(watcher.wait())
        await asyncio.sleep(0)
        cache.apply([Event(f"{PREFIX}other/a", value("1"), 1, 1)])
        await asyncio.sleep(0)
        assert not waiting.done()
        assert watcher.position == 1, "it has nothing to read there"
        cache.apply([Event(f"{PREFIX}mine/a", value("1"), 2, 2)])
        await waiting
        assert watcher.position == 1


async def test_reads_wait_for_the_store() -> None:
    clock = ManualClock()
    async with MemoryStore.open(clock) as store:
        await store.put(f"{PREFIX}a/b", value("1"), expected=0)
        cache = WatchCache(store, clock, [a_cache()])
        await cache.load()
        async with running(cache.follow()):
            revision = await store.put(f"{PREFIX}a/c", value("2"), expected=0)
            assert await cache.fresh() == revision
            assert [item.key for item in cache.of(PREFIX).list()] == ["a/b", "a/c"]
            await store.put("/registry/unknown/x", b"{}", expected=0)
            assert await cache.fresh() == revision + 1, "writes that no cache wants move it too"


async def test_a_history_that_is_gone_is_read_again() -> None:
    clock = ManualClock()
    async with MemoryStore.open(clock) as store:
        await store.put(f"{PREFIX}a/b", value("1"), expected=0)
        cache = WatchCache(store, clock, [a_cache()])
        await cache.load()
        position = cache.of(PREFIX).log.end
        await store.delete(f"{PREFIX}a/b", expected=None)
        await store.put(f"{PREFIX}a/c", value("2"), expected=0)
        await store.compact(await store.revision())
        async with running(cache.follow()):
            await cache.reached(await store.revision())
        assert [item.key for item in cache.of(PREFIX).list()] == ["a/c"]
        with pytest.raises(TooOld):
            cache.of(PREFIX).log.read(position, 10)


async def test_a_server_that_starts_knows_the_changes_before_it() -> None:
    clock = ManualClock()
    async with MemoryStore.open(clock) as store:
        first = await store.put(f"{PREFIX}a/b", value("1"), expected=0)
        await store.put(f"{PREFIX}a/b", value("2"), expected=first)
        await store.delete(f"{PREFIX}a/b", expected=None)
        cache = WatchCache(store, clock, [a_cache()])
        await cache.load()
        async with running(cache.follow()):
            await cache.fresh()
        log = cache.of(PREFIX).log
        assert [one.type for one in log.read(log.position_after(first), 10)] == [b"MODIFIED", b"DELETED"]
        assert cache.of(PREFIX).list() == []


async def test_a_server_that_starts_knows_what_compaction_left() -> None:
    clock = ManualClock()
    async with MemoryStore.open(clock) as store:
        first = await store.put(f"{PREFIX}a/b", value("1"), expected=0)
        second = await store.put(f"{PREFIX}a/c", value("2"), expected=0)
        await store.compact(second)
        await store.put(f"{PREFIX}a/d", value("3"), expected=0)
        cache = WatchCache(store, clock, [a_cache()])
        await cache.load()
        async with running(cache.follow()):
            await cache.fresh()
        log = cache.of(PREFIX).log
        assert [item.key for item in cache.of(PREFIX).list()] == ["a/b", "a/c", "a/d"]
        assert [one.object.key for one in log.read(log.position_after(second), 10)] == ["a/d"]
        with pytest.raises(TooOld):
            log.position_after(first)


class _Flaky(MemoryStore):
    """A store of which lists fail while `broken`."""

    broken = False

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        if self.broken:
            raise StoreError("the disk fails")
        return await super().list(prefix, limit=limit, start_after=start_after, revision=revision)


async def test_reading_again_is_tried_until_it_works() -> None:
    clock = ManualClock()
    store = _Flaky(clock)
    cache = WatchCache(store, clock, [a_cache()])
    await cache.load()
    await store.put(f"{PREFIX}a/b", value("1"), expected=0)
    await store.put(f"{PREFIX}a/c", value("2"), expected=0)
    await store.compact(await store.revision())
    store.broken = True
    async with running(cache.follow()):
        await clock.advance(5)
        assert cache.of(PREFIX).list() == []
        store.broken = False
        await clock.advance(5)
        assert [item.key for item in cache.of(PREFIX).list()] == ["a/b", "a/c"]


async def test_who_gave_up_waiting_is_forgotten() -> None:
    clock = ManualClock()
    async with MemoryStore.open(clock) as store:
        cache = WatchCache(store, clock, [a_cache()])
        await cache.load()
        waiting = asyncio.create_task(cache.reached(10**9))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with running(cache.follow()):
            await store.put(f"{PREFIX}a/b", value("1"), expected=0)
            await cache.fresh()
        assert cache.waiting == 0
