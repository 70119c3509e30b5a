"""One reading of what is used: by containers from the runtime and the kernel, by the machine from psutil."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from controlplane.kit.clock import Clock
from nodeagent.cri.records import POD_NAME, POD_NAMESPACE, POD_UID, Container, ContainerStats
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import cgroup, netdev
from nodeagent.kernel.cgroup import Counters
from nodeagent.kernel.netdev import Interface


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
    cgroup: str = ""
    counters: Counters = field(default_factory=Counters)


@dataclass(frozen=True, slots=True)
class PodPlace:
    """Where a pod's usage is to be read: its cgroup, and whether its network is its own rather than the node's."""

    cgroup: str
    own_network: bool


Places = Mapping[str, PodPlace]  # by pod UID


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
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything of one moment; `read_at` in seconds since the epoch."""

    node: str
    read_at: float
    machine: MachineUsage
    containers: tuple[ContainerUsage, ...] = ()
    places: Places = field(default_factory=dict)
    networks: Mapping[str, tuple[Interface, ...]] = field(default_factory=dict)  # by pod UID

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
    places: Callable[[], Places]
    container_cgroup: Callable[[str, str], str]  # from a pod's cgroup and a container's id
    _last: tuple[float, Usage] | None = field(default=None)

    async def read(self) -> Usage:
        now = self.clock.monotonic()
        if self._last is not None and now - self._last[0] < 1.0:
            return self._last[1]
        stats = await self.runtime.container_stats()
        listed = {container.id: container for container in await self.runtime.list_containers()}
        known = [_container(one, listed[one.id]) for one in stats if one.id in listed and POD_UID in one.labels]
        usage = await asyncio.to_thread(self._read, known, self.places())
        self._last = (now, usage)
        return usage

    def _read(self, known: list[ContainerUsage], places: Places) -> Usage:
        """Add what only the kernel says; many small files, so not in the event loop."""
        containers, networks = [], dict[str, tuple[Interface, ...]]()
        for one in known:
            place = places.get(one.pod_uid)
            if place is not None:
                one = replace(one, cgroup=self.container_cgroup(place.cgroup, one.id))
                one = replace(one, counters=cgroup.counters(one.cgroup))
                if place.own_network and one.pod_uid not in networks:
                    # Any process of the pod sees the pod's interfaces.
                    inside = next(iter(cgroup.processes(one.cgroup)), "")
                    seen = netdev.interfaces(inside) if inside else ()
                    networks[one.pod_uid] = tuple(interface for interface in seen if interface.name != "lo")
            containers.append(one)
        read_at = self.clock.now().timestamp()
        return Usage(self.node, read_at, read_machine(self.state), tuple(containers), places, networks)


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
        interfaces=netdev.interfaces(),
    )
