"""Everything the store holds, in memory and as bytes ready to send; fed by one watch of the whole store.

          store ── one watch ──► WatchCache ──► ResourceCache(pods)   objects by key, keys in order, EventLog
                                    │      └──► ResourceCache(leases) …          │
    GET, LIST: fresh() waits until the cache has seen the store's newest write   └──► watchers, each at its position

One watch for all resources means that the cache's revision follows the store's with no help: a write to any of them
moves it, so a read of a quiet resource never waits for a change that does not come.

A server that starts reads the state of some writes ago and replays those. So watchers resume where they were before it
was restarted, instead of being told 410 and reading everything again, all at once.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from controlplane.apiserver.cached_object import CachedObject, Unreadable, tail_of
from controlplane.apiserver.event_log import Change, EventLog, Interest
from controlplane.kit.clock import Clock
from controlplane.store.interface import Compacted, Event, Page, Record, Store, StoreError

_log = logging.getLogger(__name__)

REGISTRY = "/registry/"

# How many changes of a resource are kept for watchers to resume from, at least. Upstream's cache grows to 102,400;
# each costs one old version of an object.
_CAPACITY = 4096
_REPLAYED = 4096  # writes, to whatever resource, that a server takes in again when it starts
_PAGE = 500  # records read from the store at a time when the cache is filled: their memory is not given back
_TICK = 1.0  # seconds between looks at the watchers' alarms
_RETRY = 1.0  # seconds before a store that failed is asked again


class Watcher:
    """Somebody who waits for changes; `position` is the next one to read, `alarm` the time to wake up anyway."""

    __slots__ = ("_wake", "alarm", "interest", "position")

    def __init__(self, position: int, interest: Interest | None):
        self.position, self.interest = position, interest
        self.alarm = float("inf")  # on the clock's monotonic scale
        self._wake: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Return when there is something to read, or at the alarm."""
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def notice(self, changes: Sequence[Change], start: int) -> None:
        """Wake up for `changes`, which begin at position `start`; or step over them if none is of interest."""
        if self.interest is None or any(map(self.interest, changes)):
            self.wake()
        elif self._wake is not None and self.position == start:
            # Waiting at the end: nothing here for it. A reader still busy will look for itself.
            self.position = start + len(changes)


@dataclass(slots=True)
class Found:
    """What the store holds of a resource."""

    items: list[CachedObject] = field(default_factory=list)
    unreadable: dict[str, Unreadable] = field(default_factory=dict)

    def add(self, cache: ResourceCache, record: Record) -> None:
        try:
            self.items.append(cache.item(record))
        except Unreadable as error:
            _log.error("%s cannot be read: %s", record.key, error)
            self.unreadable[record.key[len(cache.prefix) :]] = error


class ResourceCache:
    """The objects below one prefix of the store, and their recent changes."""

    def __init__(self, prefix: str, open_: bytes, capacity: int = _CAPACITY):
        self.prefix, self.open = prefix, open_
        self.log = EventLog(capacity)
        self.version = 0  # grows with every change
        self.closed = False  # the server is stopping: watches end
        self.unreadable: dict[str, Unreadable] = {}  # what is stored and cannot be shown, with why
        self._objects: dict[str, CachedObject] = {}
        self._keys: list[str] = []  # sorted
        self._watchers: set[Watcher] = set()
        self._lines_of: tuple[str, int, int] = ("", -1, 0)
        self._lines = b""

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: str) -> CachedObject | None:
        return self._objects.get(key)

    def list(self, prefix: str = "", after: str = "") -> list[CachedObject]:
        """Return the objects whose key begins with `prefix` and follows `after`, in key order."""
        low, high = self._range(prefix)
        if after:
            low = max(low, bisect_right(self._keys, after))
        objects = self._objects
        return [objects[key] for key in self._keys[low:high]]

    def count(self, prefix: str = "") -> int:
        low, high = self._range(prefix)
        return high - low

    def _range(self, prefix: str) -> tuple[int, int]:
        if not prefix:
            return 0, len(self._keys)
        # "0" follows "/" in ASCII: no key below shop/ is greater than shop0.
        return bisect_left(self._keys, prefix), bisect_left(self._keys, prefix[:-1] + "0")

    def tail_of(self, value: bytes, revision: int) -> bytes:
        """Return what the store holds of an object as this cache keeps it."""
        return tail_of(value, self.open, revision)

    def item(self, record: Record) -> CachedObject:
        tail = self.tail_of(record.value, record.revision)
        return CachedObject(record.key[len(self.prefix) :], record.revision, tail)

    # --- being fed

    def load(self, found: Found, revision: int) -> None:
        """Replace everything by what the store held at `revision`; watchers that have not read all are cut."""
        self._objects = {item.key: item for item in found.items}
        self.unreadable = found.unreadable
        self._keys = sorted(self._objects)
        self.log.reset(revision)
        self.version += 1
        for watcher in self._watchers:
            watcher.wake()

    def apply(self, events: Sequence[Event]) -> None:
        """Take in writes in order, and tell the watchers."""
        start = self.log.end
        changes = [change for event in events if (change := self._apply(event)) is not None]
        for change in changes:
            self.log.append(change)
        self.version += len(changes)
        for watcher in self._watchers:
            watcher.notice(changes, start)

    def _apply(self, event: Event) -> Change | None:
        key = event.key[len(self.prefix) :]
        previous = self._objects.get(key)
        if event.value is None:
            return self._delete(key, event, previous)
        try:
            item = CachedObject(key, event.revision, self.tail_of(event.value, event.revision))
        except Unreadable as error:
            self._lose(key, event.revision, error)
            return None
        if self.unreadable:
            self.unreadable.pop(key, None)
        self._objects[key] = item
        if previous is None:
            insort(self._keys, key)
            return Change(b"ADDED", item, None)
        previous.retire()
        return Change(b"MODIFIED", item, previous)

    def _delete(self, key: str, event: Event, previous: CachedObject | None) -> Change | None:
        self.unreadable.pop(key, None)
        if previous is None:
            return None
        del self._objects[key]
        del self._keys[bisect_left(self._keys, key)]
        gone = previous.at(event.revision)
        return Change(b"DELETED", gone, gone)

    def _lose(self, key: str, revision: int, why: Unreadable) -> None:
        """Note that what is stored cannot be shown; watchers are cut, and are told so when they list again."""
        _log.error("%s%s cannot be read: %s", self.prefix, key, why)
        self.unreadable[key] = why
        if self._objects.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
        self.log.reset(revision)
        for watcher in self._watchers:
            watcher.wake()

    # --- being watched

    def lines(self, directory: str, position: int, changes: Sequence[Change]) -> bytes:
        """Return changes below `directory`, read from the log at `position`, as lines of a watch.

        The last answer is kept: a hundred watchers of one namespace ask for the same one, one after the other.
        """
        wanted = (directory, position, len(changes))
        if self._lines_of != wanted:
            open_ = self.open
            self._lines_of, self._lines = wanted, b"".join([
                b'{"type":"%s","object":%s%s}\n' % (change.type, open_, change.object.tail)
                for change in changes
                if change.object.key.startswith(directory)
            ])  # fmt: skip
        return self._lines

    @contextmanager
    def watcher(self, position: int, interest: Interest | None) -> Iterator[Watcher]:
        """Register somebody who reads the log from `position` on."""
        watcher = Watcher(position, interest)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def tick(self, now: float) -> None:
        for watcher in self._watchers:
            if watcher.alarm <= now:
                watcher.wake()

    def close(self) -> None:
        """End every watch: its client will ask another server, or this one when it is back."""
        self.closed = True
        for watcher in self._watchers:
            watcher.wake()


class LateCache(ResourceCache):
    """A cache of a resource that is served only since now: changes wait until what was there before is loaded."""

    def __init__(self, prefix: str, open_: bytes):
        super().__init__(prefix, open_)
        self._early: list[Event] | None = []

    def load(self, found: Found, revision: int) -> None:
        super().load(found, revision)
        early, self._early = self._early, None
        if early:
            super().apply([event for event in early if event.revision > revision])

    @property
    def waiting(self) -> bool:
        """Whether what was there before is still to be loaded."""
        return self._early is not None

    def apply(self, events: Sequence[Event]) -> None:
        if self._early is None:
            super().apply(events)
        else:
            self._early += events

    def succeed(self, other: ResourceCache) -> None:
        """Take over what another cache of the same prefix holds, and end the watches that read it."""
        self._objects, self._keys, self.log = other._objects, other._keys, other.log
        self.unreadable = other.unreadable
        self.version, self._early = other.version + 1, None
        other.close()


class WatchCache:
    """All resource caches, and the one watch that feeds them."""

    def __init__(self, store: Store, clock: Clock, caches: Sequence[ResourceCache]):
        self._store, self._clock = store, clock
        self._caches = {cache.prefix: cache for cache in caches}
        # Longest first: /registry/services/specs/ before anything that would be /registry/services/.
        self._by_depth = sorted(self._caches, key=len, reverse=True)
        self._by_directory: dict[str, ResourceCache | None] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.revision = 0

    def of(self, prefix: str) -> ResourceCache:
        return self._caches[prefix]

    def put(self, cache: ResourceCache) -> None:
        """Feed a cache from now on, in the place of another of its prefix if there is one."""
        self._caches[cache.prefix] = cache
        self._by_depth = sorted(self._caches, key=len, reverse=True)
        self._by_directory.clear()

    async def fill(self, cache: LateCache) -> None:
        """Begin to feed a cache whose resource may have objects already; return when it has them all."""
        self.put(cache)
        found, revision = Found(), 0
        try:
            async for page in self._pages(cache.prefix, 0):
                for record in page.records:
                    found.add(cache, record)
                revision = page.revision
            await self.reached(revision)
        except BaseException:
            self.drop(cache.prefix)
            raise
        if cache.waiting:  # else everything has been read again in the meantime
            cache.load(found, revision)

    def drop(self, prefix: str) -> None:
        """Forget a resource; its watches end."""
        if (cache := self._caches.pop(prefix, None)) is not None:
            cache.close()
            self._by_depth = sorted(self._caches, key=len, reverse=True)
            self._by_directory.clear()

    async def load(self) -> None:
        """Read the whole store, as it was up to `_REPLAYED` writes ago; `follow` takes in what came after that."""
        try:
            await self._load(max(await self._store.revision() - _REPLAYED, 1))
        except Compacted as error:
            await self._load(error.revision)  # the oldest state that there is

    async def _load(self, revision: int) -> None:
        found = {prefix: Found() for prefix in self._caches}
        async for page in self._pages(REGISTRY, revision):
            for record in page.records:
                if (cache := self._cache_of(record.key)) is not None:
                    found.setdefault(cache.prefix, Found()).add(cache, record)
        for prefix, of_resource in found.items():
            if prefix in self._caches:
                self._caches[prefix].load(of_resource, revision)
        self._advance(revision)

    async def _pages(self, prefix: str, revision: int) -> AsyncIterator[Page]:
        """Yield what the store holds below a prefix at a revision (0: now)."""
        start_after = ""
        while True:
            page = await self._store.list(prefix, limit=_PAGE, start_after=start_after, revision=revision)
            yield page
            if not page.remaining:
                return
            start_after, revision = page.records[-1].key, page.revision

    async def follow(self) -> None:
        """Take in every write, for ever; a history that is gone is made up for by reading everything again."""
        behind = False
        while True:
            try:
                if behind:
                    await self.load()
                    behind = False
                async for batch in self._store.watch("", after=self.revision):
                    self._apply(batch)
                _log.warning("the store ended its watch; watching again from revision %d", self.revision)
            except Compacted:
                _log.warning("fell behind the store's compaction; reading everything again")
                behind = True
                continue
            except StoreError:
                _log.exception("watching the store failed; trying again from revision %d", self.revision)
            await self._clock.sleep(_RETRY)

    async def tick(self) -> None:
        """Wake watchers at their alarms, for ever."""
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.monotonic()
            for cache in list(self._caches.values()):
                cache.tick(now)

    def close(self) -> None:
        """End every watch."""
        for cache in self._caches.values():
            cache.close()

    @property
    def waiting(self) -> int:
        """How many readers wait for a revision."""
        return len(self._waiting)

    async def fresh(self) -> int:
        """Return the store's revision once the cache has seen all writes up to it."""
        revision = await self._store.revision()
        if revision > self.revision:
            await self.reached(revision)
        return max(revision, self.revision)

    async def reached(self, revision: int) -> None:
        """Return when the cache has seen the write that made `revision`."""
        if self.revision >= revision:
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append((revision, waiting))
        await waiting

    def _apply(self, batch: Sequence[Event]) -> None:
        # Events of one resource next to each other are handed over together, so that its watchers wake once.
        run: list[Event] = []
        owner: ResourceCache | None = None
        for event in batch:
            cache = self._cache_of(event.key)
            if cache is not owner:
                if owner is not None:
                    owner.apply(run)
                owner, run = cache, []
            run.append(event)
        if owner is not None:
            owner.apply(run)
        if batch:
            self._advance(batch[-1].revision)

    def _advance(self, revision: int) -> None:
        self.revision = revision
        if not self._waiting:
            return
        still = []
        for wanted, future in self._waiting:
            if future.done():
                continue  # whoever waited has given up: perhaps for a revision that never comes
            if wanted > revision:
                still.append((wanted, future))
            else:
                future.set_result(None)
        self._waiting = still

    def _cache_of(self, key: str) -> ResourceCache | None:
        directory = key.rpartition("/")[0]
        try:
            return self._by_directory[directory]
        except KeyError:
            cache = next((self._caches[p] for p in self._by_depth if key.startswith(p)), None)
            if len(self._by_directory) > 10_000:  # namespaces come and go
                self._by_directory.clear()
            self._by_directory[directory] = cache
            return cache
