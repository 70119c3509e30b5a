"""A directory of an NFS server, mounted by mount(8): its helper mount.nfs speaks with the server first.

Files belong to whom the server says: fsGroup does nothing here, as upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from controlplane.api.core_v1 import NFSVolumeSource
from nodeagent.kernel import mounts
from nodeagent.volumes.job import Job


def set_up(job: Job) -> Path:
    """Mount the export unless that is done. Raises OSError."""
    if mounts.is_mount_point(job.path):
        return job.path
    job.path.mkdir(mode=0o750, parents=True, exist_ok=True)
    claimed = job.claimed
    options = claimed.volume.spec.mount_options if claimed else ()
    read_only = bool(job.source.read_only) or bool(claimed and claimed.read_only)
    try:
        mounts.run_mount(command(job.source, job.path, options, read_only=read_only))
    except OSError:
        job.path.rmdir()
        raise
    return job.path


def command(source: NFSVolumeSource, target: Path, options: Sequence[str], *, read_only: bool) -> list[str]:
    """Return the command that mounts the export; an IPv6 address is written in brackets before its path."""
    server = f"[{source.server}]" if ":" in source.server and not source.server.startswith("[") else source.server
    every = [*(["ro"] if read_only and "ro" not in options else []), *options]
    return mounts.mount_command("nfs", f"{server}:{source.path}", target, every)
