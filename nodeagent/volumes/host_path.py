"""A path of the node itself, checked against what the pod expects to find there."""

from __future__ import annotations

import stat
from pathlib import Path

from controlplane.api.core_v1 import HostPathVolumeSource
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job

_EXPECTED = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def set_up(job: Job) -> Path:
    """Return the path: there is nothing to mount. Raises VolumeFailed, OSError."""
    return make(job.source)


def make(source: HostPathVolumeSource) -> Path:
    """Return the path, made if the pod wants it made. Raises VolumeFailed."""
    path = Path(source.path)
    if source.type == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif source.type == "FileOrCreate":
        path.touch(mode=0o644, exist_ok=True)
    expected = source.type.removesuffix("OrCreate")
    if expected:
        _check(path, expected)
    return path


def _check(path: Path, expected: str) -> None:
    matches, words = _EXPECTED[expected]
    if not path.exists() or not matches(path.stat().st_mode):
        raise VolumeFailed(f"hostPath type check failed: {path} is not {words}")
