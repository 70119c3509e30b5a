"""What a node's /metrics/resource says: Prometheus text to one reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prometheus_client.parser import text_string_to_metric_families

PodName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reading of a node or container, at a moment in seconds since the epoch."""

    at: float = 0.0
    cpu: float | None = None  # seconds used since its start
    memory: int | None = None  # bytes of the working set
    started_at: float = 0.0  # seconds since the epoch; 0: not told

    @property
    def whole(self) -> bool:
        return self.cpu is not None and self.memory is not None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one page says."""

    node: Point | None
    pods: Mapping[PodName, Mapping[str, Point]]


class Malformed(Exception):
    """A page that is no Prometheus text."""


_CPU = {"node_cpu_usage_seconds_total", "container_cpu_usage_seconds_total"}
_MEMORY = {"node_memory_working_set_bytes", "container_memory_working_set_bytes"}
_STARTED = {"container_start_time_seconds"}


def parse(text: str, scraped_at: float) -> Reading:
    """Return the reading of a page; figures without a time of their own are of `scraped_at`. Raises Malformed."""
    node, pods = Point(), dict[PodName, dict[str, Point]]()
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name not in _CPU | _MEMORY | _STARTED:
                    continue
                at = float(sample.timestamp) if sample.timestamp is not None else scraped_at
                if sample.name.startswith("node_"):
                    node = _with(node, sample.name, sample.value, at)
                    continue
                labels = sample.labels
                containers = pods.setdefault((labels.get("namespace", ""), labels.get("pod", "")), {})
                name = labels.get("container", "")
                containers[name] = _with(containers.get(name, Point()), sample.name, sample.value, at)
    except (ValueError, OverflowError) as error:
        raise Malformed(str(error)) from error
    return Reading(node if node.whole else None, pods)


def _with(point: Point, name: str, value: float, at: float) -> Point:
    if name in _STARTED:
        return replace(point, started_at=value)
    if name in _MEMORY:
        return replace(point, memory=int(value))
    return replace(point, cpu=value, at=at)
