"""kubectl get nodes.metrics.k8s.io, pods.metrics.k8s.io: the columns of metrics-server, which has these names."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.base import Quantity
from controlplane.api.metrics_v1beta1 import NodeMetrics, PodMetrics
from controlplane.api.quantity import add
from controlplane.apiserver.tables.printer import NAME, Cell, Column, Printer

_COLUMNS = (
    NAME,
    Column("cpu", format="quantity"),
    Column("memory", format="quantity"),
    Column("Window", format="duration"),
)


def _node(item: NodeMetrics, _: datetime) -> list[Cell]:
    usage = item.usage
    return [item.metadata.name, str(usage.get("cpu", "0")), str(usage.get("memory", "0")), item.window]


def _pod(item: PodMetrics, _: datetime) -> list[Cell]:
    return [item.metadata.name, _sum(item, "cpu"), _sum(item, "memory"), item.window]


def _sum(item: PodMetrics, resource: str) -> str:
    total: Quantity = "0"
    for container in item.containers:
        total = add(total, container.usage.get(resource, "0"))
    return str(total)


NODE_METRICS = Printer(_COLUMNS, _node)
POD_METRICS = Printer(_COLUMNS, _pod)
