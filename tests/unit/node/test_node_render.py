"""The Node object and its status."""

from __future__ import annotations

from dataclasses import replace as replace_fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import Node, NodeAddress, NodeCondition, NodeFeatures, NodeStatus
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri.records import Handler, RuntimeStatus
from nodeagent.node.machine import Machine, os_image, thermal_paths
from nodeagent.node.render import (
    NodeSettings,
    Observed,
    address_conflict,
    overcommitted,
    reconcile_registered,
    render_features,
    render_handlers,
    render_node,
    render_status,
    same_but_for_heartbeats,
    system_info,
)
from nodeagent.node.status import status_patch

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
GIB = 2**30
MACHINE = Machine(2, 4 * GIB, 100 * GIB, "m", "u", "b", "6.1", "Debian GNU/Linux 12", "amd64")
SETTINGS = NodeSettings("node1", ("192.168.56.11",), version="v1.37.0")


def observed(problems: tuple[str, ...] = (), pressures: tuple[str, ...] = ()) -> Observed:
    return Observed(MACHINE, frozenset(pressures), "containerd://1.6.20", problems)


def conditions(status: NodeStatus) -> dict[str, NodeCondition]:
    return {condition.type: condition for condition in status.conditions}


@pytest.mark.parametrize(
    ("seen", "type_", "status", "reason"),
    [
        pytest.param(observed(), "Ready", "True", "KubeletReady", id="ready"),
        pytest.param(observed(("no network",)), "Ready", "False", "KubeletNotReady", id="not ready"),
        pytest.param(observed(), "MemoryPressure", "False", "KubeletHasSufficientMemory", id="memory"),
        pytest.param(
            observed(pressures=("MemoryPressure",)),
            "MemoryPressure",
            "True",
            "KubeletHasInsufficientMemory",
            id="no memory",
        ),
        pytest.param(
            observed(pressures=("DiskPressure",)), "DiskPressure", "True", "KubeletHasDiskPressure", id="no disk"
        ),
        pytest.param(
            observed(pressures=("PIDPressure",)), "PIDPressure", "True", "KubeletHasInsufficientPID", id="no pids"
        ),
    ],
)
def test_conditions(seen: Observed, type_: str, status: str, reason: str) -> None:
    found = conditions(render_status(SETTINGS, seen, NodeStatus(), NOW))[type_]
    assert (found.status, found.reason) == (status, reason)


def test_a_problem_is_said_in_the_ready_condition() -> None:
    found = conditions(render_status(SETTINGS, observed(("a", "b")), NodeStatus(), NOW))["Ready"]
    assert found.message == "[a, b]"


def test_transition_time_moves_only_with_the_status() -> None:
    first = render_status(SETTINGS, observed(), NodeStatus(), NOW)
    later = render_status(SETTINGS, observed(), first, NOW + timedelta(minutes=5))
    ready = conditions(later)["Ready"]
    assert (ready.last_transition_time, ready.last_heartbeat_time) == ("2026-11-21T06:30:00Z", "2026-11-21T06:35:00Z")
    assert same_but_for_heartbeats(first, later)
    assert not same_but_for_heartbeats(first, render_status(SETTINGS, observed(("x",)), first, NOW))


def test_conditions_of_others_stay() -> None:
    previous = NodeStatus(conditions=[NodeCondition(type="NetworkUnavailable", status="False")])
    assert "NetworkUnavailable" in conditions(render_status(SETTINGS, observed(), previous, NOW))


def amounts(kept: dict[str, int], **machine: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    seen = replace_fields(observed(), machine=replace_fields(MACHINE, **machine))
    status = render_status(replace_fields(SETTINGS, kept=kept), seen, NodeStatus(), NOW)
    return status.capacity, status.allocatable


def test_what_is_kept_from_pods_is_not_allocatable() -> None:
    capacity, allocatable = amounts({"cpu": 100, "memory": GIB, "ephemeral-storage": 10 * GIB, "pid": 1000})
    assert capacity == {"cpu": "2", "ephemeral-storage": "104857600Ki", "memory": "4194304Ki", "pods": "110"}
    assert allocatable == {
        "cpu": "1900m",
        "ephemeral-storage": f"{90 * 2**20}Ki",
        "memory": f"{3 * 2**20}Ki",
        "pods": "110",
    }


def test_huge_pages_are_memory_that_is_gone() -> None:
    capacity, allocatable = amounts({}, huge_pages={2 * 2**20: GIB, GIB: 0})
    assert (capacity["hugepages-2Mi"], capacity["hugepages-1Gi"]) == ("1Gi", "0")
    assert (allocatable["hugepages-2Mi"], allocatable["memory"]) == ("1Gi", f"{3 * 2**20}Ki")


@pytest.mark.parametrize(
    ("kept", "word"),
    [
        pytest.param({"memory": 4 * GIB, "pid": 10**6}, "", id="all of it"),
        pytest.param({"memory": 5 * GIB}, "of memory are kept from pods", id="more than there is"),
    ],
)
def test_no_more_can_be_kept_than_there_is(kept: dict[str, int], word: str) -> None:
    problem = overcommitted(MACHINE, replace_fields(SETTINGS, kept=kept))
    assert word in problem and bool(word) == bool(problem)


@pytest.mark.parametrize(("swap", "shown"), [(0, None), (GIB, GIB)])
def test_swap_is_told_if_there_is_any(swap: int, shown: int | None) -> None:
    info = system_info(SETTINGS, replace_fields(observed(), machine=replace_fields(MACHINE, swap=swap)))
    assert (info.swap.capacity if info.swap else None) == shown


def test_the_patch_replaces_addresses_rather_than_merging_them() -> None:
    patch = status_patch(render_status(SETTINGS, observed(), NodeStatus(), NOW))
    assert patch["status"]["addresses"] == [
        {"$patch": "replace"},
        {"type": "InternalIP", "address": "192.168.56.11"},
        {"type": "Hostname", "address": "node1"},
    ]


def test_a_node_that_is_right_already_is_left_alone() -> None:
    wanted = render_node(SETTINGS, observed(), NOW)
    assert reconcile_registered(wanted, wanted) is None


def test_labels_of_others_stay_and_ours_win() -> None:
    wanted = render_node(SETTINGS, observed(), NOW)
    labels = {"kubernetes.io/hostname": "old", "team": "a"}
    existing = replace(wanted, metadata=replace(wanted.metadata, labels=labels))
    update = reconcile_registered(existing, wanted)
    assert update is not None
    assert update.metadata.labels["kubernetes.io/hostname"] == "node1"
    assert update.metadata.labels["team"] == "a"


def test_two_nodes_may_not_claim_one_address() -> None:
    other = Node(
        metadata=ObjectMeta(name="node2"),
        status=NodeStatus(addresses=[NodeAddress(type="InternalIP", address="10.0.2.15")]),
    )
    assert "--node-ip" in address_conflict("node1", ["10.0.2.15"], [other])
    assert address_conflict("node2", ["10.0.2.15"], [other]) == ""
    assert address_conflict("node1", ["192.168.56.11"], [other]) == ""


def test_what_the_runtime_can_do_is_told() -> None:
    handlers = (Handler("runc", recursive_read_only=True, user_namespaces=True), Handler(""))
    runtime = RuntimeStatus(handlers=handlers, strict_groups=True)
    assert [
        (one.name, one.features and (one.features.recursive_read_only_mounts, one.features.user_namespaces))
        for one in render_handlers(runtime)
    ] == [("", (False, False)), ("runc", (True, False))]
    assert render_features(runtime) == NodeFeatures(supplemental_groups_policy=True)
    assert (render_handlers(RuntimeStatus()), render_features(RuntimeStatus())) == ([], None)


def test_thermal_paths(tmp_path: Path) -> None:
    for name in ("cpu0/thermal_throttle", "cpu1/cache", "cpufreq/thermal_throttle", "cpu10/thermal_throttle"):
        (tmp_path / "sys/devices/system/cpu" / name).mkdir(parents=True)
    places = [f"/sys/devices/system/cpu/{name}/thermal_throttle" for name in ("cpu0", "cpu10")]
    assert thermal_paths(tmp_path) == tuple(places)


def test_os_image() -> None:
    assert os_image('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n') == "Debian GNU/Linux 12 (bookworm)"
