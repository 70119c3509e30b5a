"""One cgroup per machine and controller: it keeps machines' systemds apart, counts memory, finds processes.

cgroup v1 has a tree per controller, v2 has one for all. Only directories named lab-<machine> are ever touched.
"""

import os
import signal
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PREFIX = "lab-"


def unified() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def directories(name: str) -> list[Path]:
    """The cgroup directories of one machine that exist."""
    parents = [ROOT] if unified() else [path for path in ROOT.iterdir() if path.is_dir()]
    return [path for parent in parents if (path := parent / f"{PREFIX}{name}").is_dir()]


def processes(name: str) -> set[int]:
    """All processes in the machine's cgroups and below, as the host numbers them."""
    found: set[int] = set()
    for directory in directories(name):
        for procs in directory.rglob("cgroup.procs"):
            try:
                found.update(int(line) for line in procs.read_text().split())
            except OSError:
                continue  # the cgroup went away, or is a v2 cgroup with threads
    return found - {0}


def kill(name: str, *, seconds: float = 20) -> bool:
    """Kill whatever runs in the machine's cgroups; say whether nothing is left."""
    deadline = time.monotonic() + seconds
    while left := processes(name):
        if time.monotonic() > deadline:
            return False
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    return True


def remove(name: str, *, seconds: float = 5) -> list[Path]:
    """Remove the machine's cgroup directories, deepest first; return those that could not be."""
    deadline = time.monotonic() + seconds
    while left := directories(name):
        for directory in left:
            for path, _, _ in os.walk(directory, topdown=False):
                try:
                    Path(path).rmdir()
                except OSError:
                    continue  # a dead process is still being reaped: again below
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return directories(name)


def memory(name: str) -> int:
    """Bytes of memory the machine needs: what processes and page cache use, less cached pages that nobody uses."""
    for directory in directories(name):
        if (directory / "memory.current").exists():  # v2
            return int((directory / "memory.current").read_text()) - _field(directory, "inactive_file")
        if (directory / "memory.usage_in_bytes").exists():  # v1; total_ fields include the cgroups below
            return int((directory / "memory.usage_in_bytes").read_text()) - _field(directory, "total_inactive_file")
    return 0


def _field(directory: Path, name: str) -> int:
    for line in (directory / "memory.stat").read_text().splitlines():
        key, value = line.split()
        if key == name:
            return int(value)
    return 0
