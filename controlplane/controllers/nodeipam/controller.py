"""Gives Nodes without ranges theirs, and takes back those of Nodes that are gone."""

from __future__ import annotations

from controlplane.api.core_v1 import Node
from controlplane.api.status import Invalid, NotFound, StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.nodeipam.plan import Allocator, NoRangeLeft
from controlplane.controllers.written import Written

_NAME = "node-controller"
# Seconds until a node without a range is looked at again: one may have become free.
_TRY_AGAIN = 10.0


class NodeIpamController:
    """Keyed by node name; one worker, so no range is given twice."""

    def __init__(self, environment: Environment, allocator: Allocator):
        self._allocator = allocator
        self._client: Client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for("cidrAllocator", self._client)
        self._queue = environment.queue("cidrallocator_node")
        self._nodes = environment.informers.of(Node)
        self._written: Written[str] = Written(self._nodes.lister, environment.clock)

    async def run(self) -> None:
        # First what is taken already, all of it; only then may anything be given.
        await synced(self._nodes)
        self._nodes.on_change(self._changed)
        await Reconciler("nodeipam", self.reconcile, self._queue).run()

    def _changed(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            if old is not None:
                self._allocator.free(ranges_of(old))
                self._written.forget(old.metadata.name)
        elif ranges_of(new):
            self._allocator.occupy(ranges_of(new))
        else:
            self._queue.add(new.metadata.name)

    async def reconcile(self, name: str) -> float | None:
        node = self._nodes.lister.get("", name)
        if node is None or ranges_of(node):
            return None
        if self._written.unseen(name):
            return 1.0  # it got its ranges a moment ago; giving others would lose these
        try:
            ranges = self._allocator.allocate()
        except NoRangeLeft:
            message = f"Node {name} status is now: CIDRNotAvailable"
            self._recorder.event(node, "Normal", "CIDRNotAvailable", message)
            return _TRY_AGAIN
        await self._assign(node, ranges)
        return None

    async def _assign(self, node: Node, ranges: list[str]) -> None:
        name = node.metadata.name
        patch = {"metadata": {"uid": node.metadata.uid}, "spec": {"podCIDR": ranges[0], "podCIDRs": ranges}}
        try:
            self._written.record(name, await self._client.patch(Node, name, patch, kind=PatchType.STRATEGIC))
        except (NotFound, Invalid):
            self._allocator.free(ranges)  # gone, or somebody else was faster: its event tells
        except StatusError:
            self._allocator.free(ranges)  # refused, so certainly not written
            raise


def ranges_of(node: Node) -> list[str]:
    return node.spec.pod_cidrs or ([node.spec.pod_cidr] if node.spec.pod_cidr else [])
