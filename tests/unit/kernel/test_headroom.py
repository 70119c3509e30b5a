"""What is left of a machine, read from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nodeagent.kernel import cgroup, headroom
from nodeagent.kernel.cgroup import Limits
from nodeagent.kernel.headroom import Left, Used

MIB = 2**20


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


PROC = {
    "meminfo": "MemTotal:  1024 kB\nMemFree:  256 kB\nSwapTotal:  64 kB\nHugePages_Total:  3\n",
    "loadavg": "0.1 0.2 0.3 3/300 4711\n",
    "sys/kernel/pid_max": "32768\n",
    "sys/kernel/threads-max": "1000\n",
}


@pytest.mark.parametrize(
    ("groups", "available"),
    [
        pytest.param(
            {"memory/memory.usage_in_bytes": "524288\n", "memory/memory.stat": "total_inactive_file 262144\n"},
            768 * 1024,
            id="version 1",
        ),
        pytest.param(
            {"cgroup.controllers": "memory", "memory.current": "524288\n", "memory.stat": "inactive_file 262144\n"},
            768 * 1024,
            id="version 2, in a group of its own",
        ),
        pytest.param(
            {"cgroup.controllers": "memory", "memory.stat": "inactive_file 262144\n"},
            512 * 1024,
            id="version 2, at the real root, which does not say what it uses",
        ),
    ],
)
def test_memory_is_what_no_working_set_holds(tmp_path: Path, groups: dict[str, str], available: int) -> None:
    proc, tree = write(tmp_path / "proc", PROC), write(tmp_path / "groups", groups)
    assert headroom.memory(proc, tree) == Left(1024 * 1024, available)


def test_a_group_has_left_what_it_may_use_without_its_working_set(tmp_path: Path) -> None:
    files = {"memory.usage_in_bytes": "600\n", "memory.stat": "total_inactive_file 200\n"}
    write(tmp_path, {f"memory/kubepods/{name}": text for name, text in files.items()})
    assert headroom.group_memory("/kubepods", 1000, tmp_path) == Left(1000, 600)
    assert headroom.group_memory("/kubepods", 300, tmp_path) == Left(300, 0)
    assert headroom.group_memory("/kubepods.slice", 1000, tmp_path) == Left(1000, 1000)


def test_threads_take_process_ids_and_the_lower_limit_counts(tmp_path: Path) -> None:
    assert headroom.pids(write(tmp_path, PROC)) == Left(1000, 700)


def test_meminfo_is_in_bytes_but_counts_are_counts(tmp_path: Path) -> None:
    found = headroom.meminfo(write(tmp_path, PROC))
    assert (found["SwapTotal"], found["HugePages_Total"]) == (64 * 1024, 3)


def test_huge_pages_by_size(tmp_path: Path) -> None:
    pages = "kernel/mm/hugepages"
    write(tmp_path, {f"{pages}/hugepages-2048kB/nr_hugepages": "4\n", f"{pages}/hugepages-1048576kB/nr_hugepages": "0"})
    assert headroom.huge_pages(tmp_path) == {2 * MIB: 8 * MIB, 1024 * MIB: 0}


def test_this_machine_has_something_left() -> None:
    for left in (headroom.memory(), headroom.pids(), headroom.disk(Path("/tmp")).bytes):
        assert 0 < left.available <= left.capacity


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    write(tmp_path, {"a/one": "x" * MIB, "two": "y" * MIB})
    os.link(tmp_path / "two", tmp_path / "a/three")
    (tmp_path / "link").symlink_to("/usr")
    found = headroom.used_below(tmp_path)
    assert 2 * MIB <= found.bytes < 2 * MIB + MIB // 2
    assert found.inodes == 4  # a directory, two files, a symbolic link
    assert headroom.used_below(tmp_path / "gone") == Used()


def test_tasks_of_a_group(tmp_path: Path) -> None:
    write(tmp_path, {"pids/kubepods/podx/pids.current": "12\n"})
    assert cgroup.tasks("/kubepods/podx", tmp_path) == 12
    assert cgroup.tasks("/kubepods/gone", tmp_path) == 0


@pytest.mark.parametrize(
    ("kernel", "written"),
    [
        pytest.param(
            {"memory/x": "", "cpu/x": "", "pids/x": ""},
            {
                "memory/kubepods/memory.limit_in_bytes": "1000",
                "cpu/kubepods/cpu.shares": "1945",
                "pids/kubepods/pids.max": "max",
            },
            id="version 1",
        ),
        pytest.param(
            {"cgroup.controllers": "cpu memory pids"},
            {
                "cgroup.subtree_control": "+cpu +memory +pids",
                "kubepods/memory.max": "1000",
                "kubepods/cpu.weight": "75",
                "kubepods/pids.max": "max",
            },
            id="version 2",
        ),
    ],
)
def test_a_group_is_limited(tmp_path: Path, kernel: dict[str, str], written: dict[str, str]) -> None:
    write(tmp_path, kernel)
    for _ in range(2):  # it is there the second time
        cgroup.limit("/kubepods", Limits(memory=1000, milli_cpu=1900), tmp_path)
    assert {name: (tmp_path / name).read_text() for name in written} == written


def test_process_ids_are_limited_where_some_are_reserved(tmp_path: Path) -> None:
    write(tmp_path, {"memory/x": "", "cpu/x": "", "pids/x": ""})
    cgroup.limit("/kubepods", Limits(memory=1000, milli_cpu=1, pids=77), tmp_path)
    assert (tmp_path / "pids/kubepods/pids.max").read_text() == "77"
    assert (tmp_path / "cpu/kubepods/cpu.shares").read_text() == "2"  # the kernel takes no less
