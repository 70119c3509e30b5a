"""/metrics/cadvisor: usage under cAdvisor's names, which dashboards and alert rules are written for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeagent.metrics.usage import ContainerUsage, Usage

LABELS = ["container", "id", "image", "name", "namespace", "pod"]
_NETWORK_LABELS = [*LABELS[:2], "image", "interface", "name", "namespace", "pod"]

Value = Callable[[ContainerUsage], float | None]
"""How a container fills a family in; None for what is not measured, which is left out."""

_GAUGES: tuple[tuple[str, str, Value], ...] = (
    ("container_memory_working_set_bytes", "Current working set in bytes.", lambda c: c.working_set),
    ("container_memory_usage_bytes", "Current memory usage in bytes.", lambda c: c.memory),
    ("container_memory_rss", "Size of RSS in bytes.", lambda c: c.rss),
    ("container_memory_cache", "Bytes of page cache memory.", lambda c: c.counters.cache),
    ("container_memory_swap", "Swap usage in bytes.", lambda c: c.counters.swap),
    ("container_fs_usage_bytes", "Bytes consumed on this filesystem.", lambda c: c.disk),
    ("container_fs_inodes_total", "Inodes used on this filesystem.", lambda c: c.inodes),
    ("container_start_time_seconds", "Start time since the epoch in seconds.", lambda c: c.started_at),
)
_COUNTERS: tuple[tuple[str, str, Value], ...] = (
    ("container_cpu_cfs_periods", "Number of elapsed enforcement period intervals.", lambda c: c.counters.periods),
    (
        "container_cpu_cfs_throttled_periods",
        "Number of throttled period intervals.",
        lambda c: c.counters.throttled_periods,
    ),
    (
        "container_cpu_cfs_throttled_seconds",
        "Total time duration the container has been throttled.",
        lambda c: c.counters.throttled_seconds,
    ),
    ("container_fs_reads", "Cumulative count of reads completed.", lambda c: c.counters.reads),
    ("container_fs_writes", "Cumulative count of writes completed.", lambda c: c.counters.writes),
    ("container_fs_reads_bytes", "Cumulative count of bytes read.", lambda c: c.counters.read_bytes),
    ("container_fs_writes_bytes", "Cumulative count of bytes written.", lambda c: c.counters.written_bytes),
)


def families(usage: Usage) -> Iterator[Metric]:
    """Yield every family: a row per container, a row per pod with container="", a row for the machine with id="/"."""
    yield from _cpu(usage)
    for name, text, value in _GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=LABELS)
        _fill(gauge, usage, value, pods=name.startswith("container_memory"))
        yield gauge
    for name, text, value in _COUNTERS:
        counter = CounterMetricFamily(name, text, labels=LABELS)
        _fill(counter, usage, value, pods=False)
        yield counter
    yield from _memory_failures(usage)
    yield from _network(usage)
    yield from _machine(usage)


def _fill(family: GaugeMetricFamily | CounterMetricFamily, usage: Usage, value: Value, *, pods: bool) -> None:
    """Add a row for each container, and with `pods` one for each pod, as far as there are values."""
    for one in usage.containers:
        measured = value(one)
        if measured is not None:
            family.add_metric(_labels(one), measured)
    for key, members in usage.by_pod().items() if pods else ():
        parts = [part for part in map(value, members) if part is not None]
        if parts:
            family.add_metric(_pod_labels(usage, key), sum(parts))


def _labels(one: ContainerUsage) -> list[str]:
    return [one.name, one.cgroup, one.image, one.id, one.namespace, one.pod]


def _pod_labels(usage: Usage, key: tuple[str, str, str]) -> list[str]:
    namespace, pod, uid = key
    return ["", _cgroup(usage, uid), "", "", namespace, pod]


def _cgroup(usage: Usage, uid: str) -> str:
    place = usage.places.get(uid)
    return place.cgroup if place else ""


def _cpu(usage: Usage) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "container_cpu_usage_seconds", "Cumulative cpu time consumed in seconds.", labels=[*LABELS, "cpu"]
    )
    for one in usage.containers:
        family.add_metric([*_labels(one), "total"], one.cpu_seconds)
    for key, members in usage.by_pod().items():
        family.add_metric([*_pod_labels(usage, key), "total"], sum(one.cpu_seconds for one in members))
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
    """The machine's interfaces, and those of pods that have a network of their own."""
    units = {"": "bytes", "_packets": "packets", "_dropped": "packets_dropped", "_errors": "errors"}
    for way, attribute in (("receive", "received"), ("transmit", "sent")):
        for suffix, unit in units.items():
            family = CounterMetricFamily(
                f"container_network_{way}_{unit}", f"Cumulative count of {unit} ({way}).", labels=_NETWORK_LABELS
            )
            for one in usage.machine.interfaces:
                family.add_metric(["", "/", "", one.name, "", "", ""], getattr(one, attribute + suffix))
            for namespace, pod, uid in usage.by_pod():
                for one in usage.networks.get(uid, ()):
                    labels = ["", _cgroup(usage, uid), "", one.name, "", namespace, pod]
                    family.add_metric(labels, getattr(one, attribute + suffix))
            yield family


def _machine(usage: Usage) -> Iterator[Metric]:
    yield GaugeMetricFamily("machine_memory_bytes", "Amount of memory installed.", value=usage.machine.memory_total)
    scrape = GaugeMetricFamily("container_scrape_error", "1 if there was an error while getting container metrics.")
    scrape.add_metric([], 0)
    yield scrape
