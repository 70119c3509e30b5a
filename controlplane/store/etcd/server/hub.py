"""One reader of the store's events for all watchers of all clients.

```
 store ── one watch ──► Hub ──► watchers that are up to date: what is in their range goes to their stream's queue
                         ▲
 history ── one watch ───┘ a watcher that starts in the past, or whose client was too slow, reads on by itself until it
            a watcher      has passed the hub, and joins it in that very turn of the loop
```

So it is known of every watcher what it has seen, and a progress notification never overtakes an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from controlplane.store.etcd.server.bounds import Bounds
from controlplane.store.interface import Event, ServedStore

Deliver = Callable[[Sequence[Event], int], bool]
"""Takes events, and the revision up to which they are all; False: there is no room, and none was taken."""


class Watcher:
    """Somebody who wants the events of a range that are newer than `seen`."""

    def __init__(self, within: Bounds, seen: int, deliver: Deliver):
        self.within, self.seen, self._deliver = within, seen, deliver

    def offer(self, events: Sequence[Event]) -> bool:
        """Take a batch of all events newer than those before; False when there is no room."""
        last = events[-1].revision
        if last <= self.seen:
            return True
        wanted = [event for event in events if event.revision > self.seen and self.within.holds(event.key)]
        if wanted and not self._deliver(wanted, last):
            return False
        self.seen = last
        return True


class Hub:
    """Brings events to watchers."""

    def __init__(self, store: ServedStore, revision: int):
        self._store = store
        self.revision = revision  # everything up to here was offered to `_current`
        self._current: dict[Watcher, asyncio.Future[None]] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def run(self) -> None:
        """Hand events over, until cancelled."""
        async with aclosing(self._store.watch("", after=self.revision)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self._offer(batch)

    def _offer(self, batch: Sequence[Event]) -> None:
        self.revision = batch[-1].revision
        for watcher in [one for one in self._current if not one.offer(batch)]:
            self._current.pop(watcher).set_result(None)
        for revision, future in self._waiting:
            if revision <= self.revision and not future.done():
                future.set_result(None)
        self._waiting = [one for one in self._waiting if not one[1].done()]

    async def reached(self, revision: int) -> None:
        """Return when every current watcher was offered all events up to a revision."""
        if self.revision < revision:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((revision, future))
            await future

    def is_current(self, watcher: Watcher) -> bool:
        return watcher in self._current

    async def follow(self, watcher: Watcher) -> None:
        """Serve a watcher until its client has no room for more; to be called again when it has. Raises Compacted."""
        if watcher.seen < self.revision and not await self._catch_up(watcher):
            return
        full = asyncio.get_running_loop().create_future()
        self._current[watcher] = full
        try:
            await full
        finally:
            self._current.pop(watcher, None)

    async def _catch_up(self, watcher: Watcher) -> bool:
        """Read history until the watcher has passed the hub; False when its client has no room."""
        async with aclosing(self._store.watch("", after=watcher.seen)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                if not watcher.offer(batch):
                    return False
                if watcher.seen >= self.revision:
                    return True
        return False
