"""One reading of what is used: by containers from the runtime, by them and pods from the kernel, by the machine."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import Images
from nodeagent.cri.records import POD_NAME, POD_NAMESPACE, POD_UID, Container, ContainerStats
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import cgroup, disk_usage, netdev
from nodeagent.kernel.disk_usage import FileSystem
from nodeagent.kernel.group_usage import GroupUsage, usage_of
from nodeagent.kernel.netdev import Interface
from nodeagent.metrics.rates import earlier_than, with_rates

_REMEMBERED = 1.0  # seconds for which one reading serves all who ask


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
    group: GroupUsage = field(default_factory=GroupUsage)
    read_at: float = 0.0  # seconds since the epoch at which the runtime counted; 0: when everything was read
    cores: float | None = None  # in use now; None: not known yet


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What the kernel counts for a pod as a whole, its sandbox included."""

    group: GroupUsage = field(default_factory=GroupUsage)
    cores: float | None = None


@dataclass(frozen=True, slots=True)
class PodPlace:
    """Where a pod's usage is to be read: its cgroup and files, and whether its network is its own or the node's."""

    cgroup: str
    own_network: bool
    logs: Path | None = None  # a directory below it for each container
    volumes: Mapping[str, Path] = field(default_factory=dict)  # those that take room on the node, by name


Places = Mapping[str, PodPlace]  # by pod UID


@dataclass(frozen=True, slots=True)
class Identity:
    """By which numbers a machine is known."""

    machine_id: str = ""
    system_uuid: str = ""
    boot_id: str = ""


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
    cpus: int = 0
    physical_cpus: int = 0
    swap_total: int = 0
    swap_used: int = 0
    group: GroupUsage = field(default_factory=GroupUsage)
    cores: float | None = None
    disk_device: str = ""

    @property
    def working_set(self) -> int:
        """What is not given back when somebody needs it: the root group's, where the kernel says that."""
        known = self.group.working_set
        return known if known is not None else self.memory_total - self.memory_available


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything of one moment; `read_at` in seconds since the epoch."""

    node: str
    read_at: float
    machine: MachineUsage
    containers: tuple[ContainerUsage, ...] = ()
    places: Places = field(default_factory=dict)
    networks: Mapping[str, tuple[Interface, ...]] = field(default_factory=dict)  # by pod UID
    pods: Mapping[str, PodUsage] = field(default_factory=dict)  # by pod UID
    images: FileSystem | None = None  # where the runtime keeps images and what containers write
    identity: Identity = field(default_factory=Identity)

    def by_pod(self) -> Mapping[tuple[str, str, str], tuple[ContainerUsage, ...]]:
        """The containers of each pod, by namespace, name and UID."""
        grouped: dict[tuple[str, str, str], tuple[ContainerUsage, ...]] = {}
        for one in self.containers:
            key = (one.namespace, one.pod, one.pod_uid)
            grouped[key] = (*grouped.get(key, ()), one)
        return grouped

    def pod(self, uid: str, members: tuple[ContainerUsage, ...]) -> PodUsage:
        """Return what a pod uses: as the kernel counts it, else the sum of its containers."""
        known = self.pods.get(uid, PodUsage())
        summed = GroupUsage(
            cpu_seconds=sum(one.cpu_seconds for one in members),
            memory=sum(one.memory for one in members),
            working_set=sum(one.working_set for one in members),
            rss=sum(one.rss for one in members),
            page_faults=sum(one.page_faults for one in members),
            major_page_faults=sum(one.major_page_faults for one in members),
        )
        group = known.group if known.group.cpu_seconds is not None else summed
        return PodUsage(group, known.cores)


@dataclass(slots=True)
class UsageReader:
    """Reads the usage; one reading serves all who ask within a second, and the one before it gives the rates."""

    node: str
    state: Path
    runtime: Runtime
    clock: Clock
    places: Callable[[], Places]
    container_cgroup: Callable[[str, str], str]  # from a pod's cgroup and a container's id
    images: Images | None = None
    identity: Identity = field(default_factory=Identity)
    _past: deque[tuple[float, Usage]] = field(default_factory=deque)
    _image_place: Path | None = field(default=None)

    async def read(self) -> Usage:
        """Raises RuntimeFailure."""
        now = self.clock.monotonic()
        if self._past and now - self._past[-1][0] < _REMEMBERED:
            return self._past[-1][1]
        stats = await self.runtime.container_stats()
        listed = {container.id: container for container in await self.runtime.list_containers()}
        known = [_container(one, listed[one.id]) for one in stats if one.id in listed and POD_UID in one.labels]
        usage = await asyncio.to_thread(self._read, known, self.places(), await self._place_of_images())
        usage = with_rates(earlier_than(now, self._past), usage)
        self._past.append((now, usage))
        return usage

    async def _place_of_images(self) -> Path | None:
        """Where the runtime keeps images; it does not move while it runs, and one that does not say is asked again."""
        if self._image_place is None and self.images is not None:
            try:
                self._image_place = Path((await self.images.file_system()).mountpoint)
            except RuntimeFailure:
                return None
        return self._image_place

    def _read(self, known: list[ContainerUsage], places: Places, images: Path | None) -> Usage:
        """Add what only the kernel says; many small files, so not in the event loop."""
        containers, networks = [], dict[str, tuple[Interface, ...]]()
        pods: dict[str, PodUsage] = {}
        for one in known:
            place = places.get(one.pod_uid)
            if place is not None:
                one = replace(one, cgroup=self.container_cgroup(place.cgroup, one.id))
                one = replace(one, group=usage_of(one.cgroup))
                if one.pod_uid not in pods:
                    pods[one.pod_uid] = PodUsage(usage_of(place.cgroup))
                if place.own_network and one.pod_uid not in networks:
                    # Any process of the pod sees the pod's interfaces.
                    inside = next(iter(cgroup.processes(one.cgroup)), "")
                    seen = netdev.interfaces(inside) if inside else ()
                    networks[one.pod_uid] = tuple(interface for interface in seen if interface.name != "lo")
            containers.append(one)
        return Usage(
            self.node,
            self.clock.now().timestamp(),
            read_machine(self.state),
            tuple(containers),
            places,
            networks,
            pods,
            disk_usage.file_system(images) if images is not None else None,
            self.identity,
        )


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
        read_at=stats.timestamp / 1e9,
    )


def read_machine(state: Path) -> MachineUsage:
    """Read the machine's own usage; `state` is on the file system that pods share."""
    cpu, memory, disk, inodes = psutil.cpu_times(), psutil.virtual_memory(), shutil.disk_usage(state), os.statvfs(state)
    idle, swap = cpu.idle + getattr(cpu, "iowait", 0.0), psutil.swap_memory()
    found = disk_usage.file_system(state)
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
        cpus=psutil.cpu_count() or 1,
        physical_cpus=psutil.cpu_count(logical=False) or 1,
        swap_total=swap.total,
        swap_used=swap.used,
        group=usage_of("/"),
        disk_device=found.device if found else "",
    )
