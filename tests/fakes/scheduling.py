"""Nodes and pods in one line each, for the scheduler's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Namespace, Node, Pod, Service
from controlplane.scheduler.cache import Cache


def a_node(name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", **more: Any) -> Node:
    """A node; `labels`, `taints`, `unschedulable` and `images` may be given."""
    labels = {"kubernetes.io/hostname": name, **more.get("labels", {})}
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **more.get("devices", {})}
    document = {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": more.get("taints", []), "unschedulable": more.get("unschedulable", False)},
        "status": {"allocatable": allocatable, "images": more.get("images", [])},
    }
    return from_document(document, Node)


def a_pod(
    name: str = "p",
    *,
    cpu: str = "",
    memory: str = "",
    node: str = "",
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Pod:
    """A pod with one container; further fields of its spec by their wire names."""
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "c", "image": "busybox", "resources": {"requests": requests}}
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": dict(labels or {})}
    if owner := spec.pop("owner", ""):
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}]
    document = {
        "metadata": metadata,
        "spec": {"nodeName": node, "schedulerName": "default-scheduler", "containers": [container], **spec},
    }
    return from_document(document, Pod)


class NoNeighbours:
    """Namespaces with the label of their name, and the given Services."""

    def __init__(self, services: Sequence[Service] = ()):
        self._services = services

    def namespace(self, name: str) -> Namespace | None:
        labels = {"kubernetes.io/metadata.name": name}
        return msgspec.convert({"metadata": {"name": name, "labels": labels}}, Namespace)

    def services(self, namespace: str) -> Sequence[Service]:
        return self._services


def a_snapshot(nodes: Sequence[Node], pods: Sequence[Pod] = (), services: Sequence[Service] = ()) -> Cache:
    cache = Cache(NoNeighbours(services))
    for node in nodes:
        cache.set_node(node)
    for pod in pods:
        cache.set_pod(pod)
    return cache
