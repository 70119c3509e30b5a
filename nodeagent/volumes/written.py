"""Writes a payload into its volume: a directory of its own, in memory where it must not reach a disk."""

from __future__ import annotations

from pathlib import Path

from nodeagent.volumes import atomic, empty_dir
from nodeagent.volumes.job import Job
from nodeagent.volumes.payload import Payload


def write(job: Job, payload: Payload, *, in_memory: bool = True) -> Path:
    """Make the volume hold the payload and return its directory. Raises OSError."""
    path = job.path
    path.mkdir(parents=True, exist_ok=True)
    if in_memory:
        empty_dir.make_memory(path)
    if not (path / "..data").exists():
        empty_dir.open_to(path, job.group, 0o777)
    atomic.write(path, payload, stamp=job.stamp, group=job.group)
    return path
