"""Rates to NodeMetrics and PodMetrics: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from controlplane.api.core_v1 import Node, Pod
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.metrics_v1beta1 import ContainerMetrics, NodeMetrics, PodMetrics
from controlplane.apiserver.usage.rates import Rate
from controlplane.kit.durations import format_duration
from controlplane.kit.timestamps import format_time


def node_metrics(node: Node, rate: Rate, now: datetime) -> NodeMetrics:
    """Return what a node uses, under its own labels."""
    metadata = ObjectMeta(
        name=node.metadata.name, labels=dict(node.metadata.labels), creation_timestamp=format_time(now)
    )
    return NodeMetrics(
        metadata=metadata, timestamp=_time(rate.at), window=format_duration(rate.window), usage=rate.usage()
    )


def pod_metrics(pod: Pod, rates: Mapping[str, Rate], now: datetime) -> PodMetrics:
    """Return what a pod's containers use, under its own labels; time and window are the earliest container's."""
    earliest = min(rates.values(), key=lambda rate: rate.at)
    metadata = ObjectMeta(
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        labels=dict(pod.metadata.labels),
        creation_timestamp=format_time(now),
    )
    return PodMetrics(
        metadata=metadata,
        timestamp=_time(earliest.at),
        window=format_duration(earliest.window),
        containers=[ContainerMetrics(name=name, usage=rate.usage()) for name, rate in sorted(rates.items())],
    )


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
