"""A queue of keys: added often, worked on once at a time, retried ever more slowly.

add(k) ──► waiting ──► get() ──► in work ──► done(k)
           k again? already here   k again? noted, waits until done, then goes back to waiting
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from controlplane.client.metrics import WorkQueueMetrics
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within

K = TypeVar("K", bound=Hashable)

# client-go's per-item failure rate limiter: 5 ms doubling to 1,000 s.
_FAILURES = Backoff(first=0.005, cap=1000.0)


class ShutDown(Exception):
    """The queue is shut down and empty."""


class WorkQueue(Generic[K]):
    """Whoever works on it also runs `keep_time()`, without which delayed keys never come (Reconciler does both)."""

    def __init__(
        self, name: str, clock: Clock, *, metrics: WorkQueueMetrics | None = None, failures: Backoff = _FAILURES
    ):
        self.name, self._clock, self._backoff = name, clock, failures
        self._waiting: deque[K] = deque()
        self._dirty: dict[K, float] = {}  # to be worked on, and since when
        self._in_work: dict[K, float] = {}
        self._ready = asyncio.Semaphore(0)  # as many as are waiting
        self._failed: dict[K, int] = {}
        self._delayed: list[tuple[float, int, K]] = []
        self._deadline: dict[K, float] = {}
        self._order = itertools.count()
        self._sooner = asyncio.Event()
        self._closed = False
        self._numbers = metrics.of(name, self._working_for) if metrics else None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K) -> None:
        """Have `key` worked on soon."""
        if self._closed or key in self._dirty:
            return
        self._dirty[key] = self._clock.monotonic()
        if key not in self._in_work:
            self._enqueue(key)
        if self._numbers:
            self._numbers.added(len(self._waiting))

    def add_after(self, key: K, seconds: float) -> None:
        """Have `key` worked on in `seconds`; of several times given, the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        deadline = self._clock.monotonic() + seconds
        if self._closed or self._deadline.get(key, deadline + 1) <= deadline:
            return
        self._deadline[key] = deadline
        heapq.heappush(self._delayed, (deadline, next(self._order), key))
        if self._delayed[0][0] == deadline:
            self._sooner.set()

    def add_rate_limited(self, key: K) -> None:
        """Have `key` worked on again after a failure, the later the more often it failed in a row."""
        failures = self._failed.get(key, 0)
        self._failed[key] = failures + 1
        if self._numbers:
            self._numbers.retries.inc()
        self.add_after(key, self._backoff.delay(failures))

    def forget(self, key: K) -> None:
        """Count the failures of `key` from zero again."""
        self._failed.pop(key, None)

    def failures(self, key: K) -> int:
        return self._failed.get(key, 0)

    async def get(self) -> K:
        """Return the next key; call `done` when finished with it. Raises ShutDown."""
        await self._ready.acquire()
        if not self._waiting:
            self._ready.release()  # whoever waits next is told too
            raise ShutDown(self.name)
        return self._take()

    def done(self, key: K) -> None:
        """End the work on `key`; if it was added meanwhile, it waits again."""
        started = self._in_work.pop(key)
        if self._numbers:
            self._numbers.work_duration.observe(self._clock.monotonic() - started)
        if key in self._dirty:
            self._enqueue(key)

    def shut_down(self) -> None:
        """Take no more keys; getters get what is left, then ShutDown."""
        self._closed = True
        self._ready.release()

    async def keep_time(self) -> None:
        """Move delayed keys over when their time comes, until cancelled."""
        while True:
            self._sooner.clear()
            self._add_due()
            wait = self._delayed[0][0] - self._clock.monotonic() if self._delayed else 3600.0
            await happens_within(self._sooner, wait, self._clock)

    def _add_due(self) -> None:
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            deadline, _, key = heapq.heappop(self._delayed)
            if self._deadline.get(key) == deadline:  # else an earlier time was given later
                del self._deadline[key]
                self.add(key)

    def _take(self) -> K:
        key = self._waiting.popleft()
        now = self._clock.monotonic()
        since = self._dirty.pop(key)
        self._in_work[key] = now
        if self._numbers:
            self._numbers.taken(now - since, len(self._waiting))
        return key

    def _enqueue(self, key: K) -> None:
        self._waiting.append(key)
        self._ready.release()

    def _working_for(self) -> list[float]:
        now = self._clock.monotonic()
        return [now - started for started in self._in_work.values()]
