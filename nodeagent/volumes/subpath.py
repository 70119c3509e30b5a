"""One file or directory of a volume, mounted by itself, whatever symbolic links a container has put on the way.

The path is resolved first and must end inside the volume; then it is opened again element by element, refusing links,
and what was opened is bind-mounted: a link swapped in between cannot lead outside. Each start of a container asks
again: a file of a config map is another file after an update, and a bind mount would show the old one for ever.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nodeagent.kernel import mounts
from nodeagent.volumes.errors import VolumeFailed


def make(volume: Path, sub_path: str, target: Path) -> Path:
    """Bind `sub_path` of `volume` to `target` and return `target`. Raises VolumeFailed, OSError."""
    descriptor = open_inside(volume, sub_path)
    try:
        if mounts.is_mount_point(target):
            if _same(descriptor, target):
                return target
            for stale in mounts.mounted_below(target):
                mounts.unmount(stale)  # a container that still runs keeps the mount it was given
        _make_mount_point(target, directory=stat.S_ISDIR(os.fstat(descriptor).st_mode))
        mounts.mount_bind(Path(f"/proc/self/fd/{descriptor}"), target)
    finally:
        os.close(descriptor)
    return target


def _same(descriptor: int, target: Path) -> bool:
    return os.path.samestat(os.fstat(descriptor), target.stat())


def _make_mount_point(target: Path, *, directory: bool) -> None:
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if directory:
        if target.is_file():
            target.unlink()  # it was a file when the container started last
        target.mkdir(exist_ok=True)
    else:
        if target.is_dir():
            target.rmdir()
        target.touch()


def open_inside(volume: Path, sub_path: str) -> int:
    """Return a descriptor (O_PATH) of `sub_path`, made as a directory if it is not there. Raises VolumeFailed."""
    root = Path(os.path.realpath(volume))
    wanted = root / sub_path
    if ".." in Path(sub_path).parts or Path(sub_path).is_absolute():
        raise VolumeFailed(f"subPath {sub_path!r} must be relative and must not contain '..'")
    resolved = Path(os.path.realpath(wanted))
    if not resolved.is_relative_to(root):
        raise VolumeFailed(f"subPath {sub_path!r} leads outside of the volume")
    return _walk(root, resolved.relative_to(root))


def _walk(root: Path, relative: Path) -> int:
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = stat.S_IMODE(root.stat().st_mode)
    current = os.open(root, os.O_PATH | os.O_CLOEXEC)
    for part in relative.parts:
        try:
            following = _open_or_make(current, part, flags, mode)
        finally:
            os.close(current)
        current = following
        if stat.S_ISLNK(os.fstat(current).st_mode):
            os.close(current)
            raise VolumeFailed(f"subPath {relative} changed into a symbolic link while it was opened")
    return current


def _open_or_make(directory: int, name: str, flags: int, mode: int) -> int:
    try:
        return os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        pass
    os.mkdir(name, 0o700, dir_fd=directory)
    # Who may use the volume may use this too; with the set-group-ID bit the kernel has passed the group on. mkdir(2)
    # heeds the agent's umask, so the mode is set by itself: on a descriptor, for the name may be another's by now.
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fchmod(made, mode & (0o777 | stat.S_ISGID))
    finally:
        os.close(made)
    return os.open(name, flags, dir_fd=directory)
