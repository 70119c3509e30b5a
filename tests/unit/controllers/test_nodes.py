"""Silent nodes, their taints and their pods, in time that the test moves; and the ranges nodes get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.api.coordination_v1 import Lease, LeaseSpec
from controlplane.api.core_v1 import Node, NodeCondition, NodeSpec, NodeStatus, Pod, Taint, Toleration
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.nodeipam.controller import NodeIpamController
from controlplane.controllers.nodeipam.plan import Allocator, Misconfigured, NoRangeLeft, Ranges
from controlplane.controllers.nodelifecycle.controller import NodeLifecycleController
from controlplane.controllers.nodelifecycle.taints import Eviction, taints
from controlplane.controllers.nodelifecycle.zones import Rates, Turns, Zone, ZoneState
from controlplane.controllers.tainteviction.controller import TaintEvictionController
from controlplane.controllers.tainteviction.plan import leaves_at
from controlplane.kit.timestamps import format_micro_time, format_time
from tests.unit.controllers.objects import NOW, a_pod, ago
from tests.unit.controllers.world import World

PREFIX = "node.kubernetes.io/"


def a_node(name: str = "n1", ready: str = "True", *, zone: str = "z", taints: list[Taint] | None = None,
           unschedulable: bool = False, **conditions: str) -> Node:  # fmt: skip
    states = {"Ready": ready, **conditions} if ready else conditions
    found = [NodeCondition(type=type_, status=status, last_heartbeat_time=ago(1)) for type_, status in states.items()]
    return Node(
        metadata=ObjectMeta(name=name, uid=f"uid-{name}", labels={"topology.kubernetes.io/zone": zone}),
        spec=NodeSpec(taints=taints or [], unschedulable=unschedulable or None),
        status=NodeStatus(conditions=found),
    )


def keys(found: list[Taint]) -> list[str]:
    return sorted(f"{taint.key.removeprefix(PREFIX)}:{taint.effect}" for taint in found)


UNREACHABLE = Taint(key=f"{PREFIX}unreachable", effect="NoExecute", time_added=ago(60))
REGISTERED = Taint(key=f"{PREFIX}not-ready", effect="NoSchedule")
MINE = Taint(key="example.com/mine", effect="NoExecute")


@pytest.mark.parametrize(
    ("node", "eviction", "expected"),
    [
        pytest.param(a_node(), Eviction.KEEP, [], id="all is well"),
        pytest.param(a_node(ready="False"), Eviction.KEEP, ["not-ready:NoSchedule"], id="not ready"),
        pytest.param(a_node(ready="Unknown"), Eviction.KEEP, ["unreachable:NoSchedule"], id="silent"),
        pytest.param(
            a_node(ready="Unknown"), Eviction.START, ["unreachable:NoExecute", "unreachable:NoSchedule"],
            id="silent, and its turn has come",
        ),
        pytest.param(
            a_node(ready="False", taints=[UNREACHABLE]), Eviction.KEEP, ["not-ready:NoExecute", "not-ready:NoSchedule"],
            id="speaks again, but is not ready",
        ),
        pytest.param(a_node(taints=[UNREACHABLE]), Eviction.KEEP, [], id="is back"),
        pytest.param(
            a_node(ready="Unknown", taints=[UNREACHABLE]), Eviction.STOP, ["unreachable:NoSchedule"],
            id="every node is silent",
        ),
        pytest.param(a_node(ready="", taints=[REGISTERED]), Eviction.KEEP, ["not-ready:NoSchedule"], id="is new"),
        pytest.param(a_node(unschedulable=True), Eviction.KEEP, ["unschedulable:NoSchedule"], id="cordoned"),
        pytest.param(
            a_node(MemoryPressure="True", DiskPressure="True", PIDPressure="True", NetworkUnavailable="True"),
            Eviction.KEEP,
            ["disk-pressure:NoSchedule", "memory-pressure:NoSchedule", "network-unavailable:NoSchedule",
             "pid-pressure:NoSchedule"],
            id="under every pressure",
        ),
        pytest.param(a_node(taints=[MINE]), Eviction.KEEP, ["example.com/mine:NoExecute"], id="other taints stay"),
    ],
)  # fmt: skip
def test_taints(node: Node, eviction: Eviction, expected: list[str]) -> None:
    assert keys(taints(node, eviction, NOW)) == expected


def test_a_taint_that_stays_keeps_its_time() -> None:
    assert UNREACHABLE in taints(a_node(ready="Unknown", taints=[UNREACHABLE]), Eviction.KEEP, NOW)


@pytest.mark.parametrize(
    ("zone", "state", "rate"),
    [
        pytest.param(Zone(10, 0), ZoneState.NORMAL, 0.1, id="healthy"),
        pytest.param(Zone(3, 2), ZoneState.NORMAL, 0.1, id="two are too few to judge by"),
        pytest.param(Zone(10, 6), ZoneState.PARTIAL, 0.0, id="small and mostly down"),
        pytest.param(Zone(100, 55), ZoneState.PARTIAL, 0.01, id="large and mostly down"),
        pytest.param(Zone(100, 54), ZoneState.NORMAL, 0.1, id="just below the share"),
        pytest.param(Zone(4, 4), ZoneState.FULL, 0.1, id="all down"),
    ],
)
def test_zones(zone: Zone, state: ZoneState, rate: float) -> None:
    assert (zone.state(Rates()), zone.rate(Rates())) == (state, rate)


def test_turns_come_one_in_ten_seconds() -> None:
    turns = Turns()
    assert [second for second in range(0, 31, 5) if turns.take("z", 0.1, second)] == [0, 10, 20, 30]
    assert not turns.take("small zone", 0.0, 0)


NOT_READY_300 = Toleration(key=f"{PREFIX}unreachable", operator="Exists", effect="NoExecute", toleration_seconds=300)
FOR_EVER = Toleration(operator="Exists")


@pytest.mark.parametrize(
    ("tolerations", "time_added", "expected"),
    [
        pytest.param([], ago(60), 0, id="tolerates nothing: now"),
        pytest.param([NOT_READY_300], ago(60), 240, id="its time runs since the taint is there"),
        pytest.param([NOT_READY_300], None, 300, id="or since it was seen"),
        pytest.param([NOT_READY_300], ago(900), 100, id="but not since before the pod was"),
        pytest.param([FOR_EVER], ago(60), None, id="for ever"),
        pytest.param([NOT_READY_300, replace(NOT_READY_300, toleration_seconds=90)], ago(60), 30, id="shortest"),
        pytest.param([replace(NOT_READY_300, key="other")], ago(60), 0, id="tolerates something else"),
        pytest.param([replace(NOT_READY_300, toleration_seconds=-1)], ago(0), 0, id="negative is zero"),
    ],
)
def test_when_a_pod_leaves(tolerations: list[Toleration], time_added: str | None, expected: int | None) -> None:
    pod = a_pod("a", age=200)
    pod = replace(pod, spec=replace(pod.spec, tolerations=tolerations))
    leaves = leaves_at(pod, [replace(UNREACHABLE, time_added=time_added)], NOW)
    assert (leaves - NOW if leaves else None) == (timedelta(seconds=expected) if expected is not None else None)


class Cluster(World):
    """Nodes that renew their Leases unless they are `silent`."""

    def __init__(self, *names: str):
        super().__init__()
        self.names, self.silent = names, set[str]()
        for name in names:
            self.api.add(a_node(name))
            self.api.add(Lease(metadata=ObjectMeta(name=name, namespace="kube-node-lease")))

    async def live(self, seconds: int) -> None:
        for _ in range(seconds // 5):
            for name in set(self.names) - self.silent:
                renewed = LeaseSpec(renew_time=format_micro_time(self.clock.now()))
                self.api.update(Lease(metadata=ObjectMeta(name=name, namespace="kube-node-lease"), spec=renewed))
            await self.settle(5)

    def back(self, name: str) -> None:
        self.silent.discard(name)
        node = self.node(name)
        fresh = [NodeCondition(type="Ready", status="True", last_heartbeat_time=format_time(self.clock.now()))]
        self.api.update(replace(node, status=NodeStatus(conditions=fresh)))

    def node(self, name: str) -> Node:
        found = self.api.get(Node, name)
        assert found is not None
        return found

    def ready(self, name: str) -> str:
        return next(one.status for one in self.node(name).status.conditions if one.type == "Ready")

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        async with self.running(NodeLifecycleController(self.environment), TaintEvictionController(self.environment)):
            yield


def a_pod_on(node: str, name: str, **more: Any) -> Pod:
    pod = a_pod(name, node=node, **more)
    return replace(pod, spec=replace(pod.spec, tolerations=[NOT_READY_300]))


async def test_a_silent_node_is_marked_tainted_and_loses_its_pods_after_five_minutes() -> None:
    cluster = Cluster("n1", "n2")
    cluster.api.add(a_pod_on("n1", "a", now=cluster.clock.now()))
    async with cluster.watched():
        await cluster.live(60)
        assert cluster.ready("n1") == "True"

        cluster.silent.add("n1")
        await cluster.live(35)
        assert cluster.ready("n1") == "True"
        await cluster.live(15)
        assert (cluster.ready("n1"), cluster.ready("n2")) == ("Unknown", "True")
        assert keys(cluster.node("n1").spec.taints) == ["unreachable:NoExecute", "unreachable:NoSchedule"]
        pod = cluster.api.get(Pod, "a", "default")
        assert pod is not None and [one.status for one in pod.status.conditions] == ["False"]
        assert "Normal NodeNotReady Node n1 status is now: NodeNotReady" in cluster.events.told

        await cluster.live(280)
        pod = cluster.api.get(Pod, "a", "default")
        assert pod is not None and pod.metadata.deletion_timestamp is None
        await cluster.live(30)
        pod = cluster.api.get(Pod, "a", "default")
        assert pod is not None and pod.metadata.deletion_timestamp is not None
        assert "Normal TaintManagerEviction Marking for deletion Pod default/a" in cluster.events.told


async def test_a_node_that_comes_back_keeps_its_pods() -> None:
    cluster = Cluster("n1", "n2")
    cluster.api.add(a_pod_on("n1", "a", now=cluster.clock.now()))
    async with cluster.watched():
        cluster.silent.add("n1")
        await cluster.live(100)
        cluster.back("n1")
        await cluster.live(10)
        assert (cluster.ready("n1"), cluster.node("n1").spec.taints) == ("True", [])
        await cluster.live(400)
        pod = cluster.api.get(Pod, "a", "default")
        assert pod is not None and pod.metadata.deletion_timestamp is None
        assert "Normal TaintManagerEviction Cancelling deletion of Pod default/a" in cluster.events.told


async def test_when_all_are_silent_nobody_is_evicted() -> None:
    cluster = Cluster("n1", "n2")
    async with cluster.watched():
        cluster.silent |= {"n1", "n2"}
        await cluster.live(300)
        assert [keys(cluster.node(name).spec.taints) for name in cluster.names] == [["unreachable:NoSchedule"]] * 2

        cluster.back("n2")
        await cluster.live(20)
        assert cluster.node("n2").spec.taints == []


async def test_nodes_are_evicted_one_in_ten_seconds() -> None:
    cluster = Cluster(*(f"n{number}" for number in range(9)))
    async with cluster.watched():
        cluster.silent |= {"n1", "n2", "n3"}
        evicted = []
        for _ in range(20):
            await cluster.live(5)
            evicted.append(sum(len(cluster.node(name).spec.taints) == 2 for name in cluster.names))
        steps = [step for step, (before, after) in enumerate(pairwise(evicted)) if after > before]
        assert (evicted[-1], [later - sooner for sooner, later in pairwise(steps)]) == (3, [2, 2])


async def test_a_node_that_never_speaks() -> None:
    cluster = Cluster()
    cluster.api.add(a_node("mute", ready=""))
    async with cluster.watched():
        await cluster.live(70)
        assert [(one.type, one.status, one.reason) for one in cluster.node("mute").status.conditions] == [
            (type_, "Unknown", "NodeStatusNeverUpdated")
            for type_ in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
        ]


# Ranges of pod addresses


def test_ranges_are_given_in_turn_and_again_when_free() -> None:
    allocator = Allocator([ip_network("10.244.0.0/22")], {4: 24})
    given_ = [allocator.allocate()[0] for _ in range(3)]
    assert given_ == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]
    allocator.free(["10.244.1.0/24"])
    assert [allocator.allocate()[0] for _ in range(2)] == ["10.244.3.0/24", "10.244.1.0/24"]
    with pytest.raises(NoRangeLeft):
        allocator.allocate()


def test_dual_stack_gives_both_or_none() -> None:
    allocator = Allocator([ip_network("10.244.0.0/23"), ip_network("fd00::/64")], {4: 24, 6: 64})
    assert allocator.allocate() == ["10.244.0.0/24", "fd00::/64"]
    with pytest.raises(NoRangeLeft):
        allocator.allocate()
    allocator.free(["fd00::/64"])
    assert allocator.allocate() == ["10.244.1.0/24", "fd00::/64"]


def test_the_range_of_services_is_left_out() -> None:
    allocator = Allocator([ip_network("10.0.0.0/22")], {4: 24}, [ip_network("10.0.1.0/25")])
    assert [allocator.allocate()[0] for _ in range(2)] == ["10.0.0.0/24", "10.0.2.0/24"]


@pytest.mark.parametrize(
    ("cluster", "mask"),
    [pytest.param("10.244.0.0/25", 24, id="too small"), pytest.param("10.0.0.0/8", 26, id="too many")],
)
def test_settings_that_cannot_be(cluster: str, mask: int) -> None:
    with pytest.raises(Misconfigured):
        Ranges(ip_network(cluster), mask)


@given(st.lists(st.booleans(), max_size=60))
def test_no_two_nodes_share_a_range(history: list[bool]) -> None:
    allocator, held = Allocator([ip_network("10.244.0.0/20")], {4: 24}), list[str]()
    for gives in history:
        if gives and len(held) < 16:
            held += allocator.allocate()
        elif held:
            allocator.free([held.pop(0)])
        assert len(set(held)) == len(held)


async def test_nodes_get_ranges_and_a_restart_remembers_them() -> None:
    world = World()
    for name in ("a", "b"):
        world.api.add(Node(metadata=ObjectMeta(name=name)))
    taken = NodeSpec(pod_cidr="10.244.0.0/24", pod_cidrs=["10.244.0.0/24"])
    world.api.add(Node(metadata=ObjectMeta(name="old"), spec=taken))
    allocator = Allocator([ip_network("10.244.0.0/23")], {4: 24})
    async with world.running(NodeIpamController(world.environment, allocator)):
        given_ = {node.metadata.name: node.spec.pod_cidrs for node in world.api.list(Node)}
        assert sorted(map(str, given_.values())) == ["['10.244.0.0/24']", "['10.244.1.0/24']", "[]"]
        (without,) = [name for name, ranges in given_.items() if not ranges]
        assert world.events.told == [f"Normal CIDRNotAvailable Node {without} status is now: CIDRNotAvailable"]

        world.api.remove(Node, "old")
        await world.settle(11)
        assert all(node.spec.pod_cidrs for node in world.api.list(Node))
