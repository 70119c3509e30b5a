"""Each address of a Service as an IPAddress object: `kubectl get ipaddresses` shows what is taken, and by whom.

    Service shop/web, clusterIPs [10.96.0.7]      IPAddress 10.96.0.7, parentRef services/shop/web

The Services themselves say which of their addresses are taken; these objects follow them, a moment later, so that no
Service waits for a second write. IPAddresses that others made are theirs: the allocator leaves such addresses alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from controlplane.api.core_v1 import Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.networking_v1 import IPAddress, IPAddressSpec, ParentReference
from controlplane.api.reader import ObjectReader
from controlplane.api.status import AlreadyExists, NotFound, StatusError
from controlplane.apiserver.event_log import TooOld
from controlplane.apiserver.watch_cache import ResourceCache
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

FAMILY = "ipaddress.kubernetes.io/ip-family"
MANAGED_BY = "ipaddress.kubernetes.io/managed-by"
OURS = "ipallocator.k8s.io"

_RETRY = 1.0  # seconds before what failed is tried again
_BATCH = 256  # objects looked at between two turns of others


@dataclass(slots=True)
class Owners:
    """Which Service has which addresses; keys are namespace/name."""

    of_address: dict[str, str] = field(default_factory=dict)
    of_service: dict[str, frozenset[str]] = field(default_factory=dict)

    def note(self, key: str, service: Service | None) -> frozenset[str]:
        """Take in a Service as it is now; return the addresses that have to be looked at."""
        before, now = self.of_service.pop(key, frozenset()), addresses_of(service) if service else frozenset()
        for address in before:
            if self.of_address.get(address) == key:
                del self.of_address[address]
        for address in now:
            self.of_address[address] = key
        if now:
            self.of_service[key] = now
        return before ^ now


def addresses_of(service: Service) -> frozenset[str]:
    addresses = service.spec.cluster_ips or [service.spec.cluster_ip]
    return frozenset(str(ipaddress.ip_address(one)) for one in addresses if one not in ("", "None"))


def is_ours(address: IPAddress) -> bool:
    return address.metadata.labels.get(MANAGED_BY) == OURS


def is_of(address: IPAddress, owner: str) -> bool:
    """Return whether an IPAddress is about the Service of this key; "" is none."""
    parent = address.spec.parent_ref
    return parent is not None and parent.resource == "services" and f"{parent.namespace}/{parent.name}" == owner


def new_address(text: str, owner: str) -> IPAddress:
    family = f"IPv{ipaddress.ip_address(text).version}"
    namespace, _, name = owner.partition("/")
    return IPAddress(
        metadata=ObjectMeta(name=text, labels={FAMILY: family, MANAGED_BY: OURS}),
        spec=IPAddressSpec(parent_ref=ParentReference(resource="services", namespace=namespace, name=name)),
    )


class IpAddressKeeper:
    """Follows the Services, and the IPAddresses lest somebody deletes one that is in use."""

    def __init__(
        self,
        reader: ObjectReader,
        services: ResourceCache,
        addresses: ResourceCache,
        reserved: set[str],
        client: Client,
        clock: Clock,
    ):
        self._reader, self._services, self._addresses = reader, services, addresses
        self._reserved = reserved  # addresses of which others have made IPAddresses, for the allocator to see
        self._client, self._clock = client, clock
        self._owners, self._waiting, self._failing = Owners(), set[str](), False
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keep them until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(self._services, self._see_service))
            group.create_task(self._follow(self._addresses, self._see_address))
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._settle_all()
                if self._failing:
                    await self._clock.sleep(_RETRY)
                    self._changed.set()

    async def _follow(self, cache: ResourceCache, see: Callable[[str], None]) -> None:
        """Show `see` the key of every object, and again whenever it changes."""
        with cache.watcher(cache.log.end, None) as watcher:
            keys: Iterable[str] = [item.key for item in cache.list()]
            while True:
                for number, key in enumerate(keys):
                    see(key)
                    if number % _BATCH == 0:
                        await asyncio.sleep(0)
                self._changed.set()
                if watcher.position == cache.log.end:
                    await watcher.wait()
                try:
                    changes = cache.log.read(watcher.position, _BATCH)
                    watcher.position += len(changes)
                    keys = [change.object.key for change in changes]
                except TooOld:
                    watcher.position = cache.log.end
                    keys = {*(item.key for item in cache.list()), *self._owners.of_service}

    def _see_service(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        self._waiting |= self._owners.note(key, self._reader.get(Service, namespace, name))

    def _see_address(self, name: str) -> None:
        there = self._reader.get(IPAddress, "", name)
        if there is None or is_ours(there):
            self._reserved.discard(name)
        else:
            self._reserved.add(name)
        self._waiting.add(name)

    async def _settle_all(self) -> None:
        """Settle what waits; what cannot be settled waits on."""
        addresses, failed = sorted(self._waiting), False
        self._waiting.clear()
        for number, address in enumerate(addresses):
            if number % _BATCH == 0:
                await asyncio.sleep(0)
            try:
                await self._settle(address)
            except (StatusError, Unreachable) as error:
                self._waiting.add(address)
                failed = True
                if not self._failing:
                    _log.warning("IPAddress %s does not follow its Service yet: %s", address, error)
        self._failing = failed

    async def _settle(self, text: str) -> None:
        """Make one IPAddress say what is so. Raises StatusError, Unreachable."""
        there, owner = self._reader.get(IPAddress, "", text), self._owners.of_address.get(text, "")
        if there is not None and is_ours(there) and not is_of(there, owner):
            await _unless_done(self._client.delete(IPAddress, text, uid=there.metadata.uid))
            there = None
        if there is None and owner:
            await _unless_done(self._client.create(new_address(text, owner)))


async def _unless_done(write: Awaitable[object]) -> None:
    """Another server may have been quicker."""
    with suppress(AlreadyExists, NotFound):
        await write
