"""Hands every committed event to every watcher, in order, and never waits for a slow one.

```
 history (table)   ... 7 8 9 |            a watcher that asked for "after 6" reads 7, 8, 9 from history,
 broadcast                   | 10 11 ...  and had subscribed at 9 before that: 10 and 11 wait in its buffer
```

A buffer that is full is closed: its watcher empties it, then reads on from history and subscribes again. So what a
watcher can hold is bounded by `capacity`, however slow it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from controlplane.store.errors import StoreClosed
from controlplane.store.interface import Event

_CAPACITY = 4096  # events a watcher may lag behind before it is sent back to history

History = Callable[[str, int, int], AsyncGenerator[Sequence[Event], None]]
"""Yields the events below a prefix that are newer than one revision and not newer than another."""


class Subscription:
    """What has happened below a prefix since `start` and was not taken yet."""

    def __init__(self, prefix: str, start: int, capacity: int):
        self.prefix, self.start = prefix, start
        self.last = start  # the newest event that went into the buffer, or the start
        self.overflowed = False
        self._capacity, self._held = capacity, 0
        self._batches: deque[Sequence[Event]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def offer(self, events: Sequence[Event]) -> bool:
        """Take events in; False when there is no room, after which no more may be offered."""
        if self._held + len(events) > self._capacity:
            self.overflowed = True
        else:
            self._batches.append(events)
            self._held += len(events)
            self.last = events[-1].revision
        self._wake()
        return not self.overflowed

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> Sequence[Event]:
        """Return the next batch; an empty one says that the rest must be read from history. Raises StoreClosed."""
        while not self._batches:
            if self.overflowed:
                return ()
            if self._closed:
                raise StoreClosed
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        batch = self._batches.popleft()
        self._held -= len(batch)
        return batch


class Broadcast:
    """The watchers of a store. Lives on the event loop; `publish` is called once a commit, in order."""

    def __init__(self, revision: int, capacity: int = _CAPACITY):
        self.revision = revision
        self._capacity = capacity
        self._by_prefix: dict[str, list[Subscription]] = {}
        self._closed = False

    def publish(self, events: Sequence[Event]) -> None:
        """Tell the watchers of what is now durable."""
        self.revision = events[-1].revision
        for prefix, subscriptions in self._by_prefix.items():
            matching = tuple(event for event in events if event.key.startswith(prefix))
            if matching:
                full = [subscription for subscription in subscriptions if not subscription.offer(matching)]
                for subscription in full:
                    subscriptions.remove(subscription)

    def close(self) -> None:
        self._closed = True
        for subscriptions in self._by_prefix.values():
            for subscription in subscriptions:
                subscription.close()

    def _subscribe(self, prefix: str) -> Subscription:
        if self._closed:
            raise StoreClosed
        subscription = Subscription(prefix, self.revision, self._capacity)
        self._by_prefix.setdefault(prefix, []).append(subscription)
        return subscription

    def _unsubscribe(self, subscription: Subscription) -> None:
        subscriptions = self._by_prefix[subscription.prefix]
        if subscription in subscriptions:
            subscriptions.remove(subscription)
        if not subscriptions:
            del self._by_prefix[subscription.prefix]

    async def watch(self, prefix: str, after: int, history: History) -> AsyncIterator[Sequence[Event]]:
        """Yield each event newer than `after`: from `history` what happened, from here what happens."""
        while True:
            subscription = self._subscribe(prefix)
            try:
                if after < subscription.start:
                    async with aclosing(history(prefix, after, subscription.start)) as batches:
                        async for batch in batches:
                            yield batch
                    after = subscription.start
                while batch := await subscription.take():
                    if batch[0].revision <= after:  # only for a watcher that asked for the future
                        batch = tuple(event for event in batch if event.revision > after)
                    if batch:
                        yield batch
            finally:
                self._unsubscribe(subscription)
            after = max(after, subscription.last)
