"""How much is left of what the whole machine shares: memory, file systems, process ids. Sizes in bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nodeagent.kernel import cgroup
from nodeagent.kernel.disk_usage import taken_below

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Left:
    """How much there is of something, and how much of it is left."""

    capacity: int
    available: int


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: bytes for whoever is not root, and inodes (none where it makes them as it goes)."""

    bytes: Left
    inodes: Left


def memory(proc: Path = _PROC, groups: Path = cgroup.ROOT) -> Left:
    """Return the memory that is not in anybody's working set.

    MemAvailable of /proc/meminfo would be something else: it leaves out dirty and mapped pages too.
    """
    known = meminfo(proc)
    total = known.get("MemTotal", 0)
    used = _working_set("", groups)
    if used is None:  # the real root of cgroup v2 does not say what it uses
        used = max(0, total - known.get("MemFree", 0) - _idle("", groups))
    return Left(total, max(0, total - used))


def group_memory(path: str, limit: int, groups: Path = cgroup.ROOT) -> Left:
    """Return what a group that may use `limit` bytes has left; one that is not there yet has used nothing."""
    return Left(limit, max(0, limit - (_working_set(path, groups) or 0)))


def _working_set(path: str, groups: Path) -> int | None:
    """What a group uses without the file pages that nobody has touched lately, as cAdvisor counts it."""
    name = "memory.current" if cgroup.is_v2(groups) else "memory.usage_in_bytes"
    usage = _number(_memory_tree(groups) / path.lstrip("/") / name)
    return None if usage is None else max(0, usage - _idle(path, groups))


def _idle(path: str, groups: Path) -> int:
    stat = cgroup.pairs(_memory_tree(groups) / path.lstrip("/") / "memory.stat")
    return stat.get("total_inactive_file", stat.get("inactive_file", 0))


def _memory_tree(groups: Path) -> Path:
    return groups if cgroup.is_v2(groups) else groups / "memory"


def disk(path: Path) -> Disk:
    """Return what is left of the file system that holds `path`. Raises OSError."""
    found = os.statvfs(path)
    size = Left(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
    return Disk(size, Left(found.f_files, found.f_ffree))


def pids(proc: Path = _PROC) -> Left:
    """Return how many process ids there may be, and how many are free; threads need one each."""
    limits = [_number(proc / "sys/kernel" / name) for name in ("pid_max", "threads-max")]
    most = min((limit for limit in limits if limit is not None), default=0)
    words = _text(proc / "loadavg").split()
    running = int(words[3].partition("/")[2]) if len(words) > 3 else 0
    return Left(most, max(0, most - running))


def meminfo(proc: Path = _PROC) -> dict[str, int]:
    """Return /proc/meminfo, in bytes; counts of pages stay counts."""
    found = {}
    for line in _text(proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words:
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def huge_pages(sys: Path = Path("/sys")) -> dict[int, int]:
    """Return, for each size of huge page in bytes, how many bytes of memory are set aside for them."""
    found = {}
    for entry in sorted((sys / "kernel/mm/hugepages").glob("hugepages-*kB")):
        size = int(entry.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
        found[size] = size * (_number(entry / "nr_hugepages") or 0)
    return found


@dataclass(frozen=True, slots=True)
class Used:
    """What files take of their file system."""

    bytes: int = 0
    inodes: int = 0

    def __add__(self, other: Used) -> Used:
        return Used(self.bytes + other.bytes, self.inodes + other.inodes)


def used_below(directory: Path) -> Used:
    """Return what is below a directory, as `taken_below` counts it, without itself; nothing if it is not there."""
    taken = taken_below(directory)
    return Used() if taken is None else Used(taken.used - taken.own, taken.inodes_used - 1)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    """A file that not every kernel has."""
    try:
        return path.read_text()
    except OSError:
        return ""
