"""Leases: times to live that are kept up by who holds them, with the keys that end with them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random

from controlplane.kit.clock import Clock
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import refusals
from controlplane.store.etcd.server.replies import Member
from controlplane.store.interface import Index, ServedStore, StoreError, Write

log = logging.getLogger(__name__)

_TICK = 0.5  # seconds between looks, as etcd's
_LEAST_TTL = 2  # seconds: etcd's, with its usual election timeout
_MOST_TTL = 9_000_000_000
_IDS = 63  # bits


@dataclass(slots=True)
class Lease:
    """A lease; `keys` were written with it, and may have been written again without."""

    id: int
    ttl: int
    deadline: float  # on the clock's monotonic scale: after a restart, every lease begins anew, as with etcd
    keys: set[str] = field(default_factory=set)


class Leases:
    """The leases of a store that is served."""

    def __init__(self, store: ServedStore, member: Member, clock: Clock, random: Random):
        self._store, self._member, self._clock, self._random = store, member, clock, random
        self._leases: dict[int, Lease] = {}
        self._some = asyncio.Event()

    async def load(self) -> None:
        """Take up the leases that were kept, with their keys."""
        for lease, ttl in (await self._store.leases()).items():
            self._add(lease, ttl)
        if self._leases:
            await self._store.commit(self._find_keys)

    def _find_keys(self, index: Index) -> list[Write]:
        for key in index.range("", None):
            if (entry := index.get(key)) and entry.lease in self._leases:
                self._leases[entry.lease].keys.add(key)
        return []

    def __contains__(self, lease: int) -> bool:
        return lease in self._leases

    def attach(self, lease: int, key: str) -> None:
        """Let a key end with a lease; called when the write is decided, before it is made."""
        self._leases[lease].keys.add(key)

    async def run(self) -> None:
        """Revoke what nobody keeps alive, until cancelled."""
        while True:
            await self._some.wait()
            now = self._clock.monotonic()
            for lease in [one for one in self._leases.values() if one.deadline <= now]:
                try:
                    await self._revoke(lease)
                except StoreError as error:
                    log.warning("cannot delete the keys of lease %x, trying again: %s", lease.id, error)
                    break
            if self._leases:
                await self._clock.sleep(_TICK)
            else:
                self._some.clear()

    def _add(self, lease: int, ttl: int) -> None:
        self._leases[lease] = Lease(lease, ttl, self._clock.monotonic() + ttl)
        self._some.set()

    async def _revoke(self, lease: Lease) -> int:
        """Delete a lease with its keys, at one revision, which is returned."""
        del self._leases[lease.id]  # from here on no write can take it
        try:
            revision = await self._store.commit(_deletions(lease))
            await self._store.keep_lease(lease.id, 0)
        except BaseException:
            self._leases[lease.id] = lease
            raise
        return revision

    # --- what clients ask

    async def grant(self, request: pb.LeaseGrantRequest) -> pb.LeaseGrantResponse:
        if request.TTL > _MOST_TTL:
            raise refusals.lease_too_long()
        if request.ID in self._leases:
            raise refusals.lease_exists()
        lease, ttl = request.ID or self._new_id(), max(request.TTL, _LEAST_TTL)
        self._add(lease, ttl)  # at once, so that nobody else takes the id meanwhile
        try:
            await self._store.keep_lease(lease, ttl)
        except BaseException:
            self._leases.pop(lease, None)
            raise
        return pb.LeaseGrantResponse(header=await self._header(), ID=lease, TTL=ttl)

    def _new_id(self) -> int:
        while not (lease := self._random.getrandbits(_IDS)) or lease in self._leases:
            pass
        return lease

    async def revoke(self, request: pb.LeaseRevokeRequest) -> pb.LeaseRevokeResponse:
        revision = await self._revoke(self._get(request.ID))
        return pb.LeaseRevokeResponse(header=self._member.header(revision))

    async def keep_alive(
        self, requests: AsyncIterator[pb.LeaseKeepAliveRequest]
    ) -> AsyncIterator[pb.LeaseKeepAliveResponse]:
        """Answer each message with the time to live, which begins again; 0: there is no such lease."""
        async for request in requests:
            lease = self._leases.get(request.ID)
            if lease is not None:
                lease.deadline = self._clock.monotonic() + lease.ttl
            ttl = lease.ttl if lease else 0
            yield pb.LeaseKeepAliveResponse(header=await self._header(), ID=request.ID, TTL=ttl)

    async def time_to_live(self, request: pb.LeaseTimeToLiveRequest) -> pb.LeaseTimeToLiveResponse:
        lease = self._leases.get(request.ID)
        if lease is None:
            return pb.LeaseTimeToLiveResponse(header=await self._header(), ID=request.ID, TTL=-1)
        left = max(0, math.floor(lease.deadline - self._clock.monotonic()))
        keys = await self._keys_of(lease) if request.keys else []
        return pb.LeaseTimeToLiveResponse(
            header=await self._header(), ID=lease.id, TTL=left, grantedTTL=lease.ttl, keys=keys
        )

    async def _keys_of(self, lease: Lease) -> list[bytes]:
        found: list[str] = []

        def look(index: Index) -> list[Write]:
            found.extend(_keys(lease, index))
            return []

        await self._store.commit(look)
        return [key.encode() for key in found]

    async def leases(self, request: pb.LeaseLeasesRequest) -> pb.LeaseLeasesResponse:
        in_order = sorted(self._leases.values(), key=lambda lease: lease.deadline)
        return pb.LeaseLeasesResponse(
            header=await self._header(), leases=[pb.LeaseStatus(ID=lease.id) for lease in in_order]
        )

    def _get(self, lease: int) -> Lease:
        if lease not in self._leases:
            raise refusals.lease_not_found()
        return self._leases[lease]

    async def _header(self) -> pb.ResponseHeader:
        return self._member.header(await self._store.revision())


def _keys(lease: Lease, index: Index) -> list[str]:
    return [key for key in sorted(lease.keys) if (entry := index.get(key)) and entry.lease == lease.id]


def _deletions(lease: Lease) -> Callable[[Index], list[Write]]:
    return lambda index: [Write(key, None) for key in _keys(lease, index)]
