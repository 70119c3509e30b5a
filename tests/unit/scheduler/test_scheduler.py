"""The whole scheduler against an API that behaves: bound, explained, woken, counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from controlplane.api.core_v1 import Event, Node, Pod
from controlplane.api.resources import resource_of
from controlplane.api.status import InternalError, not_found
from controlplane.client.client import Client
from controlplane.client.events import EventRecorder
from controlplane.client.informer import Informers
from controlplane.kit.clock import ManualClock
from controlplane.scheduler.metrics import SchedulerMetrics
from controlplane.scheduler.scheduler import Scheduler
from tests.fakes.api import FakeApi
from tests.fakes.scheduling import a_node, a_pod


class World:
    def __init__(self) -> None:
        self.clock, self.registry = ManualClock(), CollectorRegistry()
        self.api = FakeApi(self.clock)
        client = Client(self.api)
        informers = Informers(client, self.clock, Random(1))
        recorder = EventRecorder(client, self.clock, "default-scheduler")
        self.scheduler = Scheduler(client, informers, recorder, self.clock, Random(2), SchedulerMetrics(self.registry))
        self.tasks = [asyncio.ensure_future(one) for one in (informers.run(), recorder.run(), self.scheduler.run())]

    def node_of(self, name: str) -> str:
        pod = self.api.get(Pod, name, "default")
        return pod.spec.node_name if pod else "gone"

    def events(self) -> list[tuple[str, str, int | None]]:
        return [(event.reason, event.message, event.count) for event in self.api.list(Event)]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for task in world.tasks:
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)


async def test_binds_and_says_so(world: World) -> None:
    world.api.add(a_node("n1"))
    world.api.add(a_pod("web", cpu="1"))
    await world.clock.advance(0.1)
    assert world.node_of("web") == "n1"
    assert world.events() == [("Scheduled", "Successfully assigned default/web to n1", 1)]
    assert world.metric("scheduler_schedule_attempts_total", result="scheduled", profile="default-scheduler") == 1


async def test_spreads_pods_of_one_owner(world: World) -> None:
    for name in ("n1", "n2", "n3"):
        world.api.add(a_node(name))
    for number in range(6):
        world.api.add(a_pod(f"web-{number}", cpu="100m", owner="rs"))
    await world.clock.advance(0.1)
    assert sorted(world.node_of(f"web-{number}") for number in range(6)) == ["n1", "n1", "n2", "n2", "n3", "n3"]


async def test_explains_once_and_tries_again_when_room_is_made(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    world.api.add(a_pod("big", cpu="800m", node="n1"))
    world.api.add(a_pod("web", cpu="500m"))
    await world.clock.advance(0.1)
    pod = world.api.get(Pod, "web", "default")
    assert pod is not None
    [condition] = [one for one in pod.status.conditions if one.type == "PodScheduled"]
    message = (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    assert (condition.status, condition.reason, condition.message) == ("False", "Unschedulable", message)
    assert world.events() == [("FailedScheduling", message, 1)]
    assert world.metric("scheduler_pending_pods", queue="unschedulable") == 1
    world.api.remove(Pod, "big", "default")
    await world.clock.advance(1.5)
    assert world.node_of("web") == "n1"


async def test_waits_for_the_first_node(world: World) -> None:
    world.api.add(a_pod("web"))
    await world.clock.advance(1.1)
    assert world.events() == [("FailedScheduling", "no nodes available to schedule pods", 1)]
    world.api.add(a_node("n1"))
    await world.clock.advance(0.1)
    assert world.node_of("web") == "n1"


async def test_gated_pod_waits_for_its_gates(world: World) -> None:
    world.api.add(a_node("n1"))
    world.api.add(a_pod("web", schedulingGates=[{"name": "example.com/quota"}]))
    await world.clock.advance(60)
    assert world.node_of("web") == "" and world.events() == []
    assert world.metric("scheduler_pending_pods", queue="gated") == 1
    world.api.update(a_pod("web"))
    await world.clock.advance(0.1)
    assert world.node_of("web") == "n1"


async def test_leaves_other_schedulers_pods_alone(world: World) -> None:
    world.api.add(a_node("n1"))
    world.api.add(a_pod("web", schedulerName="my-scheduler"))
    await world.clock.advance(1)
    assert world.node_of("web") == ""


async def test_pod_in_deletion_is_skipped(world: World) -> None:
    world.api.add(a_node("n1"))
    pod = a_pod("web")
    metadata = msgspec.structs.replace(pod.metadata, deletion_timestamp="2026-01-01T00:00:00Z", finalizers=["x/y"])
    world.api.add(msgspec.structs.replace(pod, metadata=metadata))
    await world.clock.advance(1)
    assert world.node_of("web") == ""


async def test_failed_binding_is_tried_again_after_its_back_off(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    world.api.fail(InternalError("etcd is gone"), method="POST", path="/binding")
    world.api.add(a_pod("web", cpu="1"))
    await world.clock.advance(0.5)
    assert world.node_of("web") == ""
    assert ("FailedScheduling", "etcd is gone", 1) in world.events()
    await world.clock.advance(1)
    assert world.node_of("web") == "n1"


async def test_assumed_pods_count_while_bindings_are_under_way(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    world.api.add(a_pod("a", cpu="600m"))
    world.api.add(a_pod("b", cpu="600m"))
    await world.clock.advance(0.1)
    assert sorted([world.node_of("a"), world.node_of("b")]) == ["", "n1"]


async def test_higher_priority_goes_first(world: World) -> None:
    world.api.add(a_pod("low", cpu="1"))
    world.api.add(a_pod("high", cpu="1", priority=1000))
    await world.clock.advance(5)
    world.api.add(a_node("n1", cpu="1"))
    await world.clock.advance(5)
    assert (world.node_of("high"), world.node_of("low")) == ("n1", "")


async def test_pod_is_tried_again_after_five_minutes_even_if_nothing_seems_to_help(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    world.api.add(a_pod("web", cpu="2"))
    await world.clock.advance(400)
    assert world.metric("scheduler_schedule_attempts_total", result="unschedulable", profile="default-scheduler") == 2


async def test_heartbeats_of_nodes_wake_nobody(world: World) -> None:
    node = world.api.add(a_node("n1", cpu="1"))
    world.api.add(a_pod("web", cpu="2"))
    await world.clock.advance(20)
    status = msgspec.structs.replace(node.status, phase="Running")
    world.api.update(msgspec.structs.replace(node, status=status))
    await world.clock.advance(20)
    assert world.metric("scheduler_schedule_attempts_total", result="unschedulable", profile="default-scheduler") == 1


async def test_uncordoning_a_node_wakes_the_pod(world: World) -> None:
    node = world.api.add(a_node("n1", unschedulable=True))
    world.api.add(a_pod("web"))
    await world.clock.advance(20)
    assert world.node_of("web") == ""
    world.api.update(msgspec.structs.replace(node, spec=msgspec.structs.replace(node.spec, unschedulable=None)))
    await world.clock.advance(0.1)
    assert world.node_of("web") == "n1"


async def test_finished_pods_hold_nothing(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    job = world.api.add(a_pod("job", cpu="1", node="n1"))
    world.api.add(a_pod("web", cpu="1"))
    await world.clock.advance(2)
    world.api.update(msgspec.structs.replace(job, status=msgspec.structs.replace(job.status, phase="Succeeded")))
    await world.clock.advance(2)
    assert world.node_of("web") == "n1"


async def test_node_that_went_is_chosen_no_more(world: World) -> None:
    world.api.add(a_node("n1"))
    world.api.add(a_node("n2"))
    world.api.add(a_pod("old", node="n1"))
    await world.clock.advance(0.1)
    world.api.remove(Node, "n1")
    world.api.add(a_pod("web"))
    await world.clock.advance(0.1)
    assert world.node_of("web") == "n2"


async def test_pod_that_could_not_be_bound_makes_room_for_those_it_kept_out(world: World) -> None:
    world.api.add(a_node("n1", cpu="1"))
    world.api.fail(not_found(resource_of(Pod), "gone"), method="POST", path="/gone/binding")
    world.api.add(a_pod("gone", cpu="600m", priority=1))
    world.api.add(a_pod("web", cpu="600m"))
    await world.clock.advance(1.5)
    assert world.node_of("web") == "n1"
