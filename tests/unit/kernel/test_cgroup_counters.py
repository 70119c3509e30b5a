"""What a control group has used, in both versions of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodeagent.kernel.cgroup import Counters, counters, processes

GROUP = "/kubepods/pod1/c1"
V1 = {
    "cpu/kubepods/pod1/c1/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 1500000000\n",
    "memory/kubepods/pod1/c1/memory.stat": "cache 1\nrss 2\ntotal_cache 4096\ntotal_rss 9\ntotal_swap 0\n",
    "memory/kubepods/pod1/c1/cgroup.procs": "17\n18\n",
    "blkio/kubepods/pod1/c1/blkio.throttle.io_serviced_recursive": "8:0 Read 3\n8:0 Write 1\n8:16 Read 2\nTotal 6\n",
    "blkio/kubepods/pod1/c1/blkio.throttle.io_service_bytes_recursive": "8:0 Read 300\n8:0 Write 10\nTotal 310\n",
}
V2 = {
    "cgroup.controllers": "cpu io memory",
    "kubepods/pod1/c1/cpu.stat": "usage_usec 9\nnr_periods 7\nnr_throttled 2\nthrottled_usec 1500000\n",
    "kubepods/pod1/c1/memory.stat": "anon 9\nfile 4096\n",
    "kubepods/pod1/c1/memory.swap.current": "0\n",
    "kubepods/pod1/c1/cgroup.procs": "17\n18\n",
    "kubepods/pod1/c1/io.stat": "8:0 rbytes=300 wbytes=10 rios=3 wios=1\n8:16 rbytes=0 wbytes=0 rios=2 wios=0\n",
}
FULL = Counters(7, 2, 1.5, 4096, 0, 5, 1, 300, 10)


def a_tree(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(V1, FULL, id="version 1"),
        pytest.param(V2, FULL, id="version 2"),
        pytest.param({}, Counters(), id="a group that is gone"),
        pytest.param(
            {"blkio/kubepods/pod1/c1/blkio.throttle.io_serviced_recursive": "Total 0\n"},
            Counters(),
            id="no device yet is no number",
        ),
    ],
)
def test_counters(tmp_path: Path, files: dict[str, str], expected: Counters) -> None:
    assert counters(GROUP, a_tree(tmp_path, files)) == expected


@pytest.mark.parametrize("files", [pytest.param(V1, id="version 1"), pytest.param(V2, id="version 2")])
def test_processes(tmp_path: Path, files: dict[str, str]) -> None:
    assert processes(GROUP, a_tree(tmp_path, files)) == ["17", "18"]
