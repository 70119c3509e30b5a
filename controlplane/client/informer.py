"""List once, then watch: a cache that follows the API and tells what changed.

            ┌──────── list (resource version) ◄──── 410 Expired, or first time
            ▼
       diff against the cache ──► handler(None, new) · handler(old, new) · handler(old, None)
            │
            └──► watch from there ──► each event updates the cache, then calls the handlers
                       ▲   │
                       └───┘  connection broke: again from the last version seen, after a back-off

A relist compares with the cache, so an object deleted while nobody watched is still told as deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from random import Random
from typing import Any, Generic, TypeVar, cast

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.resources import resource_of
from controlplane.api.status import Expired, NotFound, StatusError
from controlplane.client.client import Client, EventType, WatchEvent
from controlplane.client.keys import Key, key_of
from controlplane.client.lister import IndexFunction, Lister, by_controller, by_namespace, by_node
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within

__all__ = ["Handler", "Informer", "Informers", "Lister", "by_controller", "by_namespace", "by_node"]

_log = logging.getLogger(__name__)

T = TypeVar("T", bound=KubeStruct)

Handler = Callable[[T | None, T | None], None]
"""handler(old, new): None for what was not there before or is gone now. Must not wait; usually adds a key."""

# client-go's reflector: 0.8 s doubling to 30 s with up to as much again of jitter.
_BACKOFF = Backoff(first=0.8, cap=30.0, jitter=1.0)
# A server ends watches after five to ten minutes, so that clients spread over the servers there are.
_WATCH_SECONDS = (300, 600)
# A watch that ended sooner than this, in seconds, without an event is no progress.
_TOO_SHORT = 1.0
# One that stood for longer than this, in seconds, was a good connection (a failed attempt gives up after ten).
_LASTED = 30.0


class Informer(Generic[T]):
    """Follows one selection of one kind."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        random: Random,
        type_: type[T],
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        path: str = "",
    ):
        """`path` is where the objects are if they are custom resources, which `type_` can hold."""
        self.lister: Lister[T] = Lister()
        self._client, self._clock, self._random, self._type = client, clock, random, type_
        self._namespace, self._labels, self._fields = namespace, labels, fields
        self._handlers: list[Handler[T]] = []
        self._synced = asyncio.Event()
        self._version = ""
        self._failures = 0
        self._refused = False  # the server answers, but not as it should
        self._path = path
        name = path or resource_of(type_).group_resource
        self._name = name + (f" ({fields or labels})" if fields or labels else "")

    def on_change(self, handler: Handler[T]) -> None:
        """Call `handler` for every change from now on, and first for every object there is."""
        for obj in self.lister.list():
            handler(None, obj)
        self._handlers.append(handler)

    def has_synced(self) -> bool:
        return self._synced.is_set()

    async def synced(self) -> None:
        """Return once the first list is in the cache."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow the API until cancelled."""
        try:
            await self._relist_until_done(first=True)
            while True:
                await self._watch_on()
        finally:
            self._client.outage.forget(self)

    async def _watch_on(self) -> None:
        try:
            await self._watch()
        except Expired:
            _log.info("%s: the watch's history is gone, listing again", self._name)
            await self._relist_until_done(first=False)
        except (StatusError, Unreachable, msgspec.MsgspecError) as error:
            await self._pause(error)

    async def _relist_until_done(self, *, first: bool) -> None:
        # "0" takes the server's cache; after an Expired only the store's own answer is sure to be newer.
        version = "0" if first else ""
        while True:
            try:
                await self._list(version)
                return
            except (StatusError, Unreachable, msgspec.MsgspecError) as error:
                await self._pause(error)
                version = "" if isinstance(error, Expired) else version

    async def _list(self, version: str) -> None:
        listed = await self._client.list(
            self._type,
            self._namespace,
            labels=self._labels,
            fields=self._fields,
            resource_version=version,
            path=self._path,
        )
        self._recovered()
        self._replace({key_of(obj): obj for obj in listed.items})
        self._version = listed.resource_version
        self._synced.set()

    def _replace(self, listed: Mapping[Key, T]) -> None:
        for key in [key for key in self.lister.items() if key not in listed]:
            self._removed(key)
        for obj in listed.values():
            self._stored(obj)

    async def _watch(self) -> None:
        started, seen = self._clock.monotonic(), False
        try:
            async with aclosing(self._open_watch()) as events:
                async for event in events:
                    if not seen:
                        seen = True
                        self._recovered()
                    self._take(event)
        finally:
            lasted = self._clock.monotonic() - started
            if lasted > _LASTED:
                self._recovered()  # it stood, although nothing happened: the next failure is a new one
        if not seen and lasted < _TOO_SHORT:
            await self._clock.sleep(_BACKOFF.delay(0, self._random))

    def _open_watch(self) -> Any:
        events: AsyncIterator[WatchEvent[T]] = self._client.watch(
            self._type,
            self._namespace,
            resource_version=self._version,
            labels=self._labels,
            fields=self._fields,
            timeout_seconds=self._random.randint(*_WATCH_SECONDS),
            path=self._path,
        )
        return events

    def _take(self, event: WatchEvent[T]) -> None:
        obj = event.object
        if event.type is EventType.DELETED:
            self._removed(key_of(obj), obj)
        elif event.type is not EventType.BOOKMARK:
            self._stored(obj)
        self._version = cast(Any, obj).metadata.resource_version

    def _stored(self, obj: T) -> None:
        old = self.lister.get(*key_of(obj))
        new_meta, old_meta = cast(Any, obj).metadata, cast(Any, old).metadata if old is not None else None
        if old_meta is not None and old_meta.uid != new_meta.uid:
            # Deleted and created again behind our back: two objects, so two changes.
            self._removed(key_of(obj))
            old_meta = old = None
        if old_meta is not None and old_meta.resource_version == new_meta.resource_version:
            return
        self.lister.put(obj)
        self._tell(old, obj)

    def _removed(self, key: Key, last: T | None = None) -> None:
        """Forget an object; what a DELETED event carries is newer than what the cache holds."""
        old = self.lister.remove(key)
        if old is not None:
            self._tell(last or old, None)

    def _tell(self, old: T | None, new: T | None) -> None:
        for handler in self._handlers:
            try:
                handler(old, new)
            except Exception:
                # One object that a handler cannot digest must not blind everybody who shares this cache.
                _log.exception("%s: a handler failed on %s", self._name, key_of(new if new is not None else old))

    async def _pause(self, error: Exception) -> None:
        delay = _BACKOFF.delay(self._failures, self._random)
        self._failures += 1
        if isinstance(error, Unreachable):
            self._client.outage.lost(self, error, self._clock)
            await happens_within(self._client.outage.back, delay, self._clock)
            return
        self._client.outage.over(self, self._clock)  # it has answered
        if not self._refused:
            # A resource that is not served has not appeared yet, or its definition has just been deleted.
            level = logging.INFO if isinstance(error, NotFound) else logging.WARNING
            _log.log(level, "%s: lost: %s", self._name, error)
        self._refused = True
        await self._clock.sleep(delay)

    def _recovered(self) -> None:
        self._client.outage.over(self, self._clock)
        if self._refused:
            _log.info("%s: recovered after %d attempts", self._name, self._failures)
        self._failures, self._refused = 0, False


class Informers:
    """The informers of one process, shared by kind and selection."""

    def __init__(self, client: Client, clock: Clock, random: Random | None = None):
        self._client, self._clock, self._random = client, clock, random or Random(0)
        self._informers: dict[tuple[type[Any], str, str, str], Informer[Any]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    def of(
        self,
        type_: type[T],
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        indexes: Mapping[str, IndexFunction] | None = None,
    ) -> Informer[T]:
        """Return the informer of a selection, the same one for everybody who asks for the same."""
        key = (type_, namespace, labels, fields)
        if key not in self._informers:
            self._informers[key] = Informer(
                self._client,
                self._clock,
                self._random,
                type_,
                namespace=namespace,
                labels=labels,
                fields=fields,
            )
            self._start(self._informers[key])
        informer = self._informers[key]
        for name, function in (indexes or {}).items():
            informer.lister.add_index(name, function)
        return informer

    async def run(self) -> None:
        """Run every informer, those asked for later too, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            for informer in self._informers.values():
                self._start(informer)
            await asyncio.Event().wait()

    async def synced(self) -> None:
        """Return once every informer asked for so far has its first list."""
        for informer in list(self._informers.values()):
            await informer.synced()

    def has_synced(self) -> bool:
        return all(informer.has_synced() for informer in self._informers.values())

    def _start(self, informer: Informer[Any]) -> None:
        if self._tasks is not None:
            self._tasks.create_task(informer.run())
