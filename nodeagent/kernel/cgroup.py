"""Control groups, version 1 (a tree for each controller) and version 2 (one tree)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def is_v2(root: Path = ROOT) -> bool:
    return (root / "cgroup.controllers").exists()


def trees(root: Path = ROOT) -> list[Path]:
    """Return the top of every tree: the root itself, or one directory a controller."""
    if is_v2(root):
        return [root]
    return [entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink()] if root.is_dir() else []


def remove(path: str, root: Path = ROOT) -> None:
    """Remove a group and the groups below it from every tree; one that still has processes stays."""
    for tree in trees(root):
        top = tree / path.lstrip("/")
        if not top.is_dir():
            continue
        below = sorted((entry for entry in top.rglob("*") if entry.is_dir()), key=lambda entry: -len(entry.parts))
        for directory in [*below, top]:
            with contextlib.suppress(OSError):  # EBUSY: not empty yet; the next clean-up comes by
                directory.rmdir()


def children(path: str, root: Path = ROOT) -> set[str]:
    """Return the names of the groups right below `path` in any tree."""
    found: set[str] = set()
    for tree in trees(root):
        top = tree / path.lstrip("/")
        if top.is_dir():
            found |= {entry.name for entry in top.iterdir() if entry.is_dir()}
    return found


@dataclass(frozen=True, slots=True)
class Limits:
    """What a group may use; None: as much as there is."""

    memory: int  # bytes
    milli_cpu: int  # a share beside others, not a ceiling: thousandths of a core
    pids: int | None = None


def limit(path: str, limits: Limits, root: Path = ROOT) -> None:
    """Make a group, unless it is there, and limit it. Raises OSError, say because it already uses more."""
    shares = max(2, limits.milli_cpu * 1024 // 1000)
    pids = "max" if limits.pids is None else str(limits.pids)
    relative = path.lstrip("/")
    if is_v2(root):
        # Only what the root hands down can be limited below it.
        (root / "cgroup.subtree_control").write_text("+cpu +memory +pids")
        weight = 1 + (shares - 2) * 9999 // 262142  # the kernel's 1 to 10,000 for version 1's 2 to 262,144
        wanted = {"memory.max": str(limits.memory), "cpu.weight": str(weight), "pids.max": pids}
        files = {root / relative / name: text for name, text in wanted.items()}
    else:
        files = {
            root / "memory" / relative / "memory.limit_in_bytes": str(limits.memory),
            root / "cpu" / relative / "cpu.shares": str(shares),
            root / "pids" / relative / "pids.max": pids,
        }
    for file, text in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def processes(path: str, root: Path = ROOT) -> list[str]:
    """Return the ids of the processes right in a group."""
    tree = root if is_v2(root) else root / "memory"
    return _read(tree / path.lstrip("/") / "cgroup.procs").split()


def tasks(path: str, root: Path = ROOT) -> int:
    """Return how many processes and threads there are in a group and the groups below it."""
    tree = root if is_v2(root) else root / "pids"
    return int(_read(tree / path.lstrip("/") / "pids.current").strip() or 0)


def pairs(path: Path) -> dict[str, int]:
    """A file of lines such as `nr_periods 17`."""
    words = (line.split() for line in _read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}


def _read(path: Path) -> str:
    """A file that is not in every kernel, or gone with its group."""
    try:
        return path.read_text()
    except OSError:
        return ""
