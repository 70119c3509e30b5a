"""The store: takes requests in on the event loop, has them committed, tells everybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.store.broadcast import Broadcast
from controlplane.store.compaction import CompactionPolicy, Compactor
from controlplane.store.errors import StoreClosed, StoreCorrupt
from controlplane.store.expiry import Expiry
from controlplane.store.interface import (
    Compacted,
    Decision,
    Entry,
    Event,
    FutureRevision,
    Page,
    Record,
    RevisionMismatch,
)
from controlplane.store.keys import Keyspace, prefix_end
from controlplane.store.sqlite import compacting, engine, reading, writing
from controlplane.store.sqlite.plan import Batch, Request, Transaction, decide
from controlplane.store.sqlite.positions import position_of, revision_at
from controlplane.store.sqlite.threads import ConnectionThread
from controlplane.store.sqlite.values import ValueCache

log = logging.getLogger(__name__)

_EVERY_FIVE_MINUTES = CompactionPolicy()


@dataclass(frozen=True, slots=True)
class _Threads:
    writer: ConnectionThread
    reader: ConnectionThread

    async def close(self) -> None:
        await self.reader.close()
        await self.writer.close()


def _start_threads(path: Path) -> _Threads:
    writer = engine.open_writer(path)
    try:
        reader = engine.open_reader(path)
    except BaseException:
        writer.close()
        raise
    return _Threads(ConnectionThread(writer, path, "store-writer"), ConnectionThread(reader, path, "store-reader"))


class SqliteStore:
    """Made by `open`, and used on the event loop it was made on."""

    def __init__(self, threads: _Threads, loaded: writing.Loaded, clock: Clock):
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._keys, self._values = Keyspace(loaded.entries), ValueCache()
        self._compacted, self._swept = loaded.compacted, loaded.swept
        self._broadcast = Broadcast(loaded.revision)
        self._expiry = Expiry(clock, lambda key, revision: self.delete(key, expected=revision))
        for deadline, key, revision in loaded.expiring:
            self._expiry.add(deadline, key, revision)
        self._leases = loaded.leases
        self._waiting: list[Request | Transaction] = []
        self._flushing = False  # a batch is being decided or committed
        self._idle = asyncio.Event()
        self._idle.set()
        self._sweeping = asyncio.Lock()
        self._closed = False
        self._damage: StoreCorrupt | None = None  # what was found while running: from then on nothing is written

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path | str, clock: Clock, compaction: CompactionPolicy | None = _EVERY_FIVE_MINUTES
    ) -> AsyncIterator[SqliteStore]:
        """Open the store in a file, or make it, and run it until the block ends.

        Raises StoreLocked, ForeignFile, StoreCorrupt and other StoreErrors that say what is wrong with the file.
        """
        path = Path(path)
        async with AsyncExitStack() as stack:
            stack.callback(engine.prepare(path).release)
            threads = _start_threads(path)
            stack.push_async_callback(threads.close)
            store = cls(threads, await threads.writer.run(writing.load), clock)
            stack.push_async_callback(store.close)
            compactors = [Compactor(store, clock, compaction).run()] if compaction else []
            async with running(store.run(), *compactors):
                yield store

    async def run(self) -> None:
        """Delete expired keys, until cancelled; `open` does this by itself."""
        await self._expiry.run()

    # Reading

    async def get(self, key: str) -> Record | None:
        self._check_open()
        while entry := self._keys.get(key):
            revision, created, version, lease, place = entry
            position = position_of(revision, place)
            value = self._values.get(position)
            if value is None:
                found = await self._threads.reader.run(partial(reading.read_values, positions=(position,)))
                value = found.get(position)
            if value is not None:
                self._values.put(position, value)
                return Record(key, value, created, revision, version, lease)
        return None

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        return await self._page(prefix, start_after, prefix_end(prefix), limit, revision)

    async def scan(self, start: str, end: str | None, *, limit: int = 0, revision: int = 0) -> Page:
        return await self._page(start, "", end, limit, revision)

    async def _page(self, start: str, start_after: str, end: str | None, limit: int, revision: int) -> Page:
        while True:
            self._check_open()
            at = self._check_revision(revision)
            page = await self._page_at(at, start, start_after, end, limit)
            if at >= self._compacted:
                return page
            # What was being read may have been compacted away: look at a newer revision, or say so.

    async def _page_at(self, at: int, start: str, start_after: str, end: str | None, limit: int) -> Page:
        if at == self._broadcast.revision:
            keys, remaining = self._keys.page(start, start_after, end, limit)
            entries = [(key, entry) for key in keys if (entry := self._keys.get(key))]
            return Page(await self._records(entries), at, remaining)
        query = partial(reading.read_keys_at, start=start, start_after=start_after, end=end, revision=at, limit=limit)
        found, remaining = await self._threads.reader.run(query)
        return Page(await self._records(found), at, remaining)

    async def _records(self, entries: Sequence[tuple[str, Entry]]) -> Sequence[Record]:
        records = []
        for start in range(0, len(entries), reading.CHUNK):
            chunk = entries[start : start + reading.CHUNK]
            records.extend(await self._threads.reader.run(partial(reading.read_records, entries=chunk)))
        return records

    def _check_revision(self, revision: int) -> int:
        if revision > self._broadcast.revision:
            raise FutureRevision(f"revision {revision} has not been written yet, {self._broadcast.revision} is newest")
        if revision and revision < self._compacted:
            raise Compacted(self._compacted)
        return revision or self._broadcast.revision

    async def revision(self) -> int:
        self._check_open()
        return self._broadcast.revision

    def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._broadcast.watch(prefix, after, self._history)

    async def _history(self, prefix: str, after: int, until: int) -> AsyncGenerator[Sequence[Event]]:
        while after < until:
            self._check_open()
            events, read_to = await self._threads.reader.run(
                partial(reading.read_events, prefix=prefix, after=after, until=until)
            )
            if after < self._compacted:
                raise Compacted(self._compacted)
            after = read_to
            if events:
                yield events

    # Writing

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        return await self._write(key, value, expected, self._expiry.deadline(ttl))

    async def delete(self, key: str, *, expected: int | None) -> int:
        return await self._write(key, None, expected, None)

    async def commit(self, decide: Decision) -> int:
        self._check_open()
        answer: asyncio.Future[int] = self._loop.create_future()
        self._submit(Transaction(decide, answer))
        return await answer

    def _write(self, key: str, value: bytes | None, expected: int | None, expires: float | None) -> asyncio.Future[int]:
        self._check_open()
        answer = self._loop.create_future()
        self._submit(Request(key, value, expected, expires, answer))
        return answer

    def _submit(self, request: Request | Transaction) -> None:
        if self._damage is not None:
            raise self._damage
        self._waiting.append(request)
        if not self._flushing:
            self._flushing = True
            self._idle.clear()
            self._loop.call_soon(self._flush)  # after those who are about to write in this turn of the loop

    def _flush(self) -> None:
        """Send what waits on its way to the disk."""
        if not self._waiting:
            self._flushing = False
            self._idle.set()
            return
        batch = decide(self._waiting, self._keys, self._broadcast.revision)
        self._waiting = []
        wanted = batch.positions_read()
        known = {one: value for one in wanted if (value := self._values.get(one)) is not None}
        missing = wanted - known.keys()
        job = partial(writing.commit, rows=batch.rows, missing=missing)
        self._threads.writer.submit(job, partial(self._committed, batch, known))

    def _committed(self, batch: Batch, known: dict[int, bytes], read: Any, error: BaseException | None) -> None:
        if error is None:
            self._publish(batch, known | read)
        else:
            if isinstance(error, StoreCorrupt):
                self._damage = error
                log.critical("nothing is written any more: %s", error)
            for answer in batch.waiting:
                if not answer.done():
                    answer.set_exception(error)
        self._flush()

    def _publish(self, batch: Batch, values: dict[int, bytes]) -> None:
        """Make a durable batch visible, answer its writers and tell the watchers, all in this turn of the loop."""
        events = []
        for row, (entry, before) in zip(batch.rows, batch.entries, strict=True):
            position, key, value, created, _, previous, _, expires = row
            if entry is None or value is None:
                self._keys.remove(key)
            else:
                values[position] = value
                self._keys.set(key, entry)
                self._values.put(position, value)
            self._values.drop(previous)
            revision = revision_at(position)
            if expires is not None:
                self._expiry.add(expires, key, revision)
            events.append(Event(key, value, revision, created, values.get(previous), entry, before))
        if events:
            self._broadcast.publish(events)
        _answer(batch, values)

    # What those are served who speak etcd's protocol

    async def compacted(self) -> int:
        self._check_open()
        return self._compacted

    async def size(self) -> int:
        self._check_open()
        return await self._threads.reader.run(reading.read_size)

    async def deadlines(self) -> Mapping[str, float]:
        self._check_open()
        return self._keys.expiring(self._expiry.deadlines())

    async def leases(self) -> Mapping[int, int]:
        self._check_open()
        return dict(self._leases)

    async def keep_lease(self, lease: int, ttl: int) -> None:
        self._check_open()
        await self._threads.writer.run(partial(writing.keep_lease, lease=lease, ttl=ttl))
        if ttl:
            self._leases[lease] = ttl
        else:
            self._leases.pop(lease, None)

    # Keeping house

    async def compact(self, revision: int) -> None:
        self._check_open()
        if revision > self._broadcast.revision:
            raise FutureRevision(f"cannot compact at revision {revision}, {self._broadcast.revision} is newest")
        if revision > self._compacted:
            self._compacted = revision  # from here on nobody is shown what is about to go
            newest = self._broadcast.revision
            await self._threads.writer.run(partial(compacting.mark, compacted=revision, newest=newest))
        async with self._sweeping:
            await self._sweep(revision)

    async def _sweep(self, revision: int) -> None:
        while self._swept < revision:
            until = min(self._swept + compacting.STEP, revision)
            await self._threads.writer.run(partial(compacting.sweep, after=self._swept, until=until))
            self._swept = until
        while await self._threads.writer.run(compacting.vacuum):
            pass

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._idle.wait()
        self._broadcast.close()
        await self._threads.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed


def _answer(batch: Batch, values: dict[int, bytes]) -> None:
    for answer, revision in batch.done:
        if not answer.done():
            answer.set_result(revision)
    for answer, error in batch.failed:
        if not answer.done():
            answer.set_exception(error)
    for request, entry in batch.refused:
        if not request.answer.done():
            actual = entry and reading.as_record(request.key, values[position_of(entry.revision, entry.place)], entry)
            request.answer.set_exception(RevisionMismatch(request.key, request.expected or 0, actual))
