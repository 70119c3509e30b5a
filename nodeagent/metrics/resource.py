"""/metrics/resource: the few figures that `kubectl top` and the autoscaler live on. Source: KEP-727; swap: KEP-2400."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeagent.metrics.usage import Usage

_CONTAINER = ["container", "namespace", "pod"]
_POD = ["namespace", "pod"]


def families(usage: Usage) -> Iterator[Metric]:
    yield from _node(usage)
    yield from _containers(usage)
    yield from _pods(usage)
    yield GaugeMetricFamily("resource_scrape_error", "1 if there was an error while getting the metrics.", value=0)


def _node(usage: Usage) -> Iterator[Metric]:
    cpu = CounterMetricFamily("node_cpu_usage_seconds", "Cumulative cpu time of the node.")
    cpu.add_metric([], usage.machine.cpu_seconds, timestamp=usage.read_at)
    memory = GaugeMetricFamily("node_memory_working_set_bytes", "Working set of the node.")
    memory.add_metric([], usage.machine.working_set, timestamp=usage.read_at)
    swap = GaugeMetricFamily("node_swap_usage_bytes", "Swap usage of the node.")
    swap.add_metric([], usage.machine.swap_used, timestamp=usage.read_at)
    yield from (cpu, memory, swap)


def _containers(usage: Usage) -> Iterator[Metric]:
    cpu = CounterMetricFamily("container_cpu_usage_seconds", "Cumulative cpu time of the container.", labels=_CONTAINER)
    memory = GaugeMetricFamily("container_memory_working_set_bytes", "Working set of the container.", labels=_CONTAINER)
    started = GaugeMetricFamily("container_start_time_seconds", "Start time of the container.", labels=_CONTAINER)
    swap = GaugeMetricFamily("container_swap_usage_bytes", "Swap usage of the container.", labels=_CONTAINER)
    for one in usage.containers:
        labels, at = [one.name, one.namespace, one.pod], one.read_at or usage.read_at
        cpu.add_metric(labels, one.cpu_seconds, timestamp=at)
        memory.add_metric(labels, one.working_set, timestamp=at)
        started.add_metric(labels, one.started_at)
        if one.group.swap is not None:
            swap.add_metric(labels, one.group.swap, timestamp=usage.read_at)
    yield from (cpu, memory, started, swap)


def _pods(usage: Usage) -> Iterator[Metric]:
    cpu = CounterMetricFamily("pod_cpu_usage_seconds", "Cumulative cpu time of the pod.", labels=_POD)
    memory = GaugeMetricFamily("pod_memory_working_set_bytes", "Working set of the pod.", labels=_POD)
    swap = GaugeMetricFamily("pod_swap_usage_bytes", "Swap usage of the pod.", labels=_POD)
    for (namespace, pod, uid), members in usage.by_pod().items():
        group = usage.pod(uid, members).group
        for family, value in ((cpu, group.cpu_seconds), (memory, group.working_set), (swap, group.swap)):
            if value is not None:
                family.add_metric([namespace, pod], value, timestamp=usage.read_at)
    yield from (cpu, memory, swap)
