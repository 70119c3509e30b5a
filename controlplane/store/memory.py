"""A store that lives and dies with its process: for tests, simulations and clusters of an hour."""

from __future__ import annotations

import builtins
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Self

from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.store.broadcast import Broadcast
from controlplane.store.errors import StoreClosed
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
    Write,
)
from controlplane.store.keys import Keyspace, Overlay, prefix_end

EMPTY_REVISION = 1  # of a store without a write, as etcd's: 0 says "any" or "absent" wherever a revision is asked for

_revision = attrgetter("revision")


class MemoryStore:
    """Every version of every key, in a list."""

    def __init__(self, clock: Clock):
        self._keys = Keyspace()
        self._log: list[Event] = []  # what was not compacted away, by revision
        self._versions: dict[str, list[Event]] = {}  # the same and what survives compaction, by key and revision
        self._compacted = 0
        self._leases: dict[int, int] = {}
        self._closed = False
        self._broadcast = Broadcast(EMPTY_REVISION)
        self._expiry = Expiry(clock, lambda key, revision: self.delete(key, expected=revision))

    @classmethod
    def holding(cls, clock: Clock, records: Iterable[Record], revision: int) -> Self:
        """Make a store of records, whose history up to `revision` is gone."""
        store = cls(clock)
        for one in records:
            entry = Entry(one.revision, one.create_revision, one.version, one.lease)
            store._keys.set(one.key, entry)
            store._versions[one.key] = [Event(one.key, one.value, one.revision, one.create_revision, entry=entry)]
        store._compacted = store._broadcast.revision = revision
        return store

    @classmethod
    @asynccontextmanager
    async def open(cls, clock: Clock) -> AsyncIterator[MemoryStore]:
        """Make a store, and run it until the block ends."""
        store = cls(clock)
        try:
            async with running(store.run()):
                yield store
        finally:
            await store.close()

    async def run(self) -> None:
        """Delete expired keys, until cancelled."""
        await self._expiry.run()

    async def get(self, key: str) -> Record | None:
        self._check_open()
        return self._record(key)

    def _record(self, key: str) -> Record | None:
        return _as_record(self._versions[key][-1]) if self._keys.get(key) else None

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        return self._page(prefix, start_after, prefix_end(prefix), limit, revision)

    async def scan(self, start: str, end: str | None, *, limit: int = 0, revision: int = 0) -> Page:
        return self._page(start, "", end, limit, revision)

    def _page(self, start: str, start_after: str, end: str | None, limit: int, revision: int) -> Page:
        self._check_open()
        at = self._check_revision(revision)
        if at == self._broadcast.revision:
            keys, remaining = self._keys.page(start, start_after, end, limit)
            return Page([_as_record(self._versions[key][-1]) for key in keys], at, remaining)
        found = [
            record
            for key in sorted(self._versions)
            if key >= start
            and key > start_after
            and (end is None or key < end)
            and (record := self._record_at(key, at))
        ]
        shown = found[:limit] if limit else found
        return Page(shown, at, len(found) - len(shown))

    def _check_revision(self, revision: int) -> int:
        if revision > self._broadcast.revision:
            raise FutureRevision(f"revision {revision} has not been written yet, {self._broadcast.revision} is newest")
        if revision and revision < self._compacted:
            raise Compacted(self._compacted)
        return revision or self._broadcast.revision

    def _record_at(self, key: str, revision: int) -> Record | None:
        versions = self._versions[key]
        index = bisect_right(versions, revision, key=_revision)
        return _as_record(versions[index - 1]) if index and versions[index - 1].value is not None else None

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        self._check_open()
        entry = self._keys.get(key)
        self._check_expected(key, expected, entry)
        revision = self._write((Write(key, value),))
        if deadline := self._expiry.deadline(ttl):
            self._expiry.add(deadline, key, revision)
        return revision

    async def delete(self, key: str, *, expected: int | None) -> int:
        self._check_open()
        entry = self._keys.get(key)
        self._check_expected(key, expected, entry)
        if entry is None:
            raise RevisionMismatch(key, expected or 0, None)
        return self._write((Write(key, None),))

    async def commit(self, decide: Decision) -> int:
        self._check_open()
        writes = decide(Overlay(self._keys, self._broadcast.revision))
        return self._write(writes) if writes else self._broadcast.revision

    def _check_expected(self, key: str, expected: int | None, entry: Entry | None) -> None:
        if expected is not None and expected != (entry.revision if entry else 0):
            raise RevisionMismatch(key, expected, self._record(key))

    def _write(self, writes: Sequence[Write]) -> int:
        revision = self._broadcast.revision + 1
        self._broadcast.publish([self._append(write, revision, place) for place, write in enumerate(writes)])
        return revision

    def _append(self, write: Write, revision: int, place: int) -> Event:
        key, value, lease = write
        before, entry = self._keys.get(key), None
        if value is None:
            self._keys.remove(key)
        else:
            created, version = (before.create_revision, before.version + 1) if before else (revision, 1)
            entry = Entry(revision, created, version, lease, place)
            self._keys.set(key, entry)
        versions = self._versions.setdefault(key, [])
        previous = versions[-1].value if versions else None
        event = Event(key, value, revision, entry.create_revision if entry else 0, previous, entry, before)
        versions.append(event)
        self._log.append(event)
        return event

    async def compacted(self) -> int:
        self._check_open()
        return self._compacted

    async def size(self) -> int:
        self._check_open()
        return sum(len(event.value) for versions in self._versions.values() for event in versions if event.value)

    async def deadlines(self) -> Mapping[str, float]:
        self._check_open()
        return self._keys.expiring(self._expiry.deadlines())

    async def leases(self) -> Mapping[int, int]:
        self._check_open()
        return dict(self._leases)

    async def keep_lease(self, lease: int, ttl: int) -> None:
        self._check_open()
        if ttl:
            self._leases[lease] = ttl
        else:
            self._leases.pop(lease, None)

    async def revision(self) -> int:
        self._check_open()
        return self._broadcast.revision

    def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._broadcast.watch(prefix, after, self._history)

    async def _history(self, prefix: str, after: int, until: int) -> AsyncGenerator[Sequence[Event]]:
        if after < self._compacted:
            raise Compacted(self._compacted)
        first, last = (bisect_right(self._log, bound, key=_revision) for bound in (after, until))
        events = tuple(event for event in self._log[first:last] if event.key.startswith(prefix))
        if events:
            yield events

    async def compact(self, revision: int) -> None:
        self._check_open()
        if revision > self._broadcast.revision:
            raise FutureRevision(f"cannot compact at revision {revision}, {self._broadcast.revision} is newest")
        if revision <= self._compacted:
            return
        self._compacted = revision
        del self._log[: bisect_right(self._log, revision, key=_revision)]
        for key, versions in list(self._versions.items()):
            self._compact_key(key, versions, revision)

    def _compact_key(self, key: str, versions: builtins.list[Event], revision: int) -> None:
        index = bisect_right(versions, revision, key=_revision)
        keeps_last = index and versions[index - 1].value is not None
        del versions[: index - 1 if keeps_last else index]
        if not versions:
            del self._versions[key]

    async def close(self) -> None:
        self._closed = True
        self._broadcast.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed


def _as_record(event: Event) -> Record:
    assert event.value is not None and event.entry is not None
    version, lease = event.entry.version, event.entry.lease
    return Record(event.key, event.value, event.create_revision, event.revision, version, lease)
