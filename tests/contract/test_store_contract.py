"""What a store promises. Every test runs against every implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from controlplane.store.errors import StoreClosed
from controlplane.store.interface import Compacted, Event, FutureRevision, Record, RevisionMismatch, Store
from tests.contract.conftest import Elapse

POD = "/registry/pods/default/a"


async def take(watch: AsyncIterator[Sequence[Event]], count: int) -> list[Event]:
    """The next `count` events."""
    events: list[Event] = []
    async with asyncio.timeout(10):
        while len(events) < count:
            events += await anext(watch)
    return events


async def keys(store: Store, prefix: str = "", revision: int = 0) -> dict[str, bytes]:
    return {record.key: record.value for record in (await store.list(prefix, revision=revision)).records}


class TestPut:
    async def test_an_empty_store_is_at_revision_1_and_each_write_takes_the_next(self, store: Store) -> None:
        assert await store.revision() == 1
        assert [await store.put(f"/{name}", b"", expected=0) for name in "abc"] == [2, 3, 4]
        assert await store.revision() == 4

    async def test_what_was_put_is_what_get_returns(self, store: Store) -> None:
        created = await store.put(POD, b"one", expected=0)
        assert await store.get(POD) == Record(POD, b"one", created, created)
        updated = await store.put(POD, b"two", expected=created)
        assert await store.get(POD) == Record(POD, b"two", created, updated)

    @pytest.mark.parametrize("value", [b"", b"\0", b"\xff\xfe", b"a\0b" * 1000], ids=["empty", "nul", "binary", "long"])
    async def test_values_are_bytes(self, store: Store, value: bytes) -> None:
        await store.put(POD, b"before", expected=0)
        revision = await store.put(POD, value, expected=None)
        record = await store.get(POD)
        assert record is not None and record.value == value
        events = [event async for event in _first(store.watch("", after=revision - 1))]
        assert [(event.value, event.previous) for event in events] == [(value, b"before")]

    @pytest.mark.parametrize(
        ("existing", "expected", "accepted"),
        [
            pytest.param(False, 0, True, id="create what is absent"),
            pytest.param(False, 7, False, id="update what is absent"),
            pytest.param(False, None, True, id="write whatever is there, and nothing is"),
            pytest.param(True, 0, False, id="create what is there"),
            pytest.param(True, 2, True, id="update at the right revision"),
            pytest.param(True, 1, False, id="update at an old revision"),
            pytest.param(True, None, True, id="write whatever is there"),
        ],
    )
    async def test_compare_and_swap(self, store: Store, existing: bool, expected: int | None, accepted: bool) -> None:
        if existing:
            await store.put(POD, b"old", expected=0)
        if accepted:
            assert await store.put(POD, b"new", expected=expected) == await store.revision()
            return
        with pytest.raises(RevisionMismatch) as refused:
            await store.put(POD, b"new", expected=expected)
        assert refused.value.actual == (Record(POD, b"old", 2, 2) if existing else None)
        assert await store.revision() == (2 if existing else 1), "a refused write takes no revision"

    async def test_one_of_many_simultaneous_writers_wins(self, store: Store) -> None:
        results = await asyncio.gather(
            *(store.put(POD, str(n).encode(), expected=0) for n in range(50)), return_exceptions=True
        )
        winners = [n for n, result in enumerate(results) if isinstance(result, int)]
        assert len(winners) == 1
        actual = {result.actual for result in results if isinstance(result, RevisionMismatch)}
        assert actual == {await store.get(POD)}

    async def test_every_increment_of_a_contended_counter_counts(self, store: Store) -> None:
        await store.put(POD, b"0", expected=0)

        async def increment() -> None:
            while True:
                record = await store.get(POD)
                assert record is not None
                try:
                    await store.put(POD, b"%d" % (int(record.value) + 1), expected=record.revision)
                    return
                except RevisionMismatch:
                    continue

        await asyncio.gather(*(increment() for _ in range(20)))
        record = await store.get(POD)
        assert record is not None and record.value == b"20"

    async def test_a_cancelled_writer_does_not_disturb_the_others(self, store: Store) -> None:
        cancelled = asyncio.ensure_future(store.put("/x", b"", expected=0))
        other = asyncio.ensure_future(store.put("/y", b"", expected=0))
        await asyncio.sleep(0)
        cancelled.cancel()
        await other
        assert (await store.get("/y")) is not None


async def _first(watch: AsyncIterator[Sequence[Event]]) -> AsyncIterator[Event]:
    for event in await anext(watch):
        yield event


class TestDelete:
    async def test_a_deletion_takes_a_revision_and_a_new_object_starts_anew(self, store: Store) -> None:
        created = await store.put(POD, b"one", expected=0)
        assert await store.delete(POD, expected=created) == created + 1
        assert await store.get(POD) is None
        again = await store.put(POD, b"two", expected=0)
        assert await store.get(POD) == Record(POD, b"two", again, again)

    @pytest.mark.parametrize("expected", [None, 0, 5])
    async def test_there_is_nothing_to_delete(self, store: Store, expected: int | None) -> None:
        with pytest.raises(RevisionMismatch) as refused:
            await store.delete(POD, expected=expected)
        assert refused.value.actual is None

    async def test_only_at_the_expected_revision(self, store: Store) -> None:
        revision = await store.put(POD, b"one", expected=0)
        with pytest.raises(RevisionMismatch) as refused:
            await store.delete(POD, expected=revision - 1)
        assert refused.value.actual == Record(POD, b"one", revision, revision)


class TestList:
    @pytest.fixture
    async def five(self, store: Store) -> Store:
        for name in ("/a/3", "/a/1", "/b/1", "/a/2", "/a/10"):
            await store.put(name, name.encode(), expected=0)
        return store

    @pytest.mark.parametrize(
        ("prefix", "limit", "start_after", "expected", "remaining"),
        [
            pytest.param("/a/", 0, "", ["/a/1", "/a/10", "/a/2", "/a/3"], 0, id="all, in key order"),
            pytest.param("/a/", 2, "", ["/a/1", "/a/10"], 2, id="the first page"),
            pytest.param("/a/", 2, "/a/10", ["/a/2", "/a/3"], 0, id="the last page"),
            pytest.param("/a/", 1, "/a/15", ["/a/2"], 1, id="behind a key that is not there"),
            pytest.param("/a/", 5, "/a/3", [], 0, id="behind the last"),
            pytest.param("/a/", 5, "/c", [], 0, id="behind everything"),
            pytest.param("", 0, "", ["/a/1", "/a/10", "/a/2", "/a/3", "/b/1"], 0, id="everything"),
            pytest.param("/c", 0, "", [], 0, id="nothing there"),
        ],
    )
    @pytest.mark.parametrize("at", ["now", "then"])
    async def test_pages(
        self, five: Store, prefix: str, limit: int, start_after: str, expected: list[str], remaining: int, at: str
    ) -> None:
        then = await five.revision()
        if at == "then":
            await five.put("/a/1", b"changed", expected=None)
            await five.put("/a/11", b"new", expected=0)
            await five.delete("/b/1", expected=None)
        page = await five.list(prefix, limit=limit, start_after=start_after, revision=then if at == "then" else 0)
        assert [(record.key, record.value.decode()) for record in page.records] == [(key, key) for key in expected]
        assert (page.remaining, page.revision) == (remaining, then)

    async def test_at_each_revision(self, store: Store) -> None:
        states = [{}]
        for key, value in (("/a", b"1"), ("/b", b"1"), ("/a", b"2"), ("/b", None), ("/b", b"3")):
            state = dict(states[-1])
            if value is None:
                await store.delete(key, expected=None)
                del state[key]
            else:
                await store.put(key, value, expected=None)
                state[key] = value
            states.append(state)
        assert [await keys(store, "/", revision) for revision in range(1, 7)] == states

    async def test_the_future_is_not_known(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            await store.list("", revision=2)

    async def test_more_records_than_are_read_at_once(self, store: Store) -> None:
        names = [f"/{n:04}" for n in range(700)]
        await asyncio.gather(*(store.put(name, name.encode(), expected=0) for name in names))
        assert list((await keys(store)).values()) == [name.encode() for name in names]


class TestWatch:
    async def test_history_then_what_happens(self, store: Store) -> None:
        start = await store.put("/a/1", b"one", expected=0)
        await store.put("/a/1", b"two", expected=start)
        async with aclosing(store.watch("/a/", after=start)) as watch:
            assert await take(watch, 1) == [Event("/a/1", b"two", 3, 2, b"one")]
            await store.put("/b/1", b"elsewhere", expected=0)
            await store.delete("/a/1", expected=None)
            assert await take(watch, 1) == [Event("/a/1", None, 5, 0, b"two")]
            await store.put("/a/1", b"again", expected=0)
            assert await take(watch, 1) == [Event("/a/1", b"again", 6, 6, None)]

    async def test_from_the_very_beginning(self, store: Store) -> None:
        for n in range(600):
            await store.put(f"/{n % 7}", b"%d" % n, expected=None)
        async with aclosing(store.watch("", after=0)) as watch:
            events = await take(watch, 600)
        assert [event.revision for event in events] == list(range(2, 602))
        assert [event.value for event in events] == [b"%d" % n for n in range(600)]

    async def test_from_a_revision_to_come(self, store: Store) -> None:
        async with aclosing(store.watch("", after=3)) as watch:
            first = asyncio.ensure_future(take(watch, 1))
            for n in range(4):
                await asyncio.sleep(0)
                await store.put("/a", b"%d" % n, expected=None)
            assert [event.revision for event in await first] == [4]

    async def test_nothing_is_lost_repeated_or_reordered_while_others_write(self, store: Store) -> None:
        async def write(name: str) -> None:
            for n in range(100):
                await store.put(f"/w/{name}", b"%d" % n, expected=None)

        async def observe(after: int) -> list[int]:
            revisions: list[int] = []
            async with asyncio.timeout(30), aclosing(store.watch("/w/", after=after)) as watch:
                async for batch in watch:
                    revisions += [event.revision for event in batch]
                    if batch[-1].key == "/w/end":
                        break
            return revisions

        starts, observers = [0], [asyncio.ensure_future(observe(0))]
        writers = asyncio.gather(*(write(name) for name in "abcdefgh"))
        for _ in range(10):
            await store.put("/elsewhere", b"", expected=None)
            starts.append(await store.revision())
            observers.append(asyncio.ensure_future(observe(starts[-1])))
        await writers
        await store.put("/w/end", b"", expected=0)
        everything, *rest = await asyncio.gather(*observers)
        assert everything == sorted(set(everything)) and len(everything) == 801
        assert rest == [[one for one in everything if one > start] for start in starts[1:]]

    async def test_a_watcher_that_is_slow_misses_nothing(self, store: Store) -> None:
        async with aclosing(store.watch("/", after=1)) as watch:
            await store.put("/0", b"", expected=None)
            assert len(await take(watch, 1)) == 1
            for start in range(0, 12_000, 500):  # more than a watcher's buffer holds
                await asyncio.gather(*(store.put(f"/{start + n}", b"", expected=None) for n in range(500)))
            events = await take(watch, 12_000)
        assert [event.revision for event in events] == list(range(3, 12_003))

    async def test_closing_the_store_ends_a_watch(self, store: Store) -> None:
        watching = asyncio.ensure_future(anext(store.watch("", after=1)))
        await asyncio.sleep(0.01)
        await store.close()
        with pytest.raises(StoreClosed):
            await watching


class TestCompaction:
    @pytest.fixture
    async def seven(self, store: Store) -> Store:
        """a: 2, 3, 7; b: 4, deleted at 5; c: 6."""
        await store.put("/a", b"1", expected=0)
        await store.put("/a", b"2", expected=2)
        await store.put("/b", b"1", expected=0)
        await store.delete("/b", expected=4)
        await store.put("/c", b"1", expected=0)
        await store.put("/a", b"3", expected=3)
        return store

    @pytest.mark.parametrize("revision", [1, 2, 3, 4, 5, 6, 7])
    async def test_what_each_key_holds_stays(self, seven: Store, revision: int) -> None:
        before = {at: await keys(seven, "", at) for at in range(1, 8)}
        await seven.compact(revision)
        assert {at: await keys(seven, "", at) for at in range(revision, 8)} == {
            at: state for at, state in before.items() if at >= revision
        }
        for at in range(1, revision):
            with pytest.raises(Compacted) as gone:
                await seven.list("", revision=at)
            assert gone.value.revision == revision

    async def test_a_watch_needs_the_history_after_it(self, seven: Store) -> None:
        await seven.compact(5)
        with pytest.raises(Compacted):
            await anext(seven.watch("", after=4))
        async with aclosing(seven.watch("", after=5)) as watch:
            assert await take(watch, 2) == [Event("/c", b"1", 6, 6, None), Event("/a", b"3", 7, 2, b"2")]

    async def test_a_watch_that_keeps_up_does_not_notice(self, seven: Store) -> None:
        async with aclosing(seven.watch("/a", after=6)) as watch:
            assert [event.value for event in await take(watch, 1)] == [b"3"]
            following = asyncio.ensure_future(take(watch, 1))
            await seven.put("/b", b"", expected=None)
            await seven.compact(8)
            await seven.put("/a", b"4", expected=7)
            assert [event.value for event in await following] == [b"4"]

    async def test_twice_and_backwards_is_harmless(self, seven: Store) -> None:
        await seven.compact(6)
        await seven.compact(6)
        await seven.compact(3)
        with pytest.raises(Compacted):
            await seven.list("", revision=5)

    async def test_the_future_cannot_be_forgotten(self, seven: Store) -> None:
        with pytest.raises(FutureRevision):
            await seven.compact(8)

    async def test_writes_go_on_from_the_same_revision_when_all_is_forgotten(self, store: Store) -> None:
        await store.put("/a", b"", expected=0)
        await store.delete("/a", expected=None)
        await store.compact(3)
        assert await store.put("/a", b"", expected=0) == 4


class TestTtl:
    async def test_a_key_expires_as_an_ordinary_deletion(self, store: Store, elapse: Elapse) -> None:
        await store.put("/event", b"e", expected=0, ttl=5)
        async with aclosing(store.watch("/", after=2)) as watch:
            await elapse(3)
            assert await store.get("/event") is not None
            await elapse(4)
            assert await take(watch, 1) == [Event("/event", None, 3, 0, b"e")]
        assert await store.get("/event") is None

    @pytest.mark.parametrize("ttl", [0, 600])
    async def test_a_new_write_decides_anew(self, store: Store, elapse: Elapse, ttl: int) -> None:
        await store.put("/event", b"1", expected=0, ttl=2)
        await store.put("/event", b"2", expected=2, ttl=ttl)
        await elapse(5)
        await store.put("/later", b"", expected=0)  # behind any deletion that would be under way
        assert await store.get("/event") is not None


async def test_nothing_works_on_a_closed_store(store: Store) -> None:
    await store.close()
    for attempt in (store.get("/a"), store.list(""), store.revision(), store.compact(1)):
        with pytest.raises(StoreClosed):
            await attempt
    with pytest.raises(StoreClosed):
        await store.put("/a", b"", expected=0)
