"""subPath: one directory or file of a volume, bound by itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nodeagent.kernel import mounts
from nodeagent.volumes import atomic, empty_dir, subpath
from nodeagent.volumes.payload import File


@pytest.mark.parametrize(
    ("group", "mode", "owner"),
    [
        pytest.param(None, 0o777, 0, id="everybody, as in the emptyDir"),
        pytest.param(2000, 0o2777, 2000, id="the pod's fsGroup, as in the emptyDir"),
    ],
)
def test_directories_made_for_a_sub_path_are_open_to_those_the_volume_is_open_to(
    tmp_path: Path, group: int | None, mode: int, owner: int
) -> None:
    volume, before = tmp_path / "volume", os.umask(0o077)
    try:
        volume.mkdir()
        empty_dir.open_to(volume, group, 0o777)
        bound = subpath.make(volume, "made/here", tmp_path / "bound")
    finally:
        os.umask(before)
    for path in (volume / "made", volume / "made" / "here", bound):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (mode, owner)


def test_a_restarted_container_sees_the_config_map_as_it_is_now(tmp_path: Path) -> None:
    volume, target = tmp_path / "volume", tmp_path / "bound" / "0"
    volume.mkdir()
    atomic.write(volume, {"key": File(b"old")}, stamp="1")
    assert subpath.make(volume, "key", target).read_bytes() == b"old"
    atomic.write(volume, {"key": File(b"new")}, stamp="2")
    assert target.read_bytes() == b"old"  # a bind mount is of a file, not of a name
    assert subpath.make(volume, "key", target).read_bytes() == b"new"
    first = target.stat()
    assert os.path.samestat(subpath.make(volume, "key", target).stat(), first)
    assert sum(line.split()[4] == str(target) for line in Path("/proc/self/mountinfo").read_text().splitlines()) == 1


def test_what_was_a_file_may_be_a_directory_by_the_next_start(tmp_path: Path) -> None:
    volume, target = tmp_path / "volume", tmp_path / "bound"
    volume.mkdir()
    (volume / "x").write_text("a file")
    subpath.make(volume, "x", target)
    (volume / "x").unlink()
    (volume / "x").mkdir()
    assert subpath.make(volume, "x", target).is_dir()
    (volume / "x").rmdir()
    (volume / "x").write_text("a file again")
    assert subpath.make(volume, "x", target).read_text() == "a file again"


def test_mounts_are_found_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "kubelet").symlink_to("elsewhere")
    (tmp_path / "elsewhere" / "pods" / "mounted").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    pods = tmp_path / "kubelet" / "pods"
    mounts.mount_bind(tmp_path / "data", pods / "mounted")
    assert mounts.is_mount_point(pods / "mounted")
    assert mounts.mounted_below(pods) == [tmp_path / "elsewhere" / "pods" / "mounted"]
