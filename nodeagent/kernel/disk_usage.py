"""What directories take of their file systems, and what those have left. Sizes in bytes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = 512  # bytes: the unit of st_blocks, whatever the file system's own is


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A whole file system; no inodes where it makes them as it goes."""

    capacity: int
    available: int
    inodes: int
    inodes_free: int
    device: str = ""  # what is mounted there

    @property
    def used(self) -> int:
        return self.capacity - self.available

    @property
    def inodes_used(self) -> int:
        return self.inodes - self.inodes_free


@dataclass(frozen=True, slots=True)
class Taken:
    """One directory, and what is below it."""

    used: int
    inodes_used: int
    own: int = field(default=0, compare=False)  # of `used`, what the directory itself takes


def file_system(path: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> FileSystem | None:
    """Return the file system that holds `path`; None if that is not there."""
    try:
        found, device = os.statvfs(path), path.stat().st_dev
    except OSError:
        return None
    return FileSystem(
        found.f_blocks * found.f_frsize,
        found.f_bavail * found.f_frsize,
        found.f_files,
        found.f_ffree,
        mounted_device(f"{os.major(device)}:{os.minor(device)}", mountinfo),
    )


def mounted_device(number: str, mountinfo: Path) -> str:
    """Return the source of the mounts with a device number, as proc(5)'s mountinfo has it; "" if there is none."""
    try:
        lines = mountinfo.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        left, _, right = line.partition(" - ")
        if left.split()[2:3] == [number]:
            return [*right.split(), "", ""][1]
    return ""


def taken_below(directory: Path) -> Taken | None:
    """Return what a directory takes; file systems mounted below it do not count, and a file with two names does once.

    None if it is not there. What goes away meanwhile is left out.
    """
    try:
        top = directory.lstat()
    except OSError:
        return None
    used, seen, pending = top.st_blocks * _BLOCK, {top.st_ino}, [directory]
    while pending:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    if found.st_dev != top.st_dev or found.st_ino in seen:
                        continue
                    seen.add(found.st_ino)
                    used += found.st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
    return Taken(used, len(seen), top.st_blocks * _BLOCK)
