"""/metrics/cadvisor: usage under cAdvisor's names, which dashboards and alert rules are written for.

container="nginx" pod="web"     a container
container=""      pod="web"     a pod, its sandbox included
id="/"                          the machine
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeagent.kernel.disk_usage import FileSystem
from nodeagent.kernel.group_usage import DeviceUse, GroupUsage
from nodeagent.metrics.usage import Identity, Usage

LABELS = ["container", "id", "image", "name", "namespace", "pod"]
_NETWORK_LABELS = [*LABELS[:2], "image", "interface", "name", "namespace", "pod"]
_MACHINE_LABELS = ["boot_id", "machine_id", "system_uuid"]


@dataclass(frozen=True, slots=True)
class Row:
    """One group that has figures: a container, a pod or the machine."""

    labels: Sequence[str]
    group: GroupUsage
    cpu_seconds: float | None
    memory: int | None
    working_set: int | None
    rss: int | None
    started_at: float
    read_at: float
    disk: int | None = None  # bytes; None: it has no file system of its own
    system: FileSystem | None = None


Value = Callable[[Row], float | None]
"""How a row fills a family in; None for what is not measured, which is left out."""

_GAUGES: tuple[tuple[str, str, Value], ...] = (
    ("container_last_seen", "Last time a container was seen by the exporter.", lambda r: int(r.read_at)),
    ("container_start_time_seconds", "Start time since the epoch in seconds.", lambda r: r.started_at),
    ("container_memory_working_set_bytes", "Current working set in bytes.", lambda r: r.working_set),
    ("container_memory_usage_bytes", "Current memory usage in bytes.", lambda r: r.memory),
    ("container_memory_rss", "Size of RSS in bytes.", lambda r: r.rss),
    ("container_memory_cache", "Bytes of page cache memory.", lambda r: r.group.cache),
    ("container_memory_swap", "Swap usage in bytes.", lambda r: r.group.swap),
    ("container_memory_mapped_file", "Size of memory mapped files in bytes.", lambda r: r.group.mapped),
    ("container_memory_max_usage_bytes", "Maximum memory usage recorded in bytes.", lambda r: r.group.most_memory),
    # A counter, but upstream's name has no _total, which every counter of this library gets.
    ("container_memory_failcnt", "Number of memory usage hits limits.", lambda r: r.group.limit_hits),
    ("container_processes", "Number of processes running inside the container.", lambda r: r.group.processes),
    ("container_threads", "Number of threads running inside the container.", lambda r: r.group.threads),
    ("container_threads_max", "Maximum number of threads allowed.", lambda r: r.group.most_threads),
    ("container_spec_cpu_period", "CPU period of the container.", lambda r: r.group.spec.cpu_period or None),
    ("container_spec_cpu_quota", "CPU quota of the container.", lambda r: r.group.spec.cpu_quota or None),
    ("container_spec_cpu_shares", "CPU share of the container.", lambda r: r.group.spec.cpu_shares or None),
    (
        "container_spec_memory_limit_bytes",
        "Memory limit for the container.",
        lambda r: _limit(r, r.group.spec.memory_limit),
    ),
    (
        "container_spec_memory_reservation_limit_bytes",
        "Memory reservation limit for the container.",
        lambda r: _limit(r, r.group.spec.memory_reservation),
    ),
    (
        "container_spec_memory_swap_limit_bytes",
        "Memory swap limit for the container.",
        lambda r: _limit(r, r.group.spec.swap_limit),
    ),
)
_COUNTERS: tuple[tuple[str, str, Value], ...] = (
    ("container_cpu_user_seconds", "Cumulative user cpu time consumed in seconds.", lambda r: r.group.user_seconds),
    (
        "container_cpu_system_seconds",
        "Cumulative system cpu time consumed in seconds.",
        lambda r: r.group.system_seconds,
    ),
    (
        "container_cpu_cfs_periods",
        "Number of elapsed enforcement period intervals.",
        lambda r: _of_quota(r, r.group.periods),
    ),
    (
        "container_cpu_cfs_throttled_periods",
        "Number of throttled period intervals.",
        lambda r: _of_quota(r, r.group.throttled_periods),
    ),
    (
        "container_cpu_cfs_throttled_seconds",
        "Total time duration the container has been throttled.",
        lambda r: _of_quota(r, r.group.throttled_seconds),
    ),
    ("container_oom_events", "Count of out of memory events observed.", lambda r: r.group.oom_kills),
)
_DISK_GAUGES: tuple[tuple[str, str, Callable[[Row, FileSystem], float]], ...] = (
    ("container_fs_usage_bytes", "Bytes consumed on this filesystem.", lambda r, f: _used(r, f)),
    ("container_fs_limit_bytes", "Bytes that can be consumed on this filesystem.", lambda _, f: f.capacity),
    ("container_fs_inodes_total", "Number of inodes.", lambda _, f: f.inodes),
    ("container_fs_inodes_free", "Number of available inodes.", lambda _, f: f.inodes_free),
)  # fmt: skip
_DEVICE_COUNTERS: tuple[tuple[str, str, Callable[[DeviceUse], int]], ...] = (
    ("container_fs_reads", "Cumulative count of reads completed.", lambda d: d.reads),
    ("container_fs_writes", "Cumulative count of writes completed.", lambda d: d.writes),
    ("container_fs_reads_bytes", "Cumulative count of bytes read.", lambda d: d.read_bytes),
    ("container_fs_writes_bytes", "Cumulative count of bytes written.", lambda d: d.written_bytes),
)


def _used(row: Row, system: FileSystem) -> int:
    return system.used if row.disk is None else row.disk


def _of_quota(row: Row, value: float | None) -> float | None:
    """What is counted of a quota means nothing to a group without one, and cAdvisor does not show it."""
    return value if row.group.spec.cpu_quota else None


def _limit(row: Row, limit: int) -> int | None:
    """A limit, 0 for none; None of a group that could not be read, for one that could has shares."""
    return limit if row.group.spec.cpu_shares else None


def families(usage: Usage) -> Iterator[Metric]:
    """Yield every family: a row per container, per pod and for the machine, as far as there are values."""
    rows = [*_containers(usage), *_pods(usage), _of_machine(usage)]
    yield from _cpu(rows)
    for name, text, value in _GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=LABELS)
        _fill(gauge, rows, value)
        yield gauge
    for name, text, value in _COUNTERS:
        counter = CounterMetricFamily(name, text, labels=LABELS)
        _fill(counter, rows, value)
        yield counter
    yield from _disks(rows)
    yield from _memory_failures(rows)
    yield from _network(usage)
    yield from _machine(usage)


def _containers(usage: Usage) -> Iterator[Row]:
    for one in usage.containers:
        yield Row(
            [one.name, one.cgroup, one.image, one.id, one.namespace, one.pod],
            one.group, one.cpu_seconds, one.memory, one.working_set, one.rss, one.started_at,
            one.read_at or usage.read_at, one.disk, usage.images,
        )  # fmt: skip


def _pods(usage: Usage) -> Iterator[Row]:
    for (namespace, pod, uid), members in usage.by_pod().items():
        group = usage.pod(uid, members).group
        yield Row(
            ["", _cgroup(usage, uid), "", "", namespace, pod],
            group, group.cpu_seconds, group.memory, group.working_set, group.rss,
            min(one.started_at for one in members), usage.read_at,
        )  # fmt: skip


def _of_machine(usage: Usage) -> Row:
    machine = usage.machine
    disk = FileSystem(
        machine.disk_total, machine.disk_available, machine.inodes_total, machine.inodes_free, machine.disk_device
    )
    memory = machine.group.memory if machine.group.memory is not None else machine.memory_used
    return Row(
        ["", "/", "", "", "", ""],
        machine.group, machine.cpu_seconds, memory, machine.working_set, machine.group.rss, machine.booted_at,
        usage.read_at, None, disk,
    )  # fmt: skip


def _fill(family: GaugeMetricFamily | CounterMetricFamily, rows: Iterable[Row], value: Value) -> None:
    for row in rows:
        measured = value(row)
        if measured is not None:
            family.add_metric(row.labels, measured)


def _cgroup(usage: Usage, uid: str) -> str:
    place = usage.places.get(uid)
    return place.cgroup if place else ""


def _cpu(rows: Iterable[Row]) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "container_cpu_usage_seconds", "Cumulative cpu time consumed in seconds.", labels=[*LABELS, "cpu"]
    )
    for row in rows:
        if row.cpu_seconds is not None:
            family.add_metric([*row.labels, "total"], row.cpu_seconds)
    yield family


def _disks(rows: Sequence[Row]) -> Iterator[Metric]:
    """File systems and block devices: published dashboards select by the device's name."""
    for name, text, value in _DISK_GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=[*LABELS, "device"])
        for row in rows:
            if row.system is not None:
                gauge.add_metric([*row.labels, row.system.device], value(row, row.system))
        yield gauge
    for name, text, count in _DEVICE_COUNTERS:
        counter = CounterMetricFamily(name, text, labels=[*LABELS, "device"])
        for row in rows:
            for device in row.group.devices:
                counter.add_metric([*row.labels, device.device], count(device))
        yield counter


def _memory_failures(rows: Iterable[Row]) -> Iterator[Metric]:
    labels = [*LABELS, "failure_type", "scope"]
    family = CounterMetricFamily(
        "container_memory_failures", "Cumulative count of memory allocation failures.", labels=labels
    )
    for row in rows:
        for kind, value in (("pgfault", row.group.page_faults), ("pgmajfault", row.group.major_page_faults)):
            # A container's group has none below it: what it counts is both.
            for scope in ("container", "hierarchy") if row.labels[0] else ("hierarchy",):
                if value is not None:
                    family.add_metric([*row.labels, kind, scope], value)
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
    machine = usage.machine
    told = (
        ("machine_cpu_cores", "Number of logical CPU cores.", machine.cpus),
        ("machine_cpu_physical_cores", "Number of physical CPU cores.", machine.physical_cpus),
        ("machine_memory_bytes", "Amount of memory installed on the machine.", machine.memory_total),
        ("machine_swap_bytes", "Amount of swap memory available on the machine.", machine.swap_total),
    )
    for name, text, value in told:
        gauge = GaugeMetricFamily(name, text, labels=_MACHINE_LABELS)
        gauge.add_metric(_identity(usage.identity), value)
        yield gauge
    yield GaugeMetricFamily("machine_scrape_error", "1 if there was an error while getting machine metrics.", value=0)
    scrape = GaugeMetricFamily("container_scrape_error", "1 if there was an error while getting container metrics.")
    scrape.add_metric([], 0)
    yield scrape


def _identity(identity: Identity) -> list[str]:
    return [identity.boot_id, identity.machine_id, identity.system_uuid]
