"""The heartbeat: a Lease in kube-node-lease, renewed every 10 s. It is small, so that 5,000 nodes can afford it.

When the API server does not answer, the renewal is tried again after 200 ms, then twice as long each time, at most 7 s.
"""

from __future__ import annotations

import logging

from msgspec.structs import replace

from controlplane.api.coordination_v1 import Lease, LeaseSpec
from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.api.status import AlreadyExists, Conflict, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_micro_time

log = logging.getLogger(__name__)

NAMESPACE = "kube-node-lease"
DURATION = 40  # seconds after which the node counts as silent: upstream's nodeLeaseDurationSeconds
INTERVAL = 10.0  # seconds: a quarter of it
RETRY = Backoff(first=0.2, cap=7.0)


class Heartbeat:
    """Renews one node's Lease until cancelled."""

    def __init__(self, node_name: str, client: Client, clock: Clock):
        self._name, self._client, self._clock = node_name, client, clock
        self._lease: Lease | None = None
        self._failures = 0  # in a row

    async def run(self) -> None:
        while True:
            started = self._clock.monotonic()
            await self._renew_until_done()
            await self._clock.sleep(max(0.0, INTERVAL - (self._clock.monotonic() - started)))

    async def _renew_until_done(self) -> None:
        for delay in RETRY.delays():
            try:
                self._lease = await self.renew()
            except (Unreachable, StatusError) as error:
                if not self._failures:
                    log.warning("cannot renew the node lease, trying on: %s", error)
                self._failures += 1
                self._lease = None  # it may have changed or gone: read it again
                await self._clock.sleep(delay)
                continue
            if self._failures:
                log.info("node lease renewed after %d failures", self._failures)
            self._failures = 0
            return

    async def renew(self) -> Lease:
        """Write the current time into the Lease, making it if it is not there."""
        lease = self._lease or await self._read()
        if lease is None:
            try:
                return await self._client.create(self._stamped(await self._new()))
            except AlreadyExists:
                lease = await self._client.get(Lease, self._name, NAMESPACE)
        try:
            return await self._client.update(self._stamped(lease))
        except Conflict:
            return await self._client.update(self._stamped(await self._client.get(Lease, self._name, NAMESPACE)))

    async def _read(self) -> Lease | None:
        try:
            return await self._client.get(Lease, self._name, NAMESPACE)
        except NotFound:
            return None

    async def _new(self) -> Lease:
        # Asked for each time: the Node may have been deleted and made anew, and the owner's UID has to be the present
        # one, or the garbage collector takes the Lease away again.
        node = await self._client.get(Node, self._name)
        owner = OwnerReference(api_version="v1", kind="Node", name=self._name, uid=node.metadata.uid)
        metadata = ObjectMeta(name=self._name, namespace=NAMESPACE, owner_references=[owner])
        return Lease(metadata=metadata, spec=LeaseSpec(holder_identity=self._name, lease_duration_seconds=DURATION))

    def _stamped(self, lease: Lease) -> Lease:
        spec = replace(
            lease.spec,
            holder_identity=self._name,
            lease_duration_seconds=DURATION,
            renew_time=format_micro_time(self._clock.now()),
        )
        return replace(lease, spec=spec)
