"""What goes when its owners go, and pods that nobody will finish."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, ReplicaSet
from controlplane.api.core_v1 import ConfigMap, Node, NodeSpec, Pod, Taint
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.controllers.garbagecollector.controller import GarbageCollector
from controlplane.controllers.garbagecollector.graph import Graph, Identity
from controlplane.controllers.garbagecollector.plan import (
    Action,
    Delete,
    DropOwners,
    Nothing,
    OwnerState,
    Policy,
    decide,
)
from controlplane.controllers.ownership import controller_reference
from controlplane.controllers.podgc.controller import PodGarbageCollector
from controlplane.controllers.podgc.plan import Quarantine, beyond_threshold, out_of_service, unscheduled
from tests.unit.controllers.objects import a_deployment, a_pod, a_replica_set, ago, meta
from tests.unit.controllers.world import World

SOLID, WAITING, ABSENT = OwnerState.SOLID, OwnerState.WAITING, OwnerState.ABSENT


@pytest.mark.parametrize(
    ("states", "finalizers", "dependents", "expected"),
    [
        pytest.param([], [], "", Nothing(), id="never had an owner"),
        pytest.param([SOLID], [], "", Nothing(), id="its owner is there"),
        pytest.param([ABSENT], [], "", Delete(Policy.BACKGROUND), id="its owner is gone"),
        pytest.param([SOLID, ABSENT], [], "", DropOwners(frozenset({"1"})), id="one of two owners is gone"),
        pytest.param([ABSENT, ABSENT], [], "", Delete(Policy.BACKGROUND), id="both are"),
        pytest.param([WAITING], [], "", Delete(Policy.BACKGROUND), id="its owner waits for it"),
        pytest.param([WAITING], [], "some", Delete(Policy.FOREGROUND), id="and it has dependents of its own"),
        pytest.param([WAITING], [], "deleting", Delete(Policy.FOREGROUND, unblock=True), id="in a circle"),
        pytest.param([SOLID, WAITING], [], "", DropOwners(frozenset({"1"})), id="another owner keeps it"),
        pytest.param([ABSENT], ["orphan"], "", Delete(Policy.ORPHAN), id="was to orphan its own"),
        pytest.param([ABSENT], ["foregroundDeletion"], "", Delete(Policy.FOREGROUND), id="was to wait for its own"),
    ],
)
def test_decide(states: list[OwnerState], finalizers: list[str], dependents: str, expected: Action) -> None:
    owners = [(OwnerReference(uid=str(number)), state) for number, state in enumerate(states)]
    assert expected == decide(
        owners, finalizers, has_dependents=bool(dependents), dependent_is_deleting=dependents == "deleting"
    )


def an_identity(name: str) -> Identity:
    return Identity("v1", "ConfigMap", "default", name, f"uid-of-{name}")


def owned_by(*names: str, blocks: bool = True, **more: Any) -> ObjectMeta:
    owners = [
        OwnerReference(api_version="v1", kind="ConfigMap", name=name, uid=f"uid-of-{name}", block_owner_deletion=blocks)
        for name in names
    ]
    return ObjectMeta(owner_references=owners, **more)


def test_an_owner_not_seen_yet_is_asked_for() -> None:
    graph = Graph()
    assert graph.observe(an_identity("a"), owned_by("owner")).delete == ("uid-of-owner",)
    owner = graph.get("uid-of-owner")
    assert owner is not None and owner.virtual
    assert graph.observe(an_identity("owner"), ObjectMeta()).delete == ()
    assert not owner.virtual


def test_a_deletion_calls_for_a_look_at_the_dependents() -> None:
    graph = Graph()
    graph.observe(an_identity("owner"), ObjectMeta())
    graph.observe(an_identity("a"), owned_by("owner"))
    assert graph.remove("uid-of-owner").delete == ("uid-of-a",)
    graph.remove("uid-of-a")
    assert len(graph) == 0


def test_its_own_owner() -> None:
    graph = Graph()
    graph.observe(an_identity("a"), owned_by("a"))
    assert graph.remove("uid-of-a").delete == ()
    assert len(graph) == 0


def test_only_what_blocks_holds_an_owner_back() -> None:
    graph = Graph()
    graph.observe(an_identity("owner"), ObjectMeta())
    graph.observe(an_identity("blocks"), owned_by("owner"))
    graph.observe(an_identity("does-not"), owned_by("owner", blocks=False))
    leaving = ObjectMeta(deletion_timestamp=ago(1), finalizers=["foregroundDeletion"])
    assert set(graph.observe(an_identity("owner"), leaving).delete) == {
        "uid-of-owner", "uid-of-blocks", "uid-of-does-not",
    }  # fmt: skip
    owner = graph.get("uid-of-owner")
    assert owner is not None
    assert [one.identity.name for one in owner.blocking()] == ["blocks"]
    assert graph.observe(an_identity("blocks"), owned_by("owner", blocks=False)).delete == ("uid-of-owner",)


# The loop


class Family(World):
    """A Deployment, its ReplicaSet, and the ReplicaSet's pod on no node."""

    def __init__(self) -> None:
        super().__init__()
        self.deployment = self.api.add(a_deployment())
        owners = [controller_reference(self.deployment)]
        self.replica_set = self.api.add(a_replica_set("web-1", owner_references=owners))
        self.api.add(a_pod("p", owner=self.replica_set, node=""))

    def there(self) -> list[str]:
        kinds: tuple[type[Any], ...] = (Deployment, ReplicaSet, Pod)
        return [kind.__name__ for kind in kinds if self.api.list(kind)]

    def finalize(self, obj: Any, finalizer: str) -> None:
        """Do what the API server does on a delete with this policy."""
        leaving = replace(obj.metadata, finalizers=[finalizer])
        self.api.update(replace(obj, metadata=leaving))


async def test_background_deletion_goes_down_the_generations() -> None:
    world = Family()
    async with world.running(GarbageCollector(world.environment)):
        assert world.there() == ["Deployment", "ReplicaSet", "Pod"]
        world.api.remove(Deployment, "web", "default")
        await world.settle()
        assert world.there() == []


async def test_what_lost_its_owner_while_nobody_watched_goes_too() -> None:
    world = Family()
    world.api.remove(Deployment, "web", "default")
    async with world.running(GarbageCollector(world.environment)):
        await world.settle()
        assert world.there() == []


async def test_an_owner_of_the_same_name_but_another_uid_is_another_owner() -> None:
    world = Family()
    world.api.remove(Deployment, "web", "default")
    again = a_deployment()
    world.api.add(replace(again, metadata=replace(again.metadata, uid="another")))
    async with world.running(GarbageCollector(world.environment)):
        await world.settle()
        assert world.there() == ["Deployment"]


async def test_foreground_deletion_keeps_the_owner_until_the_last() -> None:
    world = Family()
    pod = world.api.get(Pod, "p", "default")
    assert pod is not None
    world.finalize(pod, "example.com/hold")
    world.finalize(world.deployment, "foregroundDeletion")
    async with world.running(GarbageCollector(world.environment)):
        await world.client.delete(Deployment, "web", "default")
        await world.settle()
        # The fake does not add a finalizer for the policy, so the ReplicaSet goes at once; the Deployment then follows.
        assert "Pod" in world.there()
        live = world.api.get(Pod, "p", "default")
        assert live is not None and live.metadata.deletion_timestamp
        world.api.update(replace(live, metadata=replace(live.metadata, finalizers=[])))
        await world.settle()
        assert world.there() == []


async def test_orphaning_takes_the_reference_out_before_the_owner_goes() -> None:
    world = Family()
    world.finalize(world.deployment, "orphan")
    async with world.running(GarbageCollector(world.environment)):
        await world.client.delete(Deployment, "web", "default")
        await world.settle()
        assert world.there() == ["ReplicaSet", "Pod"]
        assert world.api.list(ReplicaSet)[0].metadata.owner_references == []


async def test_a_kind_that_only_the_collector_follows_is_collected() -> None:
    world = Family()
    owners = [controller_reference(world.deployment)]
    world.api.add(ConfigMap(metadata=meta("settings", owner_references=owners), data={"large": "x" * 1000}))
    async with world.running(GarbageCollector(world.environment)):
        world.api.remove(Deployment, "web", "default")
        await world.settle()
        assert world.api.list(ConfigMap) == []


async def test_deletes_only_the_version_it_judged() -> None:
    world = Family()
    versions = {pod.metadata.uid: pod.metadata.resource_version for pod in world.api.list(Pod)}
    async with world.running(GarbageCollector(world.environment)):
        world.api.remove(ReplicaSet, "web-1", "default")
        await world.settle()
    asked = [one.body["preconditions"] for one in world.api.requests if one.method == "DELETE"]
    assert {one["uid"]: one["resourceVersion"] for one in asked} == versions


async def test_a_failing_server_only_delays() -> None:
    world = Family()
    from controlplane.api.status import InternalError

    async with world.running(GarbageCollector(world.environment)):
        world.api.fail(InternalError("no"), method="DELETE", times=3)
        world.api.remove(Deployment, "web", "default")
        await world.settle(1)
        assert world.there() == []


# Pods that nobody will finish


def test_finished_pods_beyond_the_threshold() -> None:
    old, older = a_pod("old", phase="Succeeded", age=100), a_pod("older", phase="Failed", age=200)
    evicted = a_pod("evicted", phase="Failed", age=1)
    evicted = replace(evicted, status=replace(evicted.status, reason="Evicted"))
    pods = [old, older, evicted, a_pod("running")]
    assert [one.pod.metadata.name for one in beyond_threshold(pods, 1)] == ["evicted", "older"]
    assert beyond_threshold(pods, 3) == []
    assert beyond_threshold(pods, 0) == []


def test_terminating_without_a_node() -> None:
    pods = [a_pod("a", node="", deletion_timestamp=ago(1)), a_pod("b", node=""), a_pod("c", deletion_timestamp=ago(1))]
    assert [one.pod.metadata.name for one in unscheduled(pods)] == ["a"]


def test_terminating_on_a_node_declared_dead() -> None:
    dead = Node(spec=NodeSpec(taints=[Taint(key="node.kubernetes.io/out-of-service", effect="NoExecute")]))
    found = out_of_service([a_pod("a", deletion_timestamp=ago(1)), a_pod("b")], lambda _: dead)
    assert [one.pod.metadata.name for one in found] == ["a"]


def test_a_node_is_gone_only_after_a_while() -> None:
    quarantine = Quarantine(40)
    assert list(quarantine.served({"n"}, 0)) == []
    assert list(quarantine.served({"n"}, 39)) == []
    assert list(quarantine.served(set(), 39.5)) == []
    assert list(quarantine.served({"n"}, 40)) == []
    assert list(quarantine.served({"n"}, 80)) == ["n"]


async def test_pods_of_a_node_that_is_no_more_are_failed_and_deleted() -> None:
    world = World()
    world.api.add(Node(metadata=ObjectMeta(name="n2")))
    world.api.add(a_pod("lost", node="n1"))
    world.api.add(a_pod("fine", node="n2"))
    async with world.running(PodGarbageCollector(world.environment)):
        await world.settle(30)
        assert len(world.api.list(Pod)) == 2
        await world.settle(35)
        assert [pod.metadata.name for pod in world.api.list(Pod)] == ["fine"]
        patched = [asked.body["status"]["phase"] for asked in world.api.writes() if asked.method == "PATCH"]
        assert patched == ["Failed"]
