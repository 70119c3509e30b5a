"""What a control group may use and what it has used, as cAdvisor tells it; of both versions of the tree.

None is what this kernel, or this version of the tree, does not say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nodeagent.kernel.cgroup import ROOT, is_v2, pairs

_TICKS = os.sysconf("SC_CLK_TCK")  # a second, in version 1's cpuacct.stat
_NO_LIMIT = 1 << 62  # bytes: version 1 writes "unlimited" as the largest multiple of a page
_SYS = Path("/sys")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a group may use; 0: no limit."""

    cpu_shares: int = 0
    cpu_quota: int = 0  # microseconds in each period
    cpu_period: int = 0  # microseconds
    memory_limit: int = 0  # bytes
    memory_reservation: int = 0  # bytes
    swap_limit: int = 0  # bytes, of memory and swap together, as cAdvisor has it


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What a group has read from and written to one block device."""

    device: str  # /dev/sda
    reads: int = 0
    writes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0


@dataclass(frozen=True, slots=True)
class GroupUsage:
    """One reading of a group: seconds of CPU, bytes."""

    spec: Spec = field(default_factory=Spec)
    cpu_seconds: float | None = None
    user_seconds: float | None = None
    system_seconds: float | None = None
    memory: int | None = None
    working_set: int | None = None
    rss: int | None = None
    mapped: int | None = None
    most_memory: int | None = None
    limit_hits: int | None = None
    page_faults: int | None = None
    major_page_faults: int | None = None
    swap: int | None = None
    cache: int | None = None
    oom_kills: int | None = None
    processes: int | None = None
    threads: int | None = None
    most_threads: int | None = None  # 0: no limit
    periods: int | None = None  # of the CPU quota
    throttled_periods: int | None = None
    throttled_seconds: float | None = None
    devices: tuple[DeviceUse, ...] = ()


def usage_of(path: str, root: Path = ROOT, sys: Path = _SYS) -> GroupUsage:
    """Read a group; one that is gone has used nothing that is known."""
    relative = path.lstrip("/")
    return _usage_v2(root / relative, sys) if is_v2(root) else _usage_v1(root, relative, sys)


def _usage_v1(root: Path, relative: str, sys: Path) -> GroupUsage:
    cpu, account, memory, pids = (root / tree / relative for tree in ("cpu", "cpuacct", "memory", "pids"))
    stat, times, throttling = pairs(memory / "memory.stat"), pairs(account / "cpuacct.stat"), pairs(cpu / "cpu.stat")
    nanoseconds, used = _number(account / "cpuacct.usage"), _number(memory / "memory.usage_in_bytes")
    return GroupUsage(
        spec=Spec(
            cpu_shares=_number(cpu / "cpu.shares") or 0,
            cpu_quota=max(0, _number(cpu / "cpu.cfs_quota_us") or 0),
            cpu_period=_number(cpu / "cpu.cfs_period_us") or 0,
            memory_limit=_limit(memory / "memory.limit_in_bytes"),
            memory_reservation=_limit(memory / "memory.soft_limit_in_bytes"),
            swap_limit=_limit(memory / "memory.memsw.limit_in_bytes"),
        ),
        cpu_seconds=_divided(nanoseconds, 1_000_000_000),
        user_seconds=_divided(times.get("user"), _TICKS),
        system_seconds=_divided(times.get("system"), _TICKS),
        memory=used,
        working_set=_working_set(used, stat.get("total_inactive_file")),
        rss=stat.get("total_rss"),
        mapped=stat.get("total_mapped_file"),
        most_memory=_number(memory / "memory.max_usage_in_bytes"),
        limit_hits=_number(memory / "memory.failcnt"),
        page_faults=stat.get("total_pgfault"),
        major_page_faults=stat.get("total_pgmajfault"),
        swap=stat.get("total_swap"),
        cache=stat.get("total_cache"),
        oom_kills=pairs(memory / "memory.oom_control").get("oom_kill"),
        processes=_lines(memory / "cgroup.procs"),
        threads=_number(pids / "pids.current"),
        most_threads=_number(pids / "pids.max"),
        periods=throttling.get("nr_periods"),
        throttled_periods=throttling.get("nr_throttled"),
        throttled_seconds=_divided(throttling.get("throttled_time"), 1_000_000_000),
        devices=_devices_v1(root / "blkio" / relative, sys),
    )


def _usage_v2(group: Path, sys: Path) -> GroupUsage:
    stat, times, events = (pairs(group / name) for name in ("memory.stat", "cpu.stat", "memory.events"))
    used = _number(group / "memory.current")
    quota, _, period = _text(group / "cpu.max").partition(" ")
    weight, memory_limit = _number(group / "cpu.weight"), _limit(group / "memory.max")
    swap_limit = _limit(group / "memory.swap.max")
    return GroupUsage(
        spec=Spec(
            # The inverse of how runtimes make a weight, 1 to 10,000, of version 1's shares, 2 to 262,144.
            cpu_shares=2 + (weight - 1) * 262142 // 9999 if weight else 0,
            cpu_quota=int(quota) if quota.isdigit() else 0,
            cpu_period=int(period) if period.isdigit() else 0,
            memory_limit=memory_limit,
            memory_reservation=_limit(group / "memory.low"),
            swap_limit=memory_limit + swap_limit if memory_limit and swap_limit else 0,
        ),
        cpu_seconds=_divided(times.get("usage_usec"), 1_000_000),
        user_seconds=_divided(times.get("user_usec"), 1_000_000),
        system_seconds=_divided(times.get("system_usec"), 1_000_000),
        memory=used,
        working_set=_working_set(used, stat.get("inactive_file")),
        rss=stat.get("anon"),
        mapped=stat.get("file_mapped"),
        most_memory=_number(group / "memory.peak"),
        limit_hits=events.get("max"),
        page_faults=stat.get("pgfault"),
        major_page_faults=stat.get("pgmajfault"),
        swap=_number(group / "memory.swap.current"),
        cache=stat.get("file"),
        oom_kills=events.get("oom_kill"),
        processes=_lines(group / "cgroup.procs"),
        threads=_number(group / "pids.current"),
        most_threads=_number(group / "pids.max"),
        periods=times.get("nr_periods"),
        throttled_periods=times.get("nr_throttled"),
        throttled_seconds=_divided(times.get("throttled_usec"), 1_000_000),
        devices=_devices_v2(group / "io.stat", sys),
    )


def _working_set(used: int | None, idle: int | None) -> int | None:
    """Memory without the file pages that nobody has touched lately, which the kernel gives back first."""
    return None if used is None else max(0, used - (idle or 0))


def _devices_v1(group: Path, sys: Path) -> tuple[DeviceUse, ...]:
    found: dict[str, dict[str, int]] = {}
    kinds = (
        ("blkio.throttle.io_serviced_recursive", {"Read": "reads", "Write": "writes"}),
        ("blkio.throttle.io_service_bytes_recursive", {"Read": "read_bytes", "Write": "written_bytes"}),
    )
    for file, names in kinds:
        for line in _text(group / file).splitlines():
            words = line.split()  # 8:0 Read 4096
            if len(words) == 3 and words[1] in names:
                found.setdefault(words[0], {})[names[words[1]]] = int(words[2])
    return _named(found, sys)


def _devices_v2(file: Path, sys: Path) -> tuple[DeviceUse, ...]:
    names = {"rios": "reads", "wios": "writes", "rbytes": "read_bytes", "wbytes": "written_bytes"}
    found: dict[str, dict[str, int]] = {}
    for line in _text(file).splitlines():
        number, *pairs = line.split()  # 8:0 rbytes=4096 wbytes=0 rios=1 wios=0
        for name, _, value in (pair.partition("=") for pair in pairs):
            if name in names and value.isdigit():
                found.setdefault(number, {})[names[name]] = int(value)
    return _named(found, sys)


def _named(found: Mapping[str, Mapping[str, int]], sys: Path) -> tuple[DeviceUse, ...]:
    return tuple(DeviceUse(device_name(number, sys), **counts) for number, counts in sorted(found.items()))


def device_name(number: str, sys: Path = _SYS) -> str:
    """Return the name of a block device by its numbers, 8:0; those themselves if it has gone."""
    names = [line for line in _text(sys / "dev/block" / number / "uevent").splitlines() if line.startswith("DEVNAME=")]
    return f"/dev/{names[0].partition('=')[2]}" if names else number


def _divided(number: int | None, by: int) -> float | None:
    return None if number is None else number / by


def _limit(path: Path) -> int:
    limit = _number(path) or 0
    return limit if limit < _NO_LIMIT else 0


def _lines(path: Path) -> int | None:
    return len(_text(path).splitlines()) if path.exists() else None


def _number(path: Path) -> int | None:
    """A file with one number; "max" is 0: no limit."""
    text = _text(path)
    if text == "max":
        return 0
    return int(text) if text.lstrip("-").isdigit() else None


def _text(path: Path) -> str:
    """A file that not every kernel has, or gone with its group."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
