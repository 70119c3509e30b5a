"""Keeps the snapshot: nodes and pods as the informers tell them, and pods we have just placed ("assumed").

            assume ──► assumed ── the informer shows it on its node ──► there
                          │
                          └── binding failed ──► forgotten

An assumed pod counts until it is confirmed or forgotten. It does not expire: the informer tells every pod's fate,
after a lost connection too, so there is nothing to guess by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from controlplane.api.core_v1 import Namespace, Node, Pod, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.scheduler.snapshot import NodeInfo, PodInfo


class Lister(Protocol):
    """What is read of namespaces and services, straight from their informers' caches."""

    def namespace(self, name: str) -> Namespace | None: ...

    def services(self, namespace: str) -> Sequence[Service]: ...


class Cache:
    """The one Snapshot; rules read it, the scheduler changes it between decisions."""

    def __init__(self, lister: Lister):
        self._lister = lister
        self._by_name: dict[str, NodeInfo] = {}
        self._nodes: list[NodeInfo] = []  # those that exist, in a stable order
        self._placed: dict[str, str] = {}  # pod UID to node name
        self._assumed: set[str] = set()
        self._with_affinity: set[str] = set()  # pod UIDs

    # Snapshot

    @property
    def nodes(self) -> Sequence[NodeInfo]:
        return self._nodes

    @property
    def has_affinity(self) -> bool:
        return bool(self._with_affinity)

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        found = self._lister.namespace(namespace)
        return found.metadata.labels if found is not None else {}

    def services_of(self, pod: Pod) -> Sequence[Service]:
        labels = pod.metadata.labels
        return [
            service
            for service in self._lister.services(pod.metadata.namespace)
            if service.spec.selector and service.spec.selector.items() <= labels.items()
        ]

    # Changes

    def set_node(self, node: Node) -> None:
        """Add a node or take its new state. Its pods may have been told before it."""
        info = self._by_name.get(node.metadata.name)
        if info is None:
            info = self._by_name[node.metadata.name] = NodeInfo(node)
        else:
            info.set_node(node)
        if info not in self._nodes:
            self._nodes.append(info)

    def remove_node(self, name: str) -> None:
        """Choose this node no more; its pods stay known until they are told gone."""
        info = self._by_name.get(name)
        if info is None:
            return
        self._nodes.remove(info)
        if not info.pods:
            del self._by_name[name]

    def set_pod(self, pod: Pod) -> None:
        """Count a pod on the node it names: new, changed, or the confirmation of an assumed one."""
        self._put(PodInfo(pod), pod.spec.node_name)
        self._assumed.discard(pod.metadata.uid)

    def remove_pod(self, uid: str) -> None:
        """Count a pod no more: deleted, or finished."""
        self._take(uid)

    def assume(self, pod: PodInfo, node: str) -> None:
        """Count a pod on `node` before the API server knows."""
        self._put(pod, node)
        self._assumed.add(pod.uid)

    def forget(self, uid: str) -> None:
        """Count an assumed pod no more: it could not be bound. One confirmed meanwhile stays."""
        if uid in self._assumed:
            self._take(uid)

    def is_placed(self, uid: str) -> bool:
        return uid in self._placed

    def sizes(self) -> Mapping[str, int]:
        """Return how much is cached, as scheduler_scheduler_cache_size shows it."""
        return {"nodes": len(self._nodes), "pods": len(self._placed), "assumed_pods": len(self._assumed)}

    def _put(self, pod: PodInfo, node: str) -> None:
        self._take(pod.uid)
        if node not in self._by_name:
            self._by_name[node] = NodeInfo(_unknown(node))
        self._by_name[node].add(pod)
        self._placed[pod.uid] = node
        if pod.affinity:
            self._with_affinity.add(pod.uid)

    def _take(self, uid: str) -> None:
        name = self._placed.pop(uid, None)
        if name is None:
            return
        self._assumed.discard(uid)
        self._with_affinity.discard(uid)
        info = self._by_name[name]
        info.remove(uid)
        if not info.pods and info not in self._nodes:
            del self._by_name[name]


def _unknown(name: str) -> Node:
    return Node(metadata=ObjectMeta(name=name))
