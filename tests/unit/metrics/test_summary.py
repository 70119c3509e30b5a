"""The Summary API, /metrics/resource and the rates in them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    ConfigMapVolumeSource,
    EmptyDirVolumeSource,
    HostPathVolumeSource,
    Pod,
    PodSpec,
    Volume,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import ManualClock
from controlplane.kit.metrics import render
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import ImageFiles
from nodeagent.kernel.disk_usage import FileSystem, Taken, file_system, mounted_device, taken_below
from nodeagent.kernel.group_usage import GroupUsage
from nodeagent.metrics import resource
from nodeagent.metrics.files import Directory, FileReader, Files, process_ids, volumes_of
from nodeagent.metrics.rates import earlier_than, with_rates
from nodeagent.metrics.summary import cpu_and_memory, summary
from nodeagent.metrics.usage import PodPlace, Usage
from nodeagent.probes.counts import ProbeCounts
from tests.unit.metrics.readings import CACHE, LOGS, a_usage

ROOT = GroupUsage(cpu_seconds=1.0, memory=700, working_set=650, rss=300, page_faults=9, major_page_faults=1)
DISK = FileSystem(100, 40, 10, 4, "/dev/sda1")
FILES = Files(
    {LOGS / "a": Directory(Taken(7, 1), DISK), CACHE: Directory(Taken(3, 2), DISK)}, Taken(500, 25), 4096, 120
)
TIME = "1970-01-01T00:16:40Z"


def test_the_node() -> None:
    node = summary(a_usage(machine=ROOT), FILES)["node"]
    assert node["memory"] == {
        "time": TIME, "availableBytes": 350, "usageBytes": 700, "workingSetBytes": 650, "rssBytes": 300,
        "pageFaults": 9, "majorPageFaults": 1,
    }  # fmt: skip
    assert node["swap"] == {"time": TIME, "swapAvailableBytes": 42, "swapUsageBytes": 8}
    assert node["fs"] == {
        "time": TIME, "availableBytes": 5, "capacityBytes": 10, "usedBytes": 5, "inodesFree": 5, "inodes": 10,
        "inodesUsed": 5,
    }  # fmt: skip
    assert node["runtime"]["imageFs"] == {
        "time": TIME, "availableBytes": 400, "capacityBytes": 1000, "usedBytes": 500, "inodesFree": 20, "inodes": 50,
        "inodesUsed": 25,
    }  # fmt: skip
    assert node["runtime"]["containerFs"]["usedBytes"] == 12
    assert node["rlimit"] == {"time": TIME, "maxpid": 4096, "curproc": 120}


def test_a_pod() -> None:
    pod = summary(a_usage(), FILES)["pods"][0]
    assert pod["podRef"] == {"name": "web", "namespace": "default", "uid": "1"}
    assert pod["cpu"] == {"time": TIME, "usageCoreNanoSeconds": 5_000_000_000}  # its sandbox included
    assert pod["memory"] == {
        "time": TIME, "availableBytes": 230, "usageBytes": 90, "workingSetBytes": 70, "rssBytes": 45,
        "pageFaults": 30, "majorPageFaults": 2,
    }  # fmt: skip
    assert pod["swap"] == {"time": TIME, "swapUsageBytes": 0}
    assert pod["network"]["rxBytes"] == 1
    assert pod["process_stats"] == {"process_count": 13}
    assert pod["volume"] == [
        {
            "time": TIME, "availableBytes": 40, "capacityBytes": 100, "inodesFree": 4, "inodes": 10,
            "usedBytes": 3, "inodesUsed": 2, "name": "cache",
        }
    ]  # fmt: skip
    assert pod["ephemeral-storage"]["usedBytes"] == 6 + 6 + 7 + 3


def test_a_container() -> None:
    first, second = summary(a_usage(), FILES)["pods"][0]["containers"]
    assert first["memory"] == {
        "time": TIME, "availableBytes": 70, "usageBytes": 40, "workingSetBytes": 30, "rssBytes": 20,
        "pageFaults": 11, "majorPageFaults": 1,
    }  # fmt: skip
    assert (first["rootfs"]["usedBytes"], first["rootfs"]["capacityBytes"]) == (6, 1000)
    assert (first["logs"]["usedBytes"], first["logs"]["availableBytes"]) == (7, 40)
    assert "logs" not in second  # nothing is known of them


def test_memory_without_a_limit_has_no_end() -> None:
    usage = a_usage(GroupUsage(), pod=None)
    pod = summary(usage, Files())["pods"][0]
    assert "availableBytes" not in pod["memory"]
    assert "availableBytes" not in pod["containers"][0]["memory"]
    assert "swap" not in pod["containers"][0]


def test_files_in_memory_are_no_ephemeral_storage() -> None:
    files = Files({CACHE: Directory(Taken(3, 2), replace(DISK, device="tmpfs"))})
    assert summary(a_usage(), files)["pods"][0]["ephemeral-storage"]["usedBytes"] == 12


def test_only_cpu_and_memory() -> None:
    found = cpu_and_memory(a_usage())
    assert set(found["node"]) == {"nodeName", "startTime", "cpu", "memory", "swap"}
    assert set(found["pods"][0]) == {"podRef", "startTime", "containers", "cpu", "memory", "swap"}
    assert set(found["pods"][0]["containers"][0]) == {"name", "startTime", "cpu", "memory", "swap"}


# Rates


def test_rates() -> None:
    earlier = a_usage(read_at=1000.0, cpu=2.0, pod=GroupUsage(cpu_seconds=5.0))
    later = with_rates(earlier, a_usage(read_at=1010.0, cpu=4.5, pod=GroupUsage(cpu_seconds=6.0)))
    found = cpu_and_memory(later)
    assert found["node"]["cpu"]["usageNanoCores"] == 12_500_000_000
    assert found["pods"][0]["cpu"]["usageNanoCores"] == 100_000_000
    assert [one["cpu"]["usageNanoCores"] for one in found["pods"][0]["containers"]] == [250_000_000] * 2


@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param(None, id="the first reading"),
        pytest.param(a_usage(read_at=1010.0, cpu=2.0), id="of the same moment"),
        pytest.param(a_usage(read_at=1000.0, cpu=9.0, pod=GroupUsage(cpu_seconds=50.0)), id="of before a restart"),
    ],
)
def test_no_rate(earlier: Usage | None) -> None:
    later = with_rates(earlier, a_usage(read_at=1010.0, cpu=4.5))
    found = cpu_and_memory(later)
    assert "usageNanoCores" not in str(found)


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([1], 1, id="the only one, however young"),
        pytest.param([30, 15, 2], 15, id="the newest that is some seconds old"),
        pytest.param([3, 2, 1], 3, id="the oldest of young ones"),
        pytest.param([700], None, id="one of long ago says nothing of now"),
        pytest.param([700, 3], 3, id="a young one rather"),
    ],
)
def test_what_is_compared_with(ages: list[float], expected: float | None) -> None:
    past = deque((1000.0 - age, a_usage(read_at=1000.0 - age)) for age in ages)
    found = earlier_than(1000.0, past)
    assert (None if found is None else 1000.0 - found.read_at) == expected
    assert len(past) <= 3


# /metrics/resource


def samples(usage: Usage) -> dict[str, tuple[dict[str, str], float, Any]]:
    return {
        sample.name: (dict(sample.labels), sample.value, sample.timestamp)
        for family in resource.families(usage)
        for sample in family.samples
        if sample.labels.get("container", "a") == "a"
    }


@pytest.mark.parametrize(
    ("name", "labels", "value", "at"),
    [
        ("node_cpu_usage_seconds_total", {}, 100.0, 1000.0),
        ("node_memory_working_set_bytes", {}, 650, 1000.0),
        ("node_swap_usage_bytes", {}, 8, 1000.0),
        ("container_cpu_usage_seconds_total", {"container": "a", "namespace": "default", "pod": "web"}, 2.0, 998.5),
        ("container_memory_working_set_bytes", {"container": "a", "namespace": "default", "pod": "web"}, 30, 998.5),
        ("container_swap_usage_bytes", {"container": "a", "namespace": "default", "pod": "web"}, 0, 1000.0),
        ("container_start_time_seconds", {"container": "a", "namespace": "default", "pod": "web"}, 0.0, None),
        ("pod_cpu_usage_seconds_total", {"namespace": "default", "pod": "web"}, 5.0, 1000.0),
        ("pod_memory_working_set_bytes", {"namespace": "default", "pod": "web"}, 70, 1000.0),
        ("pod_swap_usage_bytes", {"namespace": "default", "pod": "web"}, 0, 1000.0),
        ("resource_scrape_error", {}, 0, None),
    ],
)
def test_resource_metrics(name: str, labels: dict[str, str], value: float, at: float | None) -> None:
    usage = a_usage(machine=ROOT)
    usage = replace(usage, containers=tuple(replace(one, read_at=998.5) for one in usage.containers))
    assert samples(usage)[name] == (labels, value, at)


# Files


def test_taken_below(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(b"x" * 10_000)
    (tmp_path / "other").hardlink_to(tmp_path / "deep/file")
    (tmp_path / "link").symlink_to("/")
    found = taken_below(tmp_path)
    assert found is not None
    assert 10_000 <= found.used < 40_000
    assert found.inodes_used == 4  # itself, deep, the file once, the link
    assert taken_below(tmp_path / "none") is None
    assert file_system(tmp_path / "none") is None


MOUNTS = (
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 22 0:27 / /var/lib/x\\040y rw,nosuid shared:1 master:2 - tmpfs tmpfs rw\n"
)


@pytest.mark.parametrize(("number", "device"), [("8:1", "/dev/sda1"), ("0:27", "tmpfs"), ("9:9", "")])
def test_mounted_device(tmp_path: Path, number: str, device: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert mounted_device(number, tmp_path / "mountinfo") == device


def test_process_ids(tmp_path: Path) -> None:
    assert process_ids(tmp_path) == (0, 0)
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/pid_max").write_text("4194304\n")
    (tmp_path / "sys/kernel/threads-max").write_text("31337\n")
    (tmp_path / "loadavg").write_text("0.00 0.01 0.05 2/345 6789\n")
    assert process_ids(tmp_path) == (31337, 345)


def test_which_volumes_are_measured() -> None:
    volumes = [
        Volume(name="cache", empty_dir=EmptyDirVolumeSource()),
        Volume(name="conf", config_map=ConfigMapVolumeSource(name="c")),
        Volume(name="host", host_path=HostPathVolumeSource(path="/")),
    ]
    pod = Pod(metadata=ObjectMeta(name="web", uid="1"), spec=PodSpec(volumes=volumes))
    assert volumes_of(pod, Path("/k")) == {
        "cache": Path("/k/pods/1/volumes/kubernetes.io~empty-dir/cache"),
        "conf": Path("/k/pods/1/volumes/kubernetes.io~configmap/conf"),
    }


class FakeImages:
    """A runtime that says what its images take, unless it is down."""

    down = False

    async def file_system(self) -> ImageFiles:
        if self.down:
            raise RuntimeFailure("containerd is down")
        return ImageFiles("/var/lib/containerd", 500, 25)


async def test_files_are_walked_over_once_a_minute(tmp_path: Path) -> None:
    clock, images = ManualClock(), FakeImages()
    some: Any = images
    reader = FileReader(some, clock)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/0.log").write_bytes(b"x" * 5000)
    usage = replace(a_usage(), places={"1": PodPlace("", own_network=False, logs=tmp_path)})

    async def logs() -> int:
        return (await reader.read(usage)).directories[tmp_path / "a"].taken.used

    first = await logs()
    assert first >= 5000
    (tmp_path / "a/0.log").write_bytes(b"x" * 500_000)
    assert await logs() == first
    await clock.advance(61)
    assert await logs() >= 500_000
    assert (await reader.read(usage)).images == Taken(500, 25)
    images.down = True
    assert (await reader.read(usage)).images is None


# Probes


def test_probe_counts() -> None:
    counts = ProbeCounts()
    for result in ("successful", "successful", "failed"):
        counts.count("Liveness", result, "c", "web", "default", "uid", 0.02)
    counts.count("Readiness", "successful", "c", "other", "default", "uid2", 0.02)
    text = render(counts.registry).decode()
    labels = 'container="c",namespace="default",pod="web",pod_uid="uid",probe_type="Liveness"'
    assert f'prober_probe_total{{{labels},result="successful"}} 2.0' in text
    assert f'prober_probe_total{{{labels},result="failed"}} 1.0' in text
    timed = 'container="c",namespace="default",pod="web",probe_type="Liveness"'
    assert f"prober_probe_duration_seconds_count{{{timed}}} 3.0" in text
    assert 'le="0.025"' in text and "_created" not in text
    counts.forget("web", "default", "uid")
    text = render(counts.registry).decode()
    assert 'pod="web"' not in text and 'pod="other"' in text
