"""A directory that lives as long as its pod."""

from __future__ import annotations

import os
from pathlib import Path

from controlplane.api import quantity
from controlplane.api.core_v1 import EmptyDirVolumeSource
from nodeagent.kernel import mounts
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job

_MODE = 0o777


def set_up(job: Job) -> Path:
    """Make the volume. Raises VolumeFailed, OSError."""
    make(job.path, job.source, job.group)
    return job.path


def make(directory: Path, source: EmptyDirVolumeSource, group: int | None) -> None:
    """Make the directory, in memory if asked for; one that is there already is left as it is. Raises OSError."""
    existed = directory.is_dir()
    directory.mkdir(parents=True, exist_ok=True)
    match source.medium:
        case "":
            pass
        case "Memory":
            make_memory(directory, quantity.value(source.size_limit) if source.size_limit else 0)
        case medium:
            raise VolumeFailed(f'unknown storage medium "{medium}"')
    if not existed:
        open_to(directory, group, source.mode if source.mode is not None else _MODE)


def make_memory(directory: Path, size: int = 0) -> None:
    """Mount memory at `directory` unless that is done."""
    directory.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(directory):
        mounts.mount_tmpfs(directory, size=size)


def open_to(directory: Path, group: int | None, mode: int) -> None:
    """Let everybody in, and files made inside belong to the pod's fsGroup."""
    if group is not None:
        os.chown(directory, -1, group)
        mode |= 0o2070
    directory.chmod(mode)
