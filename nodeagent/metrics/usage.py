"""One reading of what is used: by containers from the runtime, by the machine from psutil."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from controlplane.kit.clock import Clock
from nodeagent.cri.records import POD_NAME, POD_NAMESPACE, POD_UID, Container, ContainerStats
from nodeagent.cri.runtime import Runtime


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """A running container's usage: seconds of CPU since it started, bytes."""

    namespace: str
    pod: str
    pod_uid: str
    name: str
    id: str
    image: str
    started_at: float  # seconds since the epoch
    cpu_seconds: float
    working_set: int
    memory: int
    rss: int
    page_faults: int
    major_page_faults: int
    disk: int
    inodes: int


@dataclass(frozen=True, slots=True)
class InterfaceUsage:
    name: str
    received: int
    sent: int
    received_packets: int
    sent_packets: int
    received_dropped: int
    sent_dropped: int
    received_errors: int
    sent_errors: int


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """The whole machine's: the root of the cgroup tree, in cAdvisor's words."""

    booted_at: float
    cpu_seconds: float
    memory_total: int
    memory_available: int
    memory_used: int
    disk_total: int
    disk_available: int
    inodes_total: int
    inodes_free: int
    interfaces: tuple[InterfaceUsage, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything of one moment; `read_at` in seconds since the epoch."""

    node: str
    read_at: float
    machine: MachineUsage
    containers: tuple[ContainerUsage, ...] = ()

    def by_pod(self) -> Mapping[tuple[str, str, str], tuple[ContainerUsage, ...]]:
        """The containers of each pod, by namespace, name and UID."""
        grouped: dict[tuple[str, str, str], tuple[ContainerUsage, ...]] = {}
        for one in self.containers:
            key = (one.namespace, one.pod, one.pod_uid)
            grouped[key] = (*grouped.get(key, ()), one)
        return grouped


@dataclass(slots=True)
class UsageReader:
    """Reads the usage; one reading serves all who ask within a second."""

    node: str
    state: Path
    runtime: Runtime
    clock: Clock
    _last: tuple[float, Usage] | None = field(default=None)

    async def read(self) -> Usage:
        now = self.clock.monotonic()
        if self._last is not None and now - self._last[0] < 1.0:
            return self._last[1]
        stats = await self.runtime.container_stats()
        listed = {container.id: container for container in await self.runtime.list_containers()}
        containers = tuple(
            _container(one, listed[one.id]) for one in stats if one.id in listed and POD_UID in one.labels
        )
        usage = Usage(self.node, self.clock.now().timestamp(), read_machine(self.state), containers)
        self._last = (now, usage)
        return usage


def _container(stats: ContainerStats, listed: Container) -> ContainerUsage:
    return ContainerUsage(
        namespace=stats.labels.get(POD_NAMESPACE, ""),
        pod=stats.labels.get(POD_NAME, ""),
        pod_uid=stats.labels.get(POD_UID, ""),
        name=stats.name,
        id=stats.id,
        image=listed.image,
        started_at=(listed.started_at or listed.created_at) / 1e9,
        cpu_seconds=stats.cpu_nanoseconds / 1e9,
        working_set=stats.memory_working_set,
        memory=stats.memory_usage,
        rss=stats.memory_rss,
        page_faults=stats.page_faults,
        major_page_faults=stats.major_page_faults,
        disk=stats.writable_bytes,
        inodes=stats.writable_inodes,
    )


def read_machine(state: Path) -> MachineUsage:
    """Read the machine's own usage; `state` is on the file system that pods share."""
    cpu, memory, disk, inodes = psutil.cpu_times(), psutil.virtual_memory(), shutil.disk_usage(state), os.statvfs(state)
    idle = cpu.idle + getattr(cpu, "iowait", 0.0)
    counters = psutil.net_io_counters(pernic=True)
    return MachineUsage(
        booted_at=psutil.boot_time(),
        cpu_seconds=sum(cpu) - idle - getattr(cpu, "guest", 0.0) - getattr(cpu, "guest_nice", 0.0),
        memory_total=memory.total,
        memory_available=memory.available,
        memory_used=memory.used,
        disk_total=disk.total,
        disk_available=disk.free,
        inodes_total=inodes.f_files,
        inodes_free=inodes.f_favail,
        interfaces=tuple(
            InterfaceUsage(
                name=name,
                received=one.bytes_recv,
                sent=one.bytes_sent,
                received_packets=one.packets_recv,
                sent_packets=one.packets_sent,
                received_dropped=one.dropin,
                sent_dropped=one.dropout,
                received_errors=one.errin,
                sent_errors=one.errout,
            )
            for name, one in sorted(counters.items())
        ),
    )
