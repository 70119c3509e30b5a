"""A directory of this node that a persistent volume stands for, bound into the pod's own place."""

from __future__ import annotations

import stat
from pathlib import Path

from controlplane.api.core_v1 import LocalVolumeSource
from nodeagent.kernel import mounts
from nodeagent.volumes import ownership
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job


def set_up(job: Job) -> Path:
    """Bind the directory unless that is done. Raises VolumeFailed, OSError."""
    if mounts.is_mount_point(job.path):
        return job.path
    source: LocalVolumeSource = job.source
    path = Path(source.path)
    if not path.exists():
        raise VolumeFailed(f'path "{path}" does not exist')
    if not stat.S_ISDIR(path.stat().st_mode):
        raise VolumeFailed(f'local volume "{path}" is not a directory; block devices are not supported')
    read_only = bool(job.claimed and job.claimed.read_only)
    if job.group is not None and not read_only:
        # Before anybody can see it: once it is bound it counts as made.
        context = job.pod.spec.security_context
        ownership.give(path, job.group, context.fs_group_change_policy if context else "")
    job.path.mkdir(mode=0o750, parents=True, exist_ok=True)
    mounts.mount_bind(path, job.path, read_only=read_only)
    return job.path
