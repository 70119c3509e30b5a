"""Leases for keys that expire, shared: Events would otherwise cost an etcd as many leases as there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from controlplane.kit.clock import Clock
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.connection import Connection

# Upstream's: a lease is shared by what is written within this share of its life, and by so many keys at most.
_SHARE, _MOST_SECONDS = 0.05, 60
_MOST_KEYS = 1000


@dataclass(slots=True)
class _Shared:
    id: int
    ends: float  # on the clock's monotonic scale, at the earliest
    keys: int = 0


class LeasePool:
    """The newest lease of each time to live that was asked for."""

    def __init__(self, connection: Connection, clock: Clock):
        self._connection, self._clock = connection, clock
        self._newest: dict[int, _Shared] = {}
        self._granting = asyncio.Lock()

    async def lease(self, ttl: int) -> int:
        """Return a lease that lives `ttl` seconds from now, and not much longer. Raises StoreError."""
        async with self._granting:
            shared = self._newest.get(ttl)
            if shared is None or shared.keys >= _MOST_KEYS or shared.ends < self._clock.monotonic() + ttl:
                shared = self._newest[ttl] = await self._grant(ttl + min(int(ttl * _SHARE), _MOST_SECONDS))
            shared.keys += 1
            return shared.id

    async def _grant(self, ttl: int) -> _Shared:
        now = self._clock.monotonic()
        request = pb.LeaseGrantRequest(TTL=ttl)
        answer = await self._connection.call("Lease/LeaseGrant", request, pb.LeaseGrantResponse)
        return _Shared(answer.ID, now + ttl)

    def forget(self, lease: int) -> None:
        """Never hand out a lease again that has ended."""
        self._newest = {ttl: shared for ttl, shared in self._newest.items() if shared.id != lease}
