"""Looks at all nodes every few seconds for silence, and at each node when it changes for its taints."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from msgspec.structs import replace

from controlplane.api.codec import to_document
from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import Node, Pod
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.lister import by_node
from controlplane.client.reconcile import Reconciler
from controlplane.client.transport import Unreachable
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.nodelifecycle.health import (
    Grace,
    is_silent,
    not_ready_condition,
    readiness,
    unknown_conditions,
)
from controlplane.controllers.nodelifecycle.heartbeats import Heartbeats
from controlplane.controllers.nodelifecycle.metrics import NodeCollectorMetrics
from controlplane.controllers.nodelifecycle.taints import Eviction, is_being_evicted, taints
from controlplane.controllers.nodelifecycle.zones import Rates, Turns, all_are_down, count_zones, zone_of

_log = logging.getLogger(__name__)

_NAME = "node-controller"
_LEASES = "kube-node-lease"


@dataclass(frozen=True, slots=True)
class Settings:
    """Seconds, and the rates of eviction."""

    period: float = 5.0
    grace: Grace = field(default_factory=Grace)
    rates: Rates = field(default_factory=Rates)


class NodeLifecycleController:
    """Keyed by node for taints; the look at heartbeats is one loop over all nodes."""

    def __init__(self, environment: Environment, settings: Settings = Settings()):
        self._settings, self._clock = settings, environment.clock
        self._client: Client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for(_NAME, self._client)
        self._queue = environment.queue("node_lifecycle_controller")
        self._metrics = NodeCollectorMetrics(environment.registry)
        self._nodes = environment.informers.of(Node)
        self._leases = environment.informers.of(Lease, namespace=_LEASES)
        self._pods = environment.informers.of(Pod, indexes={"node": by_node})
        self._heartbeats, self._turns = Heartbeats(), Turns()
        self._pods_to_mark: set[str] = set()  # nodes that fell silent and whose pods do not all say so yet
        self._all_down = False
        self._nodes.on_change(self._node_changed)

    async def run(self) -> None:
        await synced(self._nodes, self._leases, self._pods)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Reconciler("nodelifecycle", self.reconcile, self._queue, workers=2).run())
            tasks.create_task(self._look_for_ever())

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is not None and (
            old is None
            or old.status.conditions != new.status.conditions
            or old.spec.taints != new.spec.taints
            or old.spec.unschedulable != new.spec.unschedulable
        ):
            self._queue.add(new.metadata.name)
        node = new or old
        assert node is not None
        if old is None:
            self._say(node, "RegisteredNode", "Registered Node {0} in Controller")
        elif new is None:
            self._say(node, "RemovingNode", "Removing Node {0} from Controller")

    def _say(self, node: Node, reason: str, wording: str) -> None:
        name = node.metadata.name
        self._recorder.event(node, "Normal", reason, f"Node {name} event: {wording.format(name)}")

    async def reconcile(self, name: str) -> None:
        """Make the node's taints follow its conditions."""
        node = self._nodes.lister.get("", name)
        if node is not None:
            await self._taint(node, Eviction.STOP if self._all_down else Eviction.KEEP)

    async def _taint(self, node: Node, eviction: Eviction) -> None:
        wanted = taints(node, eviction, self._clock.now())
        if wanted == node.spec.taints:
            return
        metadata = {"uid": node.metadata.uid, "resourceVersion": node.metadata.resource_version}
        patch = {"metadata": metadata, "spec": {"taints": [to_document(taint) for taint in wanted] or None}}
        await self._client.patch(Node, node.metadata.name, patch)

    async def _look_for_ever(self) -> None:
        while True:
            started = self._clock.monotonic()
            await self.look()
            self._metrics.look_duration.observe(self._clock.monotonic() - started)
            await self._clock.sleep(self._settings.period)

    async def look(self) -> None:
        """Judge every node once."""
        nodes = [await self._judge(node) for node in self._nodes.lister.list()]
        self._heartbeats.keep_only({node.metadata.name for node in nodes})
        await self._mark_pods()
        zones = count_zones(nodes)
        self._metrics.show(zones)
        if await self._everything_is_down(all_are_down(zones, self._settings.rates), nodes):
            return
        for node in nodes:
            if readiness(node) != "True" and not is_being_evicted(node):
                zone = zone_of(node)
                if self._turns.take(zone, zones[zone].rate(self._settings.rates), self._clock.monotonic()):
                    await self._evict(node, zone)

    async def _judge(self, node: Node) -> Node:
        """Return the node, with its conditions Unknown if it has been silent for too long."""
        lease = self._leases.lister.get(_LEASES, node.metadata.name)
        silent_for = self._heartbeats.observe(node, lease, self._clock.monotonic())
        if not is_silent(node, silent_for, self._settings.grace):
            return node
        wanted = unknown_conditions(node, self._clock.now())
        if wanted is node.status.conditions:
            return node
        silent = replace(node, status=replace(node.status, conditions=wanted))
        if not await self._tried(node, self._client.update(silent, subresource="status")):
            return node
        _log.info("node %s has been silent for %.0f s", node.metadata.name, silent_for)
        if readiness(node) == "True":
            name = node.metadata.name
            self._recorder.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        self._pods_to_mark.add(node.metadata.name)
        return silent

    async def _tried(self, node: Node, request: object) -> bool:
        """Await a write; the next look tries again what failed, so one node does not hold up the others."""
        try:
            await request  # type: ignore[misc]
        except (StatusError, Unreachable) as error:
            _log.info("node %s: again at the next look: %s", node.metadata.name, error)
            return False
        return True

    async def _mark_pods(self) -> None:
        """Say of the pods on silent nodes that they are not ready, so that Services stop sending to them."""
        for name in list(self._pods_to_mark):
            node = self._nodes.lister.get("", name)
            if node is None:
                self._pods_to_mark.discard(name)
                continue
            results = [await self._tried(node, self._mark(pod)) for pod in self._pods.lister.by_index("node", name)]
            if all(results):
                self._pods_to_mark.discard(name)

    async def _mark(self, pod: Pod) -> None:
        condition = not_ready_condition(pod, self._clock.now())
        if condition is None:
            return
        patch = {"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [to_document(condition)]}}
        try:
            await self._client.patch(
                Pod, pod.metadata.name, patch, pod.metadata.namespace, kind=PatchType.STRATEGIC, subresource="status"
            )
        except NotFound:
            return
        self._recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    async def _everything_is_down(self, all_down: bool, nodes: list[Node]) -> bool:
        """Enter or leave the state in which nobody is evicted; return whether it holds."""
        if all_down and not self._all_down:
            _log.warning("no node of any zone is ready: no pod is evicted until one is")
        if self._all_down and not all_down:
            _log.info("a node is ready again: counting every other node's silence from now")
            self._heartbeats.forgive(self._clock.monotonic())
        self._all_down = all_down
        if all_down:
            for node in nodes:
                if is_being_evicted(node):
                    await self._tried(node, self._taint(node, Eviction.STOP))
        return all_down

    async def _evict(self, node: Node, zone: str) -> None:
        current = self._nodes.lister.get("", node.metadata.name)
        if current is None or readiness(current) == "True":
            return
        if await self._tried(node, self._taint(current, Eviction.START)):
            self._metrics.evictions.labels(zone).inc()
