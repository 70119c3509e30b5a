"""Mounting and unmounting: mount(2), umount2(2), and the kernel's own list in /proc/self/mountinfo.

What needs a helper of its file system (NFS asks its server before it mounts) is left to mount(8).
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
_MS_REMOUNT, _MS_BIND, _MS_REC = 0x20, 0x1000, 0x4000
_MNT_DETACH = 0x2


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    path: str
    file_system: str
    source: str


def mount_tmpfs(path: Path, *, size: int = 0, mode: int = 0o755) -> None:
    """Mount memory at `path`, at most `size` bytes of it (0: the kernel's default of half the RAM). Raises OSError.

    It is never swapped out, where the kernel can promise that (since 6.4): what must not reach a disk is kept here.
    """
    options = f"mode={mode:o}" + (f",size={size}" if size else "")
    try:
        _mount_tmpfs(path, f"{options},noswap")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _mount_tmpfs(path, options)


def _mount_tmpfs(path: Path, options: str) -> None:
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _check(_libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, options.encode()), "mount tmpfs", path)


def mount_huge_pages(path: Path, page_size: int) -> None:
    """Mount memory in pages of `page_size` bytes at `path`. Raises OSError."""
    flags, options = _MS_NOSUID | _MS_NODEV, f"pagesize={page_size}".encode()
    _check(_libc.mount(b"nodev", os.fsencode(path), b"hugetlbfs", flags, options), "mount hugetlbfs", path)


def mount_bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Make `target` show what `source` is, with the mounts below it. Raises OSError."""
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None), "bind", target)
    if read_only:  # the kernel takes this only as a second step
        flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY
        _check(_libc.mount(None, os.fsencode(target), None, flags, None), "remount read-only", target)


def mount_command(type_: str, source: str, target: Path, options: Sequence[str]) -> list[str]:
    """Return mount(8)'s command line."""
    return ["mount", "-t", type_, *(["-o", ",".join(options)] if options else []), source, str(target)]


def run_mount(command: Sequence[str]) -> None:
    """Run mount(8). Raises OSError with what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise OSError(f"mount failed: exit status {done.returncode}\nOutput: {(done.stderr or done.stdout).strip()}")


def unmount(path: Path) -> None:
    """Unmount `path`; one that is still in use goes when its last user does. Raises OSError."""
    _check(_libc.umount2(os.fsencode(path), _MNT_DETACH), "unmount", path)


def mounted_below(prefix: Path) -> list[Path]:
    """The mount points at or below `prefix`, innermost first: the order to unmount them in."""
    root = str(_as_the_kernel_names(prefix)).rstrip("/") + "/"
    found = [mount.path for mount in mounts() if (mount.path + "/").startswith(root)]
    return [Path(path) for path in sorted(found, key=len, reverse=True)]


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted there; os.path.ismount() does not notice a bind within one file system."""
    return str(_as_the_kernel_names(path)) in {mount.path for mount in mounts()}


def _as_the_kernel_names(path: Path) -> Path:
    """mountinfo knows no symbolic links: not everybody's /var/lib/kubelet is a directory. The last element is kept,
    for to look at it is to ask the file system that may be mounted there, and its server may not answer."""
    return Path(os.path.realpath(path.parent)) / path.name


def mounts() -> list[Mount]:
    return list(parse_mountinfo(Path("/proc/self/mountinfo").read_text()))


def parse_mountinfo(text: str) -> Iterator[Mount]:
    """Yield the mounts of proc(5)'s mountinfo: optional fields end with a lone dash."""
    for line in text.splitlines():
        fields = line.split(" ")
        dash = fields.index("-", 6)
        yield Mount(_unescape(fields[4]), fields[dash + 1], _unescape(fields[dash + 2]))


def _unescape(text: str) -> str:
    # The kernel writes space, tab, newline and backslash in octal.
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _check(result: int, action: str, path: Path) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{action}: {os.strerror(number)}", str(path))
