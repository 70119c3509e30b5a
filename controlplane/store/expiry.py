"""Deletes keys whose time is over, as ordinary writes."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Iterator

from controlplane.kit.clock import Clock
from controlplane.store.interface import RevisionMismatch, StoreError

log = logging.getLogger(__name__)

_TICK = 1.0  # seconds between looks; a key lives up to this much longer than asked, as with etcd's leases

Delete = Callable[[str, int], Awaitable[object]]
"""Deletes a key that is at a revision. Raises RevisionMismatch when it is at another."""


class Expiry:
    """The keys that will be deleted, by when. A key written again is another revision, so the old deadline is void."""

    def __init__(self, clock: Clock, delete: Delete):
        self._clock, self._delete = clock, delete
        self._deadlines: list[tuple[float, str, int]] = []
        self._some = asyncio.Event()

    def deadline(self, ttl: int) -> float | None:
        """Return when a key written now expires, in seconds since 1970: restarts must not lengthen its life."""
        return self._clock.now().timestamp() + ttl if ttl else None

    def add(self, deadline: float, key: str, revision: int) -> None:
        heapq.heappush(self._deadlines, (deadline, key, revision))
        self._some.set()

    def deadlines(self) -> Iterator[tuple[float, str, int]]:
        """Yield deadline, key and revision of what is to expire; some keys have been written again since."""
        yield from self._deadlines

    async def run(self) -> None:
        """Delete what expires, until cancelled."""
        while True:
            await self._some.wait()
            await self._delete_expired()
            if self._deadlines:
                await self._clock.sleep(_TICK)
            else:
                self._some.clear()

    async def _delete_expired(self) -> None:
        now = self._clock.now().timestamp()
        while self._deadlines and self._deadlines[0][0] <= now:
            due = heapq.heappop(self._deadlines)
            try:
                await self._delete(due[1], due[2])
            except RevisionMismatch:
                pass  # written again or deleted meanwhile: not ours to delete
            except StoreError as error:
                log.warning("cannot delete expired keys, trying again: %s", error)
                heapq.heappush(self._deadlines, due)
                return
