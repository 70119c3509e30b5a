"""Waits until pods have to leave, and deletes them."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.codec import to_document
from controlplane.api.core_v1 import Node, Pod, PodCondition
from controlplane.api.status import NotFound
from controlplane.client.client import Client, PatchType
from controlplane.client.keys import Key, key_of
from controlplane.client.lister import by_node
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.pods import is_terminating
from controlplane.controllers.tainteviction.plan import leaves_at, no_execute_taints
from controlplane.kit.timestamps import format_time

# It shares the rights of the controller that taints.
_ACCOUNT = "node-controller"


class TaintEvictionController:
    """Keyed by pod; only pods on tainted nodes are ever looked at."""

    def __init__(self, environment: Environment, *, workers: int = 8):
        self._workers, self._clock = workers, environment.clock
        self._client: Client = environment.client_for(_ACCOUNT)
        self._recorder = environment.recorder_for("taint-eviction-controller", self._client)
        self._queue = environment.queue("noexec_taint_pod")
        self._nodes = environment.informers.of(Node)
        self._pods = environment.informers.of(Pod, indexes={"node": by_node})
        self._waits: dict[Key, tuple[str, datetime]] = {}  # pods that will have to leave: UID, and since when
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await synced(self._nodes, self._pods)
        await Reconciler("tainteviction", self.reconcile, self._queue, workers=self._workers).run()

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        before = no_execute_taints(old) if old is not None else []
        after = no_execute_taints(new) if new is not None else []
        if before == after:
            return
        node = new or old
        assert node is not None
        for pod in self._pods.lister.by_index("node", node.metadata.name):
            self._queue.add(key_of(pod))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is None:
            if old is not None:
                self._waits.pop(key_of(old), None)
            return
        placed = old is None or old.spec.node_name != new.spec.node_name
        if not placed and old is not None and old.spec.tolerations == new.spec.tolerations:
            return
        node = self._nodes.lister.get("", new.spec.node_name)
        if key_of(new) in self._waits or (node is not None and no_execute_taints(node)):
            self._queue.add(key_of(new))

    async def reconcile(self, key: Key) -> float | None:
        pod = self._pods.lister.get(*key)
        if pod is None or is_terminating(pod):
            self._waits.pop(key, None)
            return None
        node = self._nodes.lister.get("", pod.spec.node_name)
        found = no_execute_taints(node) if node is not None else []
        now = self._clock.now()
        seen_at = self._first_seen(key, pod, now)
        deadline = leaves_at(pod, found, seen_at) if found else None
        if deadline is None:
            self._may_stay(key, pod)
            return None
        self._waits[key] = (pod.metadata.uid, seen_at)
        if deadline > now:
            return (deadline - now).total_seconds()
        await self._delete(pod)
        return None

    def _first_seen(self, key: Key, pod: Pod, now: datetime) -> datetime:
        uid, seen_at = self._waits.get(key, ("", now))
        return seen_at if uid == pod.metadata.uid else now

    def _may_stay(self, key: Key, pod: Pod) -> None:
        if self._waits.pop(key, None) is not None:
            self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key}")

    async def _delete(self, pod: Pod) -> None:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {namespace}/{name}")
        try:
            await self._say_why(pod)
            await self._client.delete(Pod, name, namespace, uid=pod.metadata.uid)
        except NotFound:
            return

    async def _say_why(self, pod: Pod) -> None:
        condition = PodCondition(
            type="DisruptionTarget",
            status="True",
            reason="DeletionByTaintManager",
            message="Taint manager: deleting due to NoExecute taint",
            last_transition_time=format_time(self._clock.now()),
        )
        patch = {"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [to_document(condition)]}}
        await self._client.patch(
            Pod, pod.metadata.name, patch, pod.metadata.namespace, kind=PatchType.STRATEGIC, subresource="status"
        )
