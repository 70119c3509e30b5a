"""A client whose server is killed, restarted, replaced: what it was told stays true, and its watch goes on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from controlplane.kit.clock import SystemClock
from controlplane.store.errors import StoreUnavailable
from controlplane.store.etcd.client import EtcdStore
from controlplane.store.etcd.root import Root
from controlplane.store.etcd.server import EtcdServer
from controlplane.store.interface import Compacted, Event, RevisionMismatch
from controlplane.store.memory import MemoryStore
from tests.fakes.etcd import Certificates, real_etcd
from tests.integration.etcd.conftest import Served
from tests.integration.etcd.test_api_on_etcd import Master, is_healthy, master, until

__all__ = ["master"]


class Writers:
    """Eight writers, each of keys of its own; `acknowledged` is what they were told, by revision."""

    def __init__(self, store: EtcdStore):
        self._store = store
        self.acknowledged: dict[int, str] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as writers:
            for name in "abcdefgh":
                writers.create_task(self._write(name))

    async def _write(self, name: str) -> None:
        n = 0
        while True:
            try:
                revision = await self._store.put(f"/{name}/{n}", b"%d" % n, expected=0)
                assert revision not in self.acknowledged
                self.acknowledged[revision] = f"/{name}/{n}"
            except (StoreUnavailable, RevisionMismatch):
                pass  # whether it was written is not known: the next key
            n += 1
            await asyncio.sleep(0)

    async def reach(self, count: int) -> None:
        async def there() -> bool:
            return len(self.acknowledged) >= count

        await until(there)


class Observer:
    """A watch of everything from the beginning."""

    def __init__(self, store: EtcdStore):
        self._store = store
        self.events: list[Event] = []

    async def run(self) -> None:
        async with aclosing(self._store.watch("", after=1)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self.events += batch

    async def reach(self, revision: int) -> None:
        async def there() -> bool:
            return bool(self.events) and self.events[-1].revision >= revision

        await until(there)

    def check(self, acknowledged: dict[int, str]) -> None:
        """Every revision once, in order, and everything that was acknowledged among them."""
        revisions = [event.revision for event in self.events]
        assert revisions == list(range(2, len(revisions) + 2))
        seen = {event.revision: event.key for event in self.events}
        assert acknowledged.items() <= seen.items()


@asynccontextmanager
async def observed(store: EtcdStore) -> AsyncIterator[tuple[Writers, Observer]]:
    writers, observer = Writers(store), Observer(store)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(observer.run())
        writing = tasks.create_task(writers.run())
        yield writers, observer
        writing.cancel()
        await asyncio.wait((writing,))
        await observer.reach(await store.revision())
        watching.cancel()
    observer.check(writers.acknowledged)


async def test_kill_9_of_our_server(master: Master) -> None:
    arguments = ("store", "--config", str(master.config / "store.yaml"))
    async with EtcdStore.open([master.etcd], master.tls.client, SystemClock()) as store, AsyncExitStack() as stack:
        process = await stack.enter_async_context(master.running(*arguments))
        async with observed(store) as (writers, _):
            await writers.reach(500)
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait)
            await stack.enter_async_context(master.running(*arguments))
            await writers.reach(len(writers.acknowledged) + 500)


async def test_each_of_three_members_is_killed(tmp_path: Path, tls: Certificates) -> None:
    async with (
        real_etcd(tmp_path / "etcd", tls, 3) as cluster,
        EtcdStore.open([one.endpoint for one in cluster], tls.client, SystemClock()) as store,
        observed(store) as (writers, _),
    ):
        await writers.reach(100)
        for member in cluster:
            member.kill()
            await writers.reach(len(writers.acknowledged) + 100)
            member.start()

            async def back(member: object = member) -> bool:
                return await is_healthy(member, tls)  # type: ignore[arg-type]

            await until(back)


async def test_a_watch_that_missed_what_was_compacted_says_so(served: Served) -> None:
    async with EtcdStore.open([served.endpoint], served.tls.client, SystemClock()) as store:
        for n in range(5):
            await store.put("/a", b"%d" % n, expected=None)
        await store.compact(5)
        with pytest.raises(Compacted) as gone:
            await anext(store.watch("/a", after=3))
        assert gone.value.revision == 5
        with pytest.raises(Compacted) as gone:
            await store.list("/a", revision=3)
        assert gone.value.revision == 5


async def test_what_is_elsewhere_moves_the_revision_of_a_watch(served: Served) -> None:
    """Without a key: so that who waits for a revision does not wait for ever."""
    async with EtcdStore.open([served.endpoint], served.tls.client, SystemClock(), Root("/registry", "/blue")) as store:
        await served.ctl("put", "/red/pods/a", "1")
        await store.put("/registry/pods/a", b"1", expected=0)
        await served.ctl("put", "/red/pods/a", "2")
        async with aclosing(store.watch("", after=1)) as watch:  # type: ignore[type-var]
            events: list[Event] = []
            async with asyncio.timeout(20):
                while not events or events[-1].revision < 4:
                    events += await anext(watch)
        assert [(event.key, event.revision) for event in events if event.key] == [("/registry/pods/a", 3)]
        page = await store.list("/registry/")
        assert [record.key for record in page.records] == ["/registry/pods/a"] and page.revision == 4
        assert await served.ctl("get", "/blue/pods/a") == "/blue/pods/a\n1\n"


async def test_large_events_come_in_fragments(served: Served) -> None:
    async with EtcdStore.open([served.endpoint], served.tls.client, SystemClock()) as store:
        values = [bytes([n]) * 1_000_000 for n in range(8)]
        for value in values:
            await store.put("/large", value, expected=None)
        async with aclosing(store.watch("/", after=1)) as watch:  # type: ignore[type-var]
            events: list[Event] = []
            async with asyncio.timeout(20):
                while len(events) < 8:
                    events += await anext(watch)
        assert [event.value for event in events] == values
        assert [event.previous for event in events] == [None, *values[:-1]]


async def test_leases_are_shared_by_what_is_written_together(served: Served) -> None:
    async with EtcdStore.open([served.endpoint], served.tls.client, SystemClock()) as store:
        for n in range(10):
            await store.put(f"/events/{n}", b"", expected=0, ttl=3600)
        await store.put("/others/0", b"", expected=0, ttl=7200)
        assert (await served.ctl("lease", "list")).startswith("found 2 leases\n")


async def test_who_asks_for_the_revision_shares_a_question_but_never_an_older_one(tls: Certificates) -> None:
    clock = SystemClock()
    async with (
        MemoryStore.open(clock) as memory,
        EtcdServer.listening(memory, ["127.0.0.1:0"], tls.server, clock, Random(1)) as (port,),
        EtcdStore.open([f"https://127.0.0.1:{port}"], tls.client, clock) as store,
    ):
        asked: list[str] = []
        call = store._connection.call

        async def counted(method: str, *rest: object, **more: object) -> object:
            asked.append(method)
            return await call(method, *rest, **more)  # type: ignore[arg-type]

        store._connection.call = counted  # type: ignore[method-assign,assignment]
        assert set(await asyncio.gather(*(store.revision() for _ in range(100)))) == {1}
        assert len(asked) == 1
        first = asyncio.ensure_future(store.revision())
        await asyncio.sleep(0)
        await memory.put("/a", b"", expected=0)
        assert await store.revision() == 2
        assert await first in (1, 2)
