"""Control groups, version 1 (a tree for each controller) and version 2 (one tree)."""

from __future__ import annotations

import contextlib
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
