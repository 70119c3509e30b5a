"""One file or directory of a volume, mounted by itself, whatever symbolic links a container has put on the way.

The path is resolved first and must end inside the volume; then it is opened again element by element, refusing links,
and what was opened is bind-mounted: a link swapped in between cannot lead outside.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nodeagent.kernel import mounts
from nodeagent.volumes.errors import VolumeFailed


def make(volume: Path, sub_path: str, target: Path) -> Path:
    """Bind `sub_path` of `volume` to `target` and return `target`. Raises VolumeFailed, OSError."""
    if os.path.ismount(target):
        return target
    descriptor = open_inside(volume, sub_path)
    try:
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        mounts.mount_bind(Path(f"/proc/self/fd/{descriptor}"), target)
    finally:
        os.close(descriptor)
    return target


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
    current = os.open(root, os.O_PATH | os.O_CLOEXEC)
    for part in relative.parts:
        try:
            following = _open_or_make(current, part, flags)
        finally:
            os.close(current)
        current = following
        if stat.S_ISLNK(os.fstat(current).st_mode):
            os.close(current)
            raise VolumeFailed(f"subPath {relative} changed into a symbolic link while it was opened")
    return current


def _open_or_make(directory: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        os.mkdir(name, 0o750, dir_fd=directory)
        return os.open(name, flags, dir_fd=directory)
