"""What a decision looks at: every node with what runs on it, kept up to date change by change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from controlplane.api.core_v1 import Node, Pod, Service
from controlplane.api.host_ports import HostPort, host_ports
from controlplane.api.pod_requests import Resources, add, amounts, pod_requests, scored_requests, subtract
from controlplane.client.keys import key_of
from controlplane.client.lister import by_controller
from controlplane.scheduler.affinity_terms import AffinityTerms, terms_of


class PodInfo:
    """A pod, and what rules ask of it again and again, computed once."""

    __slots__ = ("affinity", "controller", "key", "pod", "ports", "requests", "scored", "uid")

    def __init__(self, pod: Pod):
        self.pod, self.key, self.uid = pod, key_of(pod), pod.metadata.uid
        self.requests: Resources = pod_requests(pod.spec)
        self.scored: Resources = scored_requests(pod.spec)
        self.ports: tuple[HostPort, ...] = tuple(host_ports(pod))
        self.controller: str = next(iter(by_controller(pod)), "")
        self.affinity: AffinityTerms = terms_of(pod)


class NodeInfo:
    """A node, what it offers and what is already promised to pods."""

    __slots__ = ("allocatable", "controllers", "images", "name", "node", "pods", "requested", "scored")

    def __init__(self, node: Node):
        self.pods: dict[str, PodInfo] = {}  # by UID
        self.requested: Resources = {}
        self.scored: Resources = {}
        self.controllers: Counter[str] = Counter()  # how many pods of each controller's UID
        self.set_node(node)

    def set_node(self, node: Node) -> None:
        self.node, self.name = node, node.metadata.name
        self.allocatable: Resources = amounts(node.status.allocatable)
        self.images = {name: image.size_bytes or 0 for image in node.status.images for name in image.names}

    @property
    def labels(self) -> Mapping[str, str]:
        return self.node.metadata.labels

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        add(self.requested, pod.requests)
        add(self.scored, pod.scored)
        self.controllers[pod.controller] += 1

    def remove(self, uid: str) -> PodInfo | None:
        pod = self.pods.pop(uid, None)
        if pod is not None:
            subtract(self.requested, pod.requests)
            subtract(self.scored, pod.scored)
            self.controllers[pod.controller] -= 1
            if not self.controllers[pod.controller]:
                del self.controllers[pod.controller]
        return pod


class Snapshot(Protocol):
    """The world as rules see it; nothing changes while a decision is made."""

    @property
    def nodes(self) -> Sequence[NodeInfo]: ...

    @property
    def has_affinity(self) -> bool:
        """Whether any pod there has (anti-)affinity terms at all: most clusters have none, most of the time."""

    def namespace_labels(self, namespace: str) -> Mapping[str, str]: ...

    def services_of(self, pod: Pod) -> Sequence[Service]:
        """Return the Services that select this pod."""
