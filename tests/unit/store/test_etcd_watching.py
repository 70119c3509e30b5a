"""The Watch service without sockets: parts of answers, clients that are slow, progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import watching
from controlplane.store.etcd.server.hub import Hub
from controlplane.store.etcd.server.replies import Member
from controlplane.store.etcd.server.watching import PROGRESS_SECONDS, Watches, parts
from controlplane.store.memory import MemoryStore

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("events", "split", "expected"),
    [
        pytest.param([], True, [], id="nothing"),
        pytest.param([(2, 10), (3, 10)], True, [([2, 3], False)], id="small ones together"),
        pytest.param([(2, MIB), (3, MIB), (4, 10)], False, [([2], False), ([3, 4], False)], id="by revision"),
        pytest.param([(2, MIB), (2, MIB), (2, 9)], True, [([2], True), ([2, 2], False)], id="fragments of a revision"),
        pytest.param([(2, MIB), (2, MIB), (2, 9)], False, [([2, 2, 2], False)], id="whole, to who cannot join them"),
    ],
)
def test_parts(events: list[tuple[int, int]], split: bool, expected: list[tuple[list[int], bool]]) -> None:
    given = [
        (revision, pb.Event(kv=pb.KeyValue(mod_revision=revision, value=b"x" * size))) for revision, size in events
    ]
    found = [([one.kv.mod_revision for one in part], more) for part, more in parts(given, split_revisions=split)]
    assert found == expected


class Client:
    """One stream: what is said, and what is heard one after the other."""

    def __init__(self, service: Watches):
        self._said: asyncio.Queue[pb.WatchRequest | None] = asyncio.Queue()
        self.answers = service.watch(self._requests())

    async def _requests(self) -> AsyncIterator[pb.WatchRequest]:
        while (request := await self._said.get()) is not None:
            yield request

    def say(self, **request: object) -> None:
        self._said.put_nowait(pb.WatchRequest(**request))  # type: ignore[arg-type]

    def end(self) -> None:
        self._said.put_nowait(None)

    async def hear(self) -> pb.WatchResponse:
        async with asyncio.timeout(10):
            return await anext(self.answers)


@asynccontextmanager
async def a_client(clock: ManualClock) -> AsyncIterator[tuple[MemoryStore, Client]]:
    async with MemoryStore.open(clock) as store:
        hub = Hub(store, await store.revision())
        client = Client(Watches(store, Member(), hub, clock))
        async with running(hub.run()), aclosing(client.answers):  # type: ignore[type-var]
            yield store, client


async def test_a_slow_client_is_sent_back_to_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_MOST_WAITING", 5)
    async with a_client(ManualClock()) as (store, client):
        client.say(create_request=pb.WatchCreateRequest(key=b"/a"))
        assert (await client.hear()).created
        for n in range(100):
            await store.put("/a", b"%d" % n, expected=None)
            await asyncio.sleep(0)
        heard: list[bytes] = []
        while len(heard) < 100:
            heard += [event.kv.value for event in (await client.hear()).events]
        assert heard == [b"%d" % n for n in range(100)]
        await store.put("/a", b"later", expected=None)
        assert [event.kv.value for event in (await client.hear()).events] == [b"later"]


async def test_progress_comes_behind_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_client(ManualClock()) as (store, client):
        client.say(create_request=pb.WatchCreateRequest(key=b"/a"))
        await client.hear()
        await store.put("/a", b"1", expected=0)
        await store.put("/elsewhere", b"1", expected=0)
        client.say(progress_request=pb.WatchProgressRequest())
        first, second = await client.hear(), await client.hear()
        assert [event.kv.mod_revision for event in first.events] == [2]
        assert (second.watch_id, second.header.revision, len(second.events)) == (-1, 3, 0)


async def test_a_quiet_watch_gives_a_sign_of_life_to_who_asked_for_it() -> None:
    clock = ManualClock()
    async with a_client(clock) as (store, client):
        client.say(create_request=pb.WatchCreateRequest(key=b"/a", progress_notify=True))
        await client.hear()
        await store.put("/elsewhere", b"1", expected=0)
        await clock.advance(PROGRESS_SECONDS + 1)
        answer = await client.hear()
        assert (answer.watch_id, answer.header.revision, len(answer.events)) == (0, 2, 0)


async def test_the_stream_ends_with_its_requests() -> None:
    async with a_client(ManualClock()) as (_, client):
        client.say(create_request=pb.WatchCreateRequest(key=b"/a"))
        await client.hear()
        client.end()
        with pytest.raises(StopAsyncIteration):
            await client.hear()
