"""What a control group may use and has used, in both versions of the tree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nodeagent.kernel.cgroup import processes
from nodeagent.kernel.group_usage import DeviceUse, GroupUsage, Spec, device_name, usage_of

GROUP = "/kubepods/pod1/c1"
_BLKIO = "blkio/kubepods/pod1/c1/blkio.throttle"
V1 = {
    "cpu/kubepods/pod1/c1/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 1500000000\n",
    "cpu/kubepods/pod1/c1/cpu.shares": "512\n",
    "cpu/kubepods/pod1/c1/cpu.cfs_quota_us": "50000\n",
    "cpu/kubepods/pod1/c1/cpu.cfs_period_us": "100000\n",
    "cpuacct/kubepods/pod1/c1/cpuacct.usage": "2500000000\n",
    "cpuacct/kubepods/pod1/c1/cpuacct.stat": "user 150\nsystem 100\n",
    "memory/kubepods/pod1/c1/memory.stat": (
        "cache 1\nrss 2\ntotal_cache 4096\ntotal_rss 9\ntotal_swap 0\ntotal_inactive_file 1000\n"
        "total_mapped_file 77\ntotal_pgfault 5\ntotal_pgmajfault 1\n"
    ),
    "memory/kubepods/pod1/c1/memory.usage_in_bytes": "5000\n",
    "memory/kubepods/pod1/c1/memory.max_usage_in_bytes": "6000\n",
    "memory/kubepods/pod1/c1/memory.limit_in_bytes": "1048576\n",
    "memory/kubepods/pod1/c1/memory.memsw.limit_in_bytes": "2097152\n",
    "memory/kubepods/pod1/c1/memory.soft_limit_in_bytes": "9223372036854771712\n",
    "memory/kubepods/pod1/c1/memory.failcnt": "3\n",
    "memory/kubepods/pod1/c1/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
    "memory/kubepods/pod1/c1/cgroup.procs": "17\n18\n",
    "pids/kubepods/pod1/c1/pids.current": "6\n",
    "pids/kubepods/pod1/c1/pids.max": "max\n",
    f"{_BLKIO}.io_serviced_recursive": "8:0 Read 3\n8:0 Write 1\n8:16 Read 2\nTotal 6\n",
    f"{_BLKIO}.io_service_bytes_recursive": "8:0 Read 300\n8:0 Write 10\nTotal 310\n",
}
V2 = {
    "cgroup.controllers": "cpu io memory",
    "kubepods/pod1/c1/cpu.stat": (
        "usage_usec 2500000\nuser_usec 1500000\nsystem_usec 1000000\n"
        "nr_periods 7\nnr_throttled 2\nthrottled_usec 1500000\n"
    ),
    "kubepods/pod1/c1/cpu.weight": "20\n",
    "kubepods/pod1/c1/cpu.max": "50000 100000\n",
    "kubepods/pod1/c1/memory.stat": "anon 9\nfile 4096\ninactive_file 1000\nfile_mapped 77\npgfault 5\npgmajfault 1\n",
    "kubepods/pod1/c1/memory.current": "5000\n",
    "kubepods/pod1/c1/memory.peak": "6000\n",
    "kubepods/pod1/c1/memory.max": "1048576\n",
    "kubepods/pod1/c1/memory.low": "0\n",
    "kubepods/pod1/c1/memory.swap.max": "1048576\n",
    "kubepods/pod1/c1/memory.swap.current": "0\n",
    "kubepods/pod1/c1/memory.events": "low 0\nhigh 0\nmax 3\noom 5\noom_kill 4\n",
    "kubepods/pod1/c1/cgroup.procs": "17\n18\n",
    "kubepods/pod1/c1/pids.current": "6\n",
    "kubepods/pod1/c1/pids.max": "max\n",
    "kubepods/pod1/c1/io.stat": "8:0 rbytes=300 wbytes=10 rios=3 wios=1\n8:16 rbytes=0 wbytes=0 rios=2 wios=0\n",
}
FULL = GroupUsage(
    spec=Spec(512, 50000, 100000, 1 << 20, 0, 2 << 20),
    cpu_seconds=2.5, user_seconds=1.5, system_seconds=1.0,
    memory=5000, working_set=4000, rss=9, mapped=77, most_memory=6000, limit_hits=3,
    page_faults=5, major_page_faults=1, swap=0, cache=4096, oom_kills=4,
    processes=2, threads=6, most_threads=0, periods=7, throttled_periods=2, throttled_seconds=1.5,
    devices=(DeviceUse("/dev/sda", 3, 1, 300, 10), DeviceUse("8:16", 2, 0, 0, 0)),
)  # fmt: skip
SYS = {"dev/block/8:0/uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\n"}


def a_tree(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(V1, FULL, id="version 1"),
        # A weight is coarser than shares: 500 come back for the 512 that made it.
        pytest.param(V2, replace(FULL, spec=replace(FULL.spec, cpu_shares=500)), id="version 2"),
        pytest.param({}, GroupUsage(), id="a group that is gone"),
        pytest.param({f"{_BLKIO}.io_serviced_recursive": "Total 0\n"}, GroupUsage(), id="no device yet"),
        pytest.param(
            {"cpu/kubepods/pod1/c1/cpu.cfs_quota_us": "-1\n", "cpu/kubepods/pod1/c1/cpu.cfs_period_us": "100000\n"},
            GroupUsage(spec=Spec(cpu_period=100000)),
            id="no quota",
        ),
    ],
)
def test_usage(tmp_path: Path, files: dict[str, str], expected: GroupUsage) -> None:
    assert usage_of(GROUP, a_tree(tmp_path / "cgroup", files), a_tree(tmp_path / "sys", SYS)) == expected


@pytest.mark.parametrize("files", [pytest.param(V1, id="version 1"), pytest.param(V2, id="version 2")])
def test_processes(tmp_path: Path, files: dict[str, str]) -> None:
    assert processes(GROUP, a_tree(tmp_path, files)) == ["17", "18"]


@pytest.mark.parametrize(("number", "name"), [("8:0", "/dev/sda"), ("259:7", "259:7")])
def test_device_names(tmp_path: Path, number: str, name: str) -> None:
    assert device_name(number, a_tree(tmp_path, SYS)) == name
