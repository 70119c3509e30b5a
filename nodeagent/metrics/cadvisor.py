"""/metrics/cadvisor: usage under cAdvisor's names, which dashboards and alert rules are written for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeagent.metrics.usage import ContainerUsage, Usage

LABELS = ["container", "id", "image", "name", "namespace", "pod"]
_NETWORK_LABELS = [*LABELS[:2], "image", "interface", "name", "namespace", "pod"]

# Family, its help, how a container fills it in.
_CONTAINER: tuple[tuple[str, str, Callable[[ContainerUsage], float]], ...] = (
    ("container_memory_working_set_bytes", "Current working set in bytes.", lambda c: c.working_set),
    ("container_memory_usage_bytes", "Current memory usage in bytes.", lambda c: c.memory),
    ("container_memory_rss", "Size of RSS in bytes.", lambda c: c.rss),
    ("container_memory_cache", "Bytes of page cache memory.", lambda c: max(0, c.memory - c.rss)),
    ("container_memory_swap", "Swap usage in bytes.", lambda c: 0),
    ("container_fs_usage_bytes", "Bytes consumed on this filesystem.", lambda c: c.disk),
    ("container_fs_inodes_total", "Inodes used on this filesystem.", lambda c: c.inodes),
    ("container_start_time_seconds", "Start time since the epoch in seconds.", lambda c: c.started_at),
)


def families(usage: Usage) -> Iterator[Metric]:
    """Yield every family: a row per container, a row per pod with container="", a row for the machine with id="/"."""
    yield from _cpu(usage)
    for name, text, value in _CONTAINER:
        family = GaugeMetricFamily(name, text, labels=LABELS)
        for one in usage.containers:
            family.add_metric(_labels(one), value(one))
        if name.startswith("container_memory"):
            for (namespace, pod, uid), members in usage.by_pod().items():
                family.add_metric(["", f"/kubepods/pod{uid}", "", "", namespace, pod], sum(map(value, members)))
        yield family
    yield from _memory_failures(usage)
    yield from _network(usage)
    yield from _machine(usage)


def _labels(one: ContainerUsage) -> list[str]:
    return [one.name, f"/kubepods/pod{one.pod_uid}/{one.id}", one.image, one.id, one.namespace, one.pod]


def _cpu(usage: Usage) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "container_cpu_usage_seconds", "Cumulative cpu time consumed in seconds.", labels=[*LABELS, "cpu"]
    )
    for one in usage.containers:
        family.add_metric([*_labels(one), "total"], one.cpu_seconds)
    for (namespace, pod, uid), members in usage.by_pod().items():
        family.add_metric(
            ["", f"/kubepods/pod{uid}", "", "", namespace, pod, "total"], sum(one.cpu_seconds for one in members)
        )
    family.add_metric(["", "/", "", "", "", "", "total"], usage.machine.cpu_seconds)
    yield family


def _memory_failures(usage: Usage) -> Iterator[Metric]:
    labels = [*LABELS, "failure_type", "scope"]
    family = CounterMetricFamily(
        "container_memory_failures", "Cumulative count of memory allocation failures.", labels=labels
    )
    for one in usage.containers:
        family.add_metric([*_labels(one), "pgfault", "container"], one.page_faults)
        family.add_metric([*_labels(one), "pgmajfault", "container"], one.major_page_faults)
    yield family


def _network(usage: Usage) -> Iterable[Metric]:
    """The machine's own interfaces."""
    units = {"": "bytes", "_packets": "packets", "_dropped": "packets_dropped", "_errors": "errors"}
    for way, attribute in (("receive", "received"), ("transmit", "sent")):
        for suffix, unit in units.items():
            family = CounterMetricFamily(
                f"container_network_{way}_{unit}", f"Cumulative count of {unit} ({way}).", labels=_NETWORK_LABELS
            )
            for one in usage.machine.interfaces:
                family.add_metric(["", "/", "", one.name, "", "", ""], getattr(one, attribute + suffix))
            yield family


def _machine(usage: Usage) -> Iterator[Metric]:
    yield GaugeMetricFamily("machine_memory_bytes", "Amount of memory installed.", value=usage.machine.memory_total)
    scrape = GaugeMetricFamily("container_scrape_error", "1 if there was an error while getting container metrics.")
    scrape.add_metric([], 0)
    yield scrape
