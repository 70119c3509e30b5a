"""Kernel settings below /proc/sys, by their dotted names: sysctl(8)."""

from __future__ import annotations

from pathlib import Path

PROC_SYS = Path("/proc/sys")


def read(name: str, root: Path = PROC_SYS) -> str | None:
    """Return a setting's value, or None where this kernel does not have it."""
    try:
        return _path(name, root).read_text().strip()
    except FileNotFoundError:
        return None


def write(name: str, value: str, root: Path = PROC_SYS) -> bool:
    """Make a setting be `value`; return whether it had to change. Raises OSError."""
    if read(name, root) == value:
        return False
    _path(name, root).write_text(value)
    return True


def _path(name: str, root: Path) -> Path:
    # An interface may have a dot in its name (flannel.1): sysctl(8) writes that dot as a slash.
    return root / name.replace("/", "\0").replace(".", "/").replace("\0", ".")
