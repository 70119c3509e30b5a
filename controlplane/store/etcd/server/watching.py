"""The Watch service: a stream of requests in, one of answers out, any number of watches in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import partial

from controlplane.kit.clock import Clock
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import refusals, replies
from controlplane.store.etcd.server.bounds import bounds
from controlplane.store.etcd.server.hub import Hub, Watcher
from controlplane.store.interface import Compacted, Entry, Event, Record, ServedStore

_MOST_WAITING = 10_000  # events that wait in a stream before its watches are sent back to history
_MOST_BYTES = 2 * 1024 * 1024  # of an answer: some clients take no more than 4 MiB
PROGRESS_SECONDS = 600.0  # between signs of life of a watch that asked for them, as etcd's
_PROGRESS_OF_ALL = -1  # the watch id of an answer to a progress request


class Watches:
    """Every stream's door to the hub."""

    def __init__(self, store: ServedStore, member: replies.Member, hub: Hub, clock: Clock):
        self.store, self.member, self.hub, self.clock = store, member, hub, clock

    async def watch(self, requests: AsyncIterator[pb.WatchRequest]) -> AsyncIterator[pb.WatchResponse]:
        """Serve one stream, until its client ends it."""
        async with asyncio.TaskGroup() as tasks:
            stream = WatchStream(self, tasks)
            stream.start(stream.read(requests))
            try:
                async for answer in stream.answers():
                    yield answer
            except GeneratorExit:
                pass  # closed by who hears the answers: to the group that would be a failure
            finally:
                stream.close()


class WatchStream:
    """The watches of one stream, and the answers that wait to be sent."""

    def __init__(self, service: Watches, group: asyncio.TaskGroup):
        self._service, self._group = service, group
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[tuple[pb.WatchResponse, int]] = deque()  # with the number of events in it
        self._waiting = 0  # events in the queue
        self._changed = asyncio.Event()  # something was queued, or everything is sent
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._watches: dict[int, tuple[asyncio.Task[None], Watcher]] = {}
        self._next_id = 0
        self._ended = False

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do something for as long as the stream lives."""
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def read(self, requests: AsyncIterator[pb.WatchRequest]) -> None:
        async for request in requests:
            match request.WhichOneof("request_union"):
                case "create_request":
                    await self._create(request.create_request)
                case "cancel_request":
                    await self._cancel(request.cancel_request.watch_id)
                case "progress_request":
                    self.start(self._report_progress())
        self._ended = True
        self._changed.set()

    async def answers(self) -> AsyncIterator[pb.WatchResponse]:
        while True:
            while self._queue:
                answer, events = self._queue.popleft()
                self._waiting -= events
                if not self._queue:
                    self._emptied.set()
                yield answer
            if self._ended:
                return
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _send(self, answer: pb.WatchResponse) -> None:
        self._queue.append((answer, len(answer.events)))
        self._waiting += len(answer.events)
        self._emptied.clear()
        self._changed.set()

    async def _create(self, request: pb.WatchCreateRequest) -> None:
        revision = await self._service.store.revision()
        header = self._service.member.header(revision)
        if request.watch_id in self._watches and request.watch_id:
            reason = "etcdserver: duplicate watch ID provided"
            self._send(pb.WatchResponse(header=header, watch_id=-1, created=True, canceled=True, cancel_reason=reason))
            return
        watch_id = request.watch_id or self._new_id()
        self._send(pb.WatchResponse(header=header, watch_id=watch_id, created=True))
        after = request.start_revision - 1 if request.start_revision > 0 else revision
        within = bounds(request.key or b"\0", request.range_end)
        watcher = Watcher(within, after, partial(self._deliver, watch_id, request))
        task = self.start(self._follow(watch_id, watcher))
        self._watches[watch_id] = (task, watcher)
        if request.progress_notify:
            self.start(self._stay_in_touch(watch_id, task))

    def _new_id(self) -> int:
        while self._next_id in self._watches:
            self._next_id += 1
        watch_id = self._next_id
        self._next_id += 1
        return watch_id

    async def _cancel(self, watch_id: int) -> None:
        found = self._watches.pop(watch_id, None)
        if found is None:
            return
        found[0].cancel()
        header = self._service.member.header(await self._service.store.revision())
        self._send(pb.WatchResponse(header=header, watch_id=watch_id, canceled=True))

    async def _follow(self, watch_id: int, watcher: Watcher) -> None:
        try:
            while True:
                try:
                    await self._service.hub.follow(watcher)
                    await self._emptied.wait()
                except Compacted as error:
                    if watcher.seen + 1 != error.revision:
                        raise
                    await self._show_remains(watcher, error.revision)
        except Compacted as error:
            self._watches.pop(watch_id, None)
            header = self._service.member.header(await self._service.store.revision())
            self._send(
                pb.WatchResponse(
                    header=header,
                    watch_id=watch_id,
                    canceled=True,
                    compact_revision=error.revision,
                    cancel_reason=refusals.compacted().message,
                )
            )

    async def _show_remains(self, watcher: Watcher, revision: int) -> None:
        """Show what was written at the very revision of a compaction and is still there.

        Clients may start a watch there. As with etcd before 3.5.18, of a deletion at it nothing is left to tell.
        """
        page = await self._service.store.scan(*watcher.within, revision=revision)
        remains = [
            Event(record.key, record.value, revision, record.create_revision, entry=_entry(record))
            for record in page.records
            if record.revision == revision
        ]
        while remains and not watcher.offer(remains):
            await self._emptied.wait()
        watcher.seen = revision

    def _deliver(self, watch_id: int, request: pb.WatchCreateRequest, events: Sequence[Event], revision: int) -> bool:
        if self._waiting >= _MOST_WAITING:
            return False
        header = self._service.member.header(revision)
        shown = [
            (event.revision, replies.event(event, previous=request.prev_kv))
            for event in events
            if (pb.WatchCreateRequest.NODELETE if event.value is None else pb.WatchCreateRequest.NOPUT)
            not in request.filters
        ]
        for part, more in parts(shown, split_revisions=request.fragment):
            self._send(pb.WatchResponse(header=header, watch_id=watch_id, events=part, fragment=more))
        return True

    async def _report_progress(self) -> None:
        """Say how far all watches of the stream have come, once that is as far as the store is now."""
        hub = self._service.hub
        await hub.reached(await self._service.store.revision())
        while any(not hub.is_current(watcher) for _, watcher in self._watches.values()):
            await self._service.clock.sleep(0.01)
        self._send(pb.WatchResponse(header=self._service.member.header(hub.revision), watch_id=_PROGRESS_OF_ALL))

    async def _stay_in_touch(self, watch_id: int, task: asyncio.Task[None]) -> None:
        hub = self._service.hub
        while True:
            before = len(self._queue)
            await self._service.clock.sleep(PROGRESS_SECONDS)
            if task.done():
                return
            if before == 0 and not self._queue and hub.is_current(self._watches[watch_id][1]):
                self._send(pb.WatchResponse(header=self._service.member.header(hub.revision), watch_id=watch_id))


def _entry(record: Record) -> Entry:
    return Entry(record.revision, record.create_revision, record.version, record.lease)


def parts(events: Sequence[tuple[int, pb.Event]], *, split_revisions: bool) -> Iterator[tuple[list[pb.Event], bool]]:
    """Yield events, with their revisions, in parts that a client can take, and whether a part is continued by the next.

    What was written at one revision stays together unless the client knows how to join fragments.
    """
    part: list[pb.Event] = []
    size = last = 0
    for revision, event in events:
        length = event.ByteSize()
        if part and size + length > _MOST_BYTES and (split_revisions or revision != last):
            yield part, split_revisions and revision == last
            part, size = [], 0
        part.append(event)
        size, last = size + length, revision
    if part:
        yield part, False
