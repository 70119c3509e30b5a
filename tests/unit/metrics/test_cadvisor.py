"""/metrics/cadvisor and the Summary API: what is measured is shown under cAdvisor's names, what is not is left out."""

from __future__ import annotations

import pytest

from nodeagent.kernel.cgroup import Counters
from nodeagent.kernel.netdev import Interface
from nodeagent.metrics import cadvisor
from nodeagent.metrics.summary import summary
from nodeagent.metrics.usage import ContainerUsage, MachineUsage, PodPlace, Usage

MACHINE = MachineUsage(0.0, 100.0, 1000, 400, 600, 10, 5, 10, 5)
ETH0 = Interface("eth0", 1, 2, 3, 4, 5, 6, 7, 8)


def a_container(name: str, counters: Counters) -> ContainerUsage:
    cgroup = f"/kubepods/pod1/{name}-id"
    return ContainerUsage(
        "default", "web", "1", name, f"{name}-id", "nginx", 0.0, 2.0, 30, 40, 20, 0, 0, 0, 0, cgroup, counters
    )


def a_usage(counters: Counters, *, network: bool = True) -> Usage:
    containers = (a_container("a", counters), a_container("b", counters))
    networks = {"1": (ETH0,)} if network else {}
    return Usage("n1", 0.0, MACHINE, containers, {"1": PodPlace("/kubepods/pod1", network)}, networks)


def values(usage: Usage) -> dict[tuple[str, str, str], float]:
    """By name, container and id."""
    return {
        (sample.name, sample.labels.get("container", ""), sample.labels.get("id", "")): sample.value
        for family in cadvisor.families(usage)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(("container_memory_cache", "a", "/kubepods/pod1/a-id"), 64, id="cache of a container"),
        pytest.param(("container_memory_cache", "", "/kubepods/pod1"), 128, id="cache of a pod"),
        pytest.param(("container_cpu_cfs_throttled_periods_total", "b", "/kubepods/pod1/b-id"), 2, id="throttling"),
        pytest.param(("container_fs_writes_bytes_total", "a", "/kubepods/pod1/a-id"), 9, id="bytes written"),
        pytest.param(("container_network_receive_bytes_total", "", "/kubepods/pod1"), 1, id="received by a pod"),
        pytest.param(("container_network_transmit_packets_dropped_total", "", "/kubepods/pod1"), 8, id="dropped"),
        pytest.param(("container_cpu_usage_seconds_total", "", "/kubepods/pod1"), 4, id="CPU of a pod"),
    ],
)
def test_what_is_measured_is_shown(key: tuple[str, str, str], expected: float) -> None:
    usage = a_usage(Counters(periods=7, throttled_periods=2, cache=64, written_bytes=9))
    assert values(usage)[key] == expected


@pytest.mark.parametrize("name", ["container_memory_swap", "container_memory_cache", "container_fs_reads_total"])
def test_what_is_not_measured_is_left_out(name: str) -> None:
    assert name not in {found for found, *_ in values(a_usage(Counters()))}


def test_a_pod_on_the_nodes_network_has_no_network_of_its_own() -> None:
    usage = a_usage(Counters(), network=False)
    assert ("container_network_receive_bytes_total", "", "/kubepods/pod1") not in values(usage)
    assert "network" not in summary(usage)["pods"][0]


def test_the_summary_names_the_pods_main_interface() -> None:
    assert summary(a_usage(Counters()))["pods"][0]["network"]["rxBytes"] == 1
