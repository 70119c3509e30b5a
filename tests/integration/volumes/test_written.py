"""Volumes that the agent fills or mounts itself, on the kernel."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    Container,
    EmptyDirVolumeSource,
    Pod,
    PodSecurityContext,
    PodSpec,
    ResourceRequirements,
)
from nodeagent.kernel.disk_usage import taken_below
from nodeagent.volumes import atomic, empty_dir
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.payload import File


def _job(path: Path, source: EmptyDirVolumeSource, resources: ResourceRequirements, group: int | None = None) -> Job:
    context = PodSecurityContext(fs_group=group)
    pod = Pod(spec=PodSpec(containers=[Container(name="c", resources=resources)], security_context=context))
    return Job(pod, source, path / "volume", "1", allocatable={"memory": "64Mi"})


def test_memory_is_as_large_as_the_pods_limit(tmp_path: Path) -> None:
    source = EmptyDirVolumeSource(medium="Memory", size_limit="1Gi")
    job = _job(tmp_path, source, ResourceRequirements(limits={"memory": "1Mi"}), 2000)
    path = empty_dir.set_up(job)
    figures = os.statvfs(path)
    assert figures.f_blocks * figures.f_frsize == 1 << 20
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o2777, 2000)
    line = next(one for one in Path("/proc/self/mountinfo").read_text().splitlines() if f" {path} " in one)
    assert "noswap" in line or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 4)
    (path / "file").write_bytes(b"x" * 100_000)
    taken = taken_below(path)
    assert taken is not None and taken.used >= 100_000
    assert empty_dir.set_up(job) == path
    assert (path / "file").exists()


@pytest.mark.parametrize(
    ("group", "spoil"),
    [
        pytest.param(None, lambda path: os.chown(path, 1000, -1), id="the owner"),
        pytest.param(2000, lambda path: os.chown(path, -1, 0), id="the group"),
    ],
)
@pytest.mark.parametrize("name", ["a", "d", "."])
def test_whose_files_they_are_is_repaired(tmp_path: Path, group: int | None, spoil: Any, name: str) -> None:
    payload = {"a": File(b"1", 0o600, 7), "d/b": File(b"2")}
    atomic.write(tmp_path, payload, stamp="1", group=group)
    before = (tmp_path / "..data" / name).stat()
    spoil(tmp_path / "..data" / name)
    assert atomic.write(tmp_path, payload, stamp="2", group=group)
    after = (tmp_path / "..data" / name).stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert not atomic.write(tmp_path, payload, stamp="3", group=group)


def test_huge_pages_are_refused_where_there_are_none_and_mounted_where_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = EmptyDirVolumeSource(medium="HugePages")
    job = _job(tmp_path, source, ResourceRequirements(limits={"hugepages-2Mi": "4Mi"}))
    monkeypatch.setattr(empty_dir, "require_pages", _no_pages)
    with pytest.raises(VolumeFailed, match="no huge pages"):
        empty_dir.set_up(job)
    # The kernel mounts hugetlbfs whether it has pages or not; only their use would fail.
    monkeypatch.setattr(empty_dir, "require_pages", lambda size: None)
    path = empty_dir.set_up(job)
    figures = os.statvfs(path)
    assert (figures.f_bsize, stat.S_IMODE(path.stat().st_mode)) == (2 << 20, 0o777)


def _no_pages(size: int) -> None:
    raise VolumeFailed(f"the node has no huge pages of {size // 1024} KiB")
