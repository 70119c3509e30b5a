"""/metrics/cadvisor: what is measured is shown under cAdvisor's names, what is not is left out."""

from __future__ import annotations

import pytest

from nodeagent.kernel.group_usage import GroupUsage, Spec
from nodeagent.metrics import cadvisor
from nodeagent.metrics.usage import Usage
from tests.unit.metrics.readings import a_usage

A, POD, MACHINE = "/kubepods/pod1/a-id", "/kubepods/pod1", "/"


def values(usage: Usage) -> dict[tuple[str, str, str], float]:
    """By name, container and id."""
    return {
        (sample.name, sample.labels.get("container", ""), sample.labels.get("id", "")): sample.value
        for family in cadvisor.families(usage)
        for sample in family.samples
    }


def labels_of(usage: Usage, name: str, id_: str) -> list[dict[str, str]]:
    return [
        dict(sample.labels)
        for family in cadvisor.families(usage)
        for sample in family.samples
        if sample.name == name and sample.labels.get("id", "") == id_
    ]


@pytest.mark.parametrize(
    ("name", "container", "id_", "expected"),
    [
        ("container_cpu_usage_seconds_total", "a", A, 2),
        ("container_cpu_user_seconds_total", "a", A, 1.5),
        ("container_cpu_system_seconds_total", "a", A, 0.5),
        ("container_cpu_cfs_periods_total", "a", A, 7),
        ("container_cpu_cfs_throttled_periods_total", "a", A, 2),
        ("container_cpu_cfs_throttled_seconds_total", "a", A, 1.5),
        ("container_spec_cpu_shares", "a", A, 512),
        ("container_spec_cpu_quota", "a", A, 50000),
        ("container_spec_cpu_period", "a", A, 100000),
        ("container_spec_memory_limit_bytes", "a", A, 100),
        ("container_spec_memory_reservation_limit_bytes", "a", A, 0),
        ("container_spec_memory_swap_limit_bytes", "a", A, 200),
        ("container_memory_working_set_bytes", "a", A, 30),
        ("container_memory_usage_bytes", "a", A, 40),
        ("container_memory_rss", "a", A, 20),
        ("container_memory_cache", "a", A, 64),
        ("container_memory_swap", "a", A, 0),
        ("container_memory_mapped_file", "a", A, 3),
        ("container_memory_max_usage_bytes", "a", A, 60),
        ("container_memory_failcnt", "a", A, 2),
        ("container_oom_events_total", "a", A, 1),
        ("container_processes", "a", A, 2),
        ("container_threads", "a", A, 6),
        ("container_threads_max", "a", A, 0),
        ("container_last_seen", "a", A, 1000),
        ("container_fs_usage_bytes", "a", A, 6),
        ("container_fs_limit_bytes", "a", A, 1000),
        ("container_fs_inodes_total", "a", A, 50),
        ("container_fs_inodes_free", "a", A, 20),
        ("container_fs_reads_total", "a", A, 3),
        ("container_fs_writes_bytes_total", "a", A, 9),
        ("container_cpu_usage_seconds_total", "", POD, 5),
        ("container_memory_working_set_bytes", "", POD, 70),
        ("container_memory_cache", "", POD, 140),
        ("container_spec_memory_limit_bytes", "", POD, 300),
        ("container_network_receive_bytes_total", "", POD, 1),
        ("container_network_transmit_packets_dropped_total", "", POD, 8),
        ("container_cpu_usage_seconds_total", "", MACHINE, 100),
        ("container_memory_working_set_bytes", "", MACHINE, 600),
        ("container_fs_usage_bytes", "", MACHINE, 5),
        ("container_fs_limit_bytes", "", MACHINE, 10),
        ("machine_cpu_cores", "", "", 4),
        ("machine_cpu_physical_cores", "", "", 2),
        ("machine_memory_bytes", "", "", 1000),
        ("machine_swap_bytes", "", "", 50),
        ("machine_scrape_error", "", "", 0),
        ("container_scrape_error", "", "", 0),
    ],
)
def test_what_is_measured_is_shown(name: str, container: str, id_: str, expected: float) -> None:
    assert values(a_usage())[name, container, id_] == expected


def test_labels() -> None:
    usage = a_usage()
    named = {"container": "a", "id": A, "image": "nginx", "name": "a-id", "namespace": "default", "pod": "web"}
    assert labels_of(usage, "container_memory_rss", A) == [named]
    assert labels_of(usage, "container_cpu_usage_seconds_total", A) == [{**named, "cpu": "total"}]
    assert labels_of(usage, "container_fs_reads_total", A) == [{**named, "device": "/dev/sda"}]
    assert labels_of(usage, "container_fs_limit_bytes", A) == [{**named, "device": "/dev/sdb1"}]
    assert labels_of(usage, "container_fs_limit_bytes", MACHINE)[0]["device"] == "/dev/sda1"
    identity = {"boot_id": "boot", "machine_id": "machine", "system_uuid": "uuid"}
    assert labels_of(usage, "machine_cpu_cores", "") == [identity]
    scopes = {(one["failure_type"], one["scope"]) for one in labels_of(usage, "container_memory_failures_total", A)}
    assert scopes == {(kind, scope) for kind in ("pgfault", "pgmajfault") for scope in ("container", "hierarchy")}


@pytest.mark.parametrize(
    "name",
    [
        "container_memory_swap", "container_memory_cache", "container_fs_reads_total", "container_spec_cpu_quota",
        "container_spec_memory_limit_bytes", "container_oom_events_total", "container_threads",
    ],
)  # fmt: skip
def test_what_is_not_measured_is_left_out(name: str) -> None:
    assert name not in {found for found, *_ in values(a_usage(GroupUsage(), pod=None))}


def test_a_container_without_a_quota_has_no_periods() -> None:
    shown = values(a_usage(GroupUsage(spec=Spec(2, cpu_period=100000), cpu_seconds=1.0, periods=0)))
    assert ("container_cpu_cfs_periods_total", "a", A) not in shown
    assert ("container_spec_cpu_quota", "a", A) not in shown
    assert shown["container_spec_cpu_period", "a", A] == 100000
    assert shown["container_spec_memory_limit_bytes", "a", A] == 0  # no limit, as cAdvisor says it


def test_a_pod_whose_group_cannot_be_read_is_the_sum_of_its_containers() -> None:
    shown = values(a_usage(pod=None))
    assert shown["container_cpu_usage_seconds_total", "", POD] == 4
    assert shown["container_memory_working_set_bytes", "", POD] == 60


def test_a_pod_on_the_nodes_network_has_no_network_of_its_own() -> None:
    assert ("container_network_receive_bytes_total", "", POD) not in values(a_usage(network=False))
