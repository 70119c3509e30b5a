"""What a store that is served as etcd promises besides: several writes at one revision, and leases that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from controlplane.store.interface import Compacted, Entry, Event, Index, ServedStore, Write


class TestCommit:
    async def test_all_writes_take_one_revision(self, served: ServedStore) -> None:
        await served.put("/b", b"old", expected=0)
        async with aclosing(served.watch("", after=2)) as watch:
            assert await served.commit(lambda _: [Write("/a", b"1"), Write("/b", None), Write("/c", b"3", 7)]) == 3
            events = await anext(watch)
        assert list(events) == [
            Event("/a", b"1", 3, 3, None),
            Event("/b", None, 3, 0, b"old"),
            Event("/c", b"3", 3, 3, None),
        ]
        assert [event.before for event in events] == [None, Entry(2, 2, 1, 0, 0), None]
        page = await served.list("")
        assert [(one.key, one.revision, one.version, one.lease) for one in page.records] == [
            ("/a", 3, 1, 0),
            ("/c", 3, 1, 7),
        ]
        assert await served.revision() == 3
        assert await served.put("/a", b"2", expected=3) == 4

    async def test_history_keeps_the_writes_of_a_revision_together(self, served: ServedStore) -> None:
        await served.commit(lambda _: [Write(f"/{n:03}", b"%d" % n) for n in range(600)])
        await served.commit(lambda _: [Write(f"/{n:03}", None) for n in range(600)])
        async with aclosing(served.watch("", after=1)) as watch:
            batches: list[Sequence[Event]] = []
            while sum(map(len, batches)) < 1200:
                batches.append(await anext(watch))
        assert [{event.revision for event in batch} for batch in batches] in ([{2}, {3}], [{2, 3}])
        assert [event.key for batch in batches for event in batch] == [f"/{n:03}" for n in range(600)] * 2
        assert [event.previous for batch in batches for event in batch][600:] == [b"%d" % n for n in range(600)]

    async def test_each_revision_is_seen_whole(self, served: ServedStore) -> None:
        await served.commit(lambda _: [Write("/a", b"1"), Write("/b", b"1")])
        await served.commit(lambda _: [Write("/a", b"2"), Write("/b", None), Write("/c", b"2")])
        states = [{one.key: one.value for one in (await served.list("", revision=at)).records} for at in (1, 2, 3)]
        assert states == [{}, {"/a": b"1", "/b": b"1"}, {"/a": b"2", "/c": b"2"}]

    async def test_nothing_is_written_when_the_decision_raises(self, served: ServedStore) -> None:
        await served.put("/a", b"1", expected=0)

        def refuse(index: Index) -> Sequence[Write]:
            assert index.get("/a") == Entry(2, 2, 1, 0, 0) and index.revision == 2
            raise LookupError("no")

        with pytest.raises(LookupError):
            await served.commit(refuse)
        assert await served.revision() == 2

    async def test_without_writes_the_newest_revision_is_the_answer(self, served: ServedStore) -> None:
        assert await served.commit(lambda _: []) == 1
        await served.put("/a", b"", expected=0)
        assert await served.commit(lambda _: []) == 2

    async def test_it_sees_what_was_decided_before(self, served: ServedStore) -> None:
        seen: list[list[str]] = []

        def look(index: Index) -> Sequence[Write]:
            seen.append(list(index.range("/", "0")))
            return [Write(f"/{len(seen)}", b"")]

        await asyncio.gather(served.put("/0", b"", expected=0), served.commit(look), served.commit(look))
        assert seen == [["/0"], ["/0", "/1"]]

    async def test_versions_count_from_creation(self, served: ServedStore) -> None:
        for value in (b"1", b"2"):
            await served.put("/a", value, expected=None)
        await served.commit(lambda _: [Write("/a", b"3")])
        record = await served.get("/a")
        assert record is not None and (record.create_revision, record.version) == (2, 3)
        await served.delete("/a", expected=None)
        await served.put("/a", b"again", expected=0)
        record = await served.get("/a")
        assert record is not None and record.version == 1

    async def test_compaction_leaves_what_is_there(self, served: ServedStore) -> None:
        await served.commit(lambda _: [Write("/a", b"1"), Write("/b", b"1")])
        await served.commit(lambda _: [Write("/a", b"2"), Write("/b", None)])
        await served.compact(3)
        assert await served.compacted() == 3
        assert [(one.key, one.value) for one in (await served.list("", revision=3)).records] == [("/a", b"2")]
        with pytest.raises(Compacted):
            await served.list("", revision=2)


@pytest.mark.parametrize(
    ("start", "end", "limit", "expected", "remaining"),
    [
        pytest.param("/b", "/d", 0, ["/b", "/c"], 0, id="from, before"),
        pytest.param("/b", None, 0, ["/b", "/c", "/d"], 0, id="to the last"),
        pytest.param("", "/c", 1, ["/a"], 1, id="the first of two"),
        pytest.param("/d", "/b", 0, [], 0, id="the wrong way round"),
    ],
)
@pytest.mark.parametrize("at", [0, 5])
async def test_scan(
    served: ServedStore, start: str, end: str | None, limit: int, expected: list[str], remaining: int, at: int
) -> None:
    for name in ("/a", "/b", "/c", "/d"):
        await served.put(name, b"", expected=0)
    if at:
        await served.delete("/c", expected=None)
    page = await served.scan(start, end, limit=limit, revision=at)
    assert ([record.key for record in page.records], page.remaining) == (expected, remaining)


async def test_leases_and_deadlines(served: ServedStore) -> None:
    await served.keep_lease(7, 60)
    await served.keep_lease(8, 90)
    await served.keep_lease(8, 0)
    assert await served.leases() == {7: 60}
    await served.put("/event", b"", expected=0, ttl=60)
    await served.put("/kept", b"", expected=0, ttl=60)
    await served.put("/kept", b"", expected=None)
    assert [*await served.deadlines()] == ["/event"]
    assert await served.size() >= 0
