"""Events in batches, away from the requests they tell of: none waits for a sink, and what is too much is lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from controlplane.apiserver.audit.auditor import Lost
from controlplane.apiserver.audit.event import Event
from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.kit.waiting import happens_within

Deliver = Callable[[Sequence[Event]], Awaitable[None]]
"""Sends events, and says itself if it cannot."""

_LAST = 5.0  # seconds that a server which stops takes to send what is left


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """The --audit-*-batch-* flags, with upstream's defaults for webhooks."""

    buffer: int = 10_000  # events kept until they are sent
    size: int = 400  # events sent at once, at most
    wait: float = 30.0  # seconds until a batch that is not full is sent
    qps: float = 10.0  # batches a second; 0: any number
    burst: int = 15  # batches at once after a quiet time


class Batched:
    """A sink that hands on what it takes, in order, one batch after the other."""

    def __init__(self, deliver: Deliver, config: BatchConfig, clock: Clock, lost: Lost):
        self._deliver, self._config, self._clock, self._lost = deliver, config, clock, lost
        self._buffer: deque[Event] = deque()
        self._any, self._full, self._drained = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._stopping = False
        self._allowed, self._at = float(config.burst), clock.monotonic()

    def take(self, event: Event) -> bool:
        if len(self._buffer) >= self._config.buffer:
            self._lost("buffered", [event], "audit buffer queue blocked")
            return True
        self._buffer.append(event)
        self._any.set()
        if len(self._buffer) >= self._config.size:
            self._full.set()
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(self._run()):
            try:
                yield
            finally:
                self._stopping = True
                self._any.set()
                self._full.set()
                await happens_within(self._drained, _LAST, self._clock)
        if self._buffer:
            self._lost("buffered", list(self._buffer), "the server stopped before they were sent")

    async def _run(self) -> None:
        while self._buffer or not self._stopping:
            await self._any.wait()
            if self._config.size > 1:
                await happens_within(self._full, self._config.wait, self._clock)
            await self._throttle()
            if batch := self._next():
                await self._send(batch)
        self._drained.set()

    async def _send(self, batch: Sequence[Event]) -> None:
        try:
            await self._deliver(batch)
        except asyncio.CancelledError:
            self._buffer.extendleft(reversed(batch))
            raise

    def _next(self) -> list[Event]:
        batch = [self._buffer.popleft() for _ in range(min(len(self._buffer), self._config.size))]
        if self._stopping:
            return batch
        if not self._buffer:
            self._any.clear()
        if len(self._buffer) < self._config.size:
            self._full.clear()
        return batch

    async def _throttle(self) -> None:
        """Wait until one more batch may be sent: a bucket of `burst` tokens that fills by `qps` a second."""
        if not self._config.qps:
            return
        now = self._clock.monotonic()
        self._allowed = min(self._config.burst, self._allowed + (now - self._at) * self._config.qps)
        self._at = now
        self._allowed -= 1
        if self._allowed < 0:
            await self._clock.sleep(-self._allowed / self._config.qps)
