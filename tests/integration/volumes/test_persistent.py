"""Persistent volumes on the kernel itself: bound, given to the pod's group, and left alone when the pod goes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    LocalVolumeSource,
    NFSVolumeSource,
    PersistentVolume,
    PersistentVolumeSpec,
    Pod,
    PodSecurityContext,
    PodSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cmd.reset import _unmount
from nodeagent.kernel import mounts
from nodeagent.volumes import kinds, local, nfs, ownership, removal
from nodeagent.volumes.claims import Claimed
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job


def _job(tmp_path: Path, source: Any, *, group: int | None = None, read_only: bool = False, **spec: Any) -> Job:
    pod = Pod(spec=PodSpec(security_context=PodSecurityContext(fs_group=group)))
    volume = PersistentVolume(metadata=ObjectMeta(name="pv"), spec=PersistentVolumeSpec(**spec))
    return Job(pod, source, tmp_path / "volumes" / "pv", "1", claimed=Claimed(volume, read_only=read_only))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    (directory / "below").mkdir(parents=True)
    (directory / "below" / "file").write_text("kept")
    (directory / "below" / "file").chmod(0o640)
    (directory / "link").symlink_to("/etc/hostname")
    return directory


def test_a_local_volume_is_bound_and_outlives_the_pod(tmp_path: Path, data: Path) -> None:
    job = _job(tmp_path, LocalVolumeSource(path=str(data)))
    assert local.set_up(job) == local.set_up(job) == job.path
    assert (job.path / "below" / "file").read_text() == "kept"
    assert len(mounts.mounted_below(job.path)) == 1
    removal.release(job.path)
    assert not job.path.exists()
    assert (data / "below" / "file").read_text() == "kept"


def test_a_read_only_claim_cannot_be_written(tmp_path: Path, data: Path) -> None:
    path = local.set_up(_job(tmp_path, LocalVolumeSource(path=str(data)), group=2000, read_only=True))
    with pytest.raises(OSError, match="Read-only file system"):
        (path / "new").write_text("")
    assert data.stat().st_gid == 0  # and so nothing was given to the group either


def test_a_local_volume_is_given_to_the_pods_group(tmp_path: Path, data: Path) -> None:
    path = local.set_up(_job(tmp_path, LocalVolumeSource(path=str(data)), group=2000))
    assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (2000, 0o2775)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(lambda path: None, "does not exist", id="nothing"),
        pytest.param(lambda path: path.write_text(""), "not a directory", id="a file"),
    ],
)
def test_what_is_no_directory_is_refused(tmp_path: Path, make: Any, why: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(VolumeFailed, match=why):
        local.set_up(_job(tmp_path, LocalVolumeSource(path=str(tmp_path / "x"))))


def _ownership(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_gid, stat.S_IMODE(found.st_mode)


def test_files_become_the_groups(data: Path) -> None:
    outside = _ownership(Path("/etc/hostname"))
    ownership.give(data, 2000)
    assert _ownership(data) == (2000, 0o2775)
    assert _ownership(data / "below") == (2000, 0o2775)
    assert _ownership(data / "below" / "file") == (2000, 0o660)
    assert (data / "link").lstat().st_gid == 2000
    assert _ownership(Path("/etc/hostname")) == outside


@pytest.mark.parametrize(
    ("policy", "root_is_right", "touched"),
    [
        pytest.param("", True, True, id="every time, unless said otherwise"),
        pytest.param("Always", True, True, id="every time"),
        pytest.param("OnRootMismatch", True, False, id="not if the root is right"),
        pytest.param("OnRootMismatch", False, True, id="if the root is not"),
    ],
)
def test_when_files_are_given(data: Path, policy: str, root_is_right: bool, touched: bool) -> None:
    if root_is_right:
        os.chown(data, -1, 2000)
        data.chmod(0o2770)
    ownership.give(data, 2000, policy)
    assert ((data / "below" / "file").stat().st_gid == 2000) is touched


def test_data_behind_a_mount_is_never_deleted(tmp_path: Path, data: Path) -> None:
    pod = tmp_path / "pod"
    (pod / "x").mkdir(parents=True)
    mounts.mount_bind(data, pod / "x")
    removal.delete(pod)
    assert not pod.exists()
    assert (data / "below" / "file").exists()


def test_a_reset_takes_every_volume_from_the_node_before_it_deletes(tmp_path: Path, data: Path) -> None:
    pods, staged = tmp_path / "pods", tmp_path / "plugins" / "kubernetes.io" / "csi"
    for point in (pods / "u" / "x", staged / "driver" / "globalmount"):
        point.mkdir(parents=True)
        mounts.mount_bind(data, point)
    _unmount(pods, staged)
    assert mounts.mounted_below(tmp_path) == []


def test_a_volume_that_outlives_the_pod_is_not_emptied_even_if_it_is_not_mounted(tmp_path: Path) -> None:
    directory = tmp_path / "volumes" / "kubernetes.io~local-volume" / "pv"
    directory.mkdir(parents=True)
    (directory / "file").write_text("whose is it?")
    with pytest.raises(OSError, match="not empty"):
        kinds.Kinds().tear_down(directory)


@pytest.mark.parametrize(
    ("source", "options", "read_only", "expected"),
    [
        pytest.param(NFSVolumeSource(server="s", path="/x"), [], False, ["s:/x", "/t"], id="plain"),
        pytest.param(
            NFSVolumeSource(server="s", path="/x"), ["hard", "nfsvers=4.1"], False,
            ["-o", "hard,nfsvers=4.1", "s:/x", "/t"], id="as the volume asks",
        ),
        pytest.param(NFSVolumeSource(server="s", path="/x"), ["hard"], True, ["-o", "ro,hard", "s:/x", "/t"], id="ro"),
        pytest.param(NFSVolumeSource(server="fd00::1", path="/x"), [], False, ["[fd00::1]:/x", "/t"], id="IPv6"),
    ],
)  # fmt: skip
def test_how_nfs_is_mounted(source: NFSVolumeSource, options: list[str], read_only: bool, expected: list[str]) -> None:
    assert nfs.command(source, Path("/t"), options, read_only=read_only) == ["mount", "-t", "nfs", *expected]


_HELPER = """#!/bin/sh
# mount.nfs SOURCE TARGET [-o OPTIONS], of a server that has one directory
[ "$1" = "server:/export" ] || { echo "mount.nfs: access denied by server while mounting $1" >&2; exit 32; }
exec mount -t tmpfs -o size=64k "$1" "$2"
"""

_IN_A_NAMESPACE = """
import sys
from pathlib import Path
from controlplane.api.core_v1 import NFSVolumeSource, Pod, PodSpec
from nodeagent.cmd.reset import _unmount
from nodeagent.kernel import mounts
from nodeagent.volumes import nfs, removal
from nodeagent.volumes.job import Job

root = Path(sys.argv[1])
mounts.mount_bind(root / "sbin", Path("/usr/sbin"))

def job(path):
    return Job(Pod(spec=PodSpec()), NFSVolumeSource(server="server", path=path), root / "volumes" / "v", "1")

try:
    nfs.set_up(job("/other"))
except OSError as error:
    print(error, "|", (root / "volumes" / "v").exists())
nfs.set_up(job("/export"))
nfs.set_up(job("/export"))
print([(one.source, one.file_system) for one in mounts.mounts() if one.path == str(root / "volumes" / "v")])
removal.release(root / "volumes" / "v")
print((root / "volumes" / "v").exists())
"""


def test_nfs_through_a_helper_of_our_own(tmp_path: Path) -> None:
    """The kernel here knows no NFS: mount(8) finds a mount.nfs that mounts something else, in a namespace apart."""
    helper = tmp_path / "sbin" / "mount.nfs"
    helper.parent.mkdir()
    helper.write_text(_HELPER)
    helper.chmod(0o755)
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", _IN_A_NAMESPACE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [
        "mount failed: exit status 32",
        "Output: mount.nfs: access denied by server while mounting server:/other | False",
        "[('server:/export', 'tmpfs')]",
        "False",
    ], done.stderr
