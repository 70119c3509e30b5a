"""/metrics/resource: the few figures that `kubectl top` and the autoscaler live on. Source: KEP-727."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeagent.metrics.usage import Usage

_CONTAINER = ["container", "namespace", "pod"]
_POD = ["namespace", "pod"]


def families(usage: Usage) -> Iterator[Metric]:
    yield from _node(usage)
    cpu = CounterMetricFamily("container_cpu_usage_seconds", "Cumulative cpu time of the container.", labels=_CONTAINER)
    memory = GaugeMetricFamily("container_memory_working_set_bytes", "Working set of the container.", labels=_CONTAINER)
    started = GaugeMetricFamily("container_start_time_seconds", "Start time of the container.", labels=_CONTAINER)
    for one in usage.containers:
        labels = [one.name, one.namespace, one.pod]
        cpu.add_metric(labels, one.cpu_seconds, timestamp=usage.read_at)
        memory.add_metric(labels, one.working_set, timestamp=usage.read_at)
        started.add_metric(labels, one.started_at)
    yield from (cpu, memory, started)
    pod_cpu = CounterMetricFamily("pod_cpu_usage_seconds", "Cumulative cpu time of the pod.", labels=_POD)
    pod_memory = GaugeMetricFamily("pod_memory_working_set_bytes", "Working set of the pod.", labels=_POD)
    for (namespace, pod, _), members in usage.by_pod().items():
        pod_cpu.add_metric([namespace, pod], sum(one.cpu_seconds for one in members), timestamp=usage.read_at)
        pod_memory.add_metric([namespace, pod], sum(one.working_set for one in members), timestamp=usage.read_at)
    yield from (pod_cpu, pod_memory)
    yield GaugeMetricFamily("resource_scrape_error", "1 if there was an error while getting the metrics.", value=0)


def _node(usage: Usage) -> Iterator[Metric]:
    cpu = CounterMetricFamily("node_cpu_usage_seconds", "Cumulative cpu time of the node.")
    cpu.add_metric([], usage.machine.cpu_seconds, timestamp=usage.read_at)
    memory = GaugeMetricFamily("node_memory_working_set_bytes", "Working set of the node.")
    used = usage.machine.memory_total - usage.machine.memory_available
    memory.add_metric([], used, timestamp=usage.read_at)
    yield from (cpu, memory)
