"""Gives a Service its addresses and ports around the write of it."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random

from controlplane.api.codec import Document
from controlplane.api.core_v1 import Service
from controlplane.api.reader import ObjectReader
from controlplane.api.resources import BY_TYPE
from controlplane.api.status import invalid
from controlplane.apiserver.allocation.filling import Filling, Reservation, Taken
from controlplane.apiserver.allocation.ranges import AddressRange, PortRange


class ServiceAllocator:
    """Knows what is taken from `reader`, and what is promised from its own reservations."""

    def __init__(
        self,
        reader: ObjectReader,
        fresh: Callable[[], Awaitable[object]],  # returns when the reader has seen every acknowledged write
        service_cidrs: Sequence[str],
        node_port_range: PortRange,
        random: Random,
    ):
        self._reader, self._fresh, self._random, self._ports = reader, fresh, random, node_port_range
        self._ranges = [AddressRange(ipaddress.ip_network(cidr)) for cidr in service_cidrs]
        self.reserved: set[str] = set()  # addresses that IPAddresses of others keep from Services
        self._reservations: list[Reservation] = []
        self._moment = 0

    @asynccontextmanager
    async def for_create(self, document: Document, dry_run: bool) -> AsyncIterator[None]:
        """Fill in what the cluster decides; if the write inside fails, or is none, give it back. Raises Invalid."""
        async with self._reserved(document, {}, dry_run):
            yield

    @asynccontextmanager
    async def for_update(self, new: Document, old: Document, dry_run: bool) -> AsyncIterator[None]:
        """The same for a Service that takes the place of `old`, whose addresses and ports it may keep."""
        async with self._reserved(new, old.get("spec") or {}, dry_run):
            yield

    @asynccontextmanager
    async def _reserved(self, document: Document, old_spec: Document, dry_run: bool) -> AsyncIterator[None]:
        await self._catch_up()
        reservation = self._reserve(document, old_spec)
        try:
            yield
        except BaseException as error:
            # A caller who has gone may have left a write on its way to the disk.
            self._settle(reservation, written=isinstance(error, asyncio.CancelledError) and not dry_run)
            raise
        reservation.acknowledged = not dry_run
        self._settle(reservation, written=not dry_run)

    async def _catch_up(self) -> None:
        """Let the reader see every write that was acknowledged: from then on it says what they have taken."""
        seen = [one for one in self._reservations if one.acknowledged]
        if seen:
            await self._fresh()
            self._reservations = [one for one in self._reservations if not any(one is other for other in seen)]

    def _settle(self, reservation: Reservation, *, written: bool) -> None:
        if written:
            reservation.finished = self._tick()  # and kept until the reader shows it
        else:
            self._reservations.remove(reservation)

    def _reserve(self, document: Document, old_spec: Document) -> Reservation:
        metadata, spec = document.get("metadata") or {}, document.setdefault("spec", {})
        key = (metadata.get("namespace", ""), metadata.get("name", ""))
        reservation = Reservation(key, self._tick())
        taken = self._taken(key, bool(old_spec))
        errors = Filling(self._ranges, self._ports, self._random, taken, reservation, old_spec).fill(spec)
        if errors:
            raise invalid(BY_TYPE[Service], key[1], errors)
        self._reservations.append(reservation)
        return reservation

    def _tick(self) -> int:
        self._moment += 1
        return self._moment

    def _taken(self, key: tuple[str, str], exists: bool) -> Taken:
        services = self._reader.list(Service)
        self._forget_what_can_be_seen(services)
        taken = Taken(set(), set())
        for service in services:
            if not (exists and (service.metadata.namespace, service.metadata.name) == key):
                taken.addresses.update(_addresses(service))
                taken.ports.update(_node_ports(service))
        for reservation in self._reservations:
            taken.addresses.update(reservation.addresses)
            taken.ports.update(reservation.ports)
        taken.addresses.update(self.reserved)
        if key != ("default", "kubernetes"):
            taken.addresses.update(str(one.first) for one in self._ranges)
        return taken

    def _forget_what_can_be_seen(self, services: Sequence[Service]) -> None:
        """Drop reservations that the reader has caught up with.

        Writes are seen in their order, so once a Service can be seen, every write that had finished before that one
        began has been seen too, even if its Service is deleted again by now.
        """
        waiting = [one for one in self._reservations if one.finished]
        if not waiting:
            return
        seen = {(one.metadata.namespace, one.metadata.name): one for one in services}
        horizon = max((one.started for one in waiting if _has(seen.get(one.key), one)), default=0)
        self._reservations = [
            one
            for one in self._reservations
            if not one.finished or not (_has(seen.get(one.key), one) or one.finished < horizon)
        ]


def _addresses(service: Service) -> Iterator[str]:
    yield from service.spec.cluster_ips or ([service.spec.cluster_ip] if service.spec.cluster_ip else ())


def _node_ports(service: Service) -> Iterator[int]:
    yield from (port.node_port for port in service.spec.ports if port.node_port)
    if service.spec.health_check_node_port:
        yield service.spec.health_check_node_port


def _has(service: Service | None, reservation: Reservation) -> bool:
    if service is None:
        return False
    return reservation.addresses <= set(_addresses(service)) and reservation.ports <= set(_node_ports(service))
