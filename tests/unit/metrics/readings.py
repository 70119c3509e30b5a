"""Readings for tests: a node with one pod of two containers."""

from __future__ import annotations

from pathlib import Path

from nodeagent.kernel.disk_usage import FileSystem
from nodeagent.kernel.group_usage import DeviceUse, GroupUsage, Spec
from nodeagent.kernel.netdev import Interface
from nodeagent.metrics.usage import ContainerUsage, Identity, MachineUsage, PodPlace, PodUsage, Usage

ETH0 = Interface("eth0", 1, 2, 3, 4, 5, 6, 7, 8)
IMAGES = FileSystem(1000, 400, 50, 20, "/dev/sdb1")
LOGS, CACHE = Path("/var/log/pods/default_web_1"), Path("/volumes/cache")
MEASURED = GroupUsage(
    spec=Spec(512, 50000, 100000, 100, 0, 200),
    cpu_seconds=2.0, user_seconds=1.5, system_seconds=0.5,
    memory=40, working_set=30, rss=20, mapped=3, most_memory=60, limit_hits=2, page_faults=11, major_page_faults=1,
    swap=0, cache=64, oom_kills=1, processes=2, threads=6, most_threads=0,
    periods=7, throttled_periods=2, throttled_seconds=1.5, devices=(DeviceUse("/dev/sda", 3, 1, 300, 9),),
)  # fmt: skip
POD = GroupUsage(
    spec=Spec(2, memory_limit=300), cpu_seconds=5.0, memory=90, working_set=70, rss=45, page_faults=30,
    major_page_faults=2, swap=0, cache=140, threads=13,
)  # fmt: skip


def a_machine(group: GroupUsage | None = None, cpu: float = 100.0) -> MachineUsage:
    return MachineUsage(
        0.0, cpu, 1000, 400, 600, 10, 5, 10, 5,
        cpus=4, physical_cpus=2, swap_total=50, swap_used=8, group=group or GroupUsage(), disk_device="/dev/sda1",
    )  # fmt: skip


def a_container(name: str, group: GroupUsage, cpu: float = 2.0, read_at: float = 0.0) -> ContainerUsage:
    return ContainerUsage(
        "default", "web", "1", name, f"{name}-id", "nginx", 0.0, cpu, 30, 40, 20, 11, 1, 6, 2,
        f"/kubepods/pod1/{name}-id", group, read_at,
    )  # fmt: skip


def a_usage(
    group: GroupUsage = MEASURED,
    *,
    network: bool = True,
    pod: GroupUsage | None = POD,
    machine: GroupUsage | None = None,
    read_at: float = 1000.0,
    cpu: float = 2.0,
) -> Usage:
    return Usage(
        "n1",
        read_at,
        a_machine(machine, cpu * 50),
        (a_container("a", group, cpu), a_container("b", group, cpu)),
        {"1": PodPlace("/kubepods/pod1", network, LOGS, {"cache": CACHE})},
        {"1": (ETH0,)} if network else {},
        {"1": PodUsage(pod)} if pod is not None else {},
        IMAGES,
        Identity("machine", "uuid", "boot"),
    )
