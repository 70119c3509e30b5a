"""Events reach users once each, counted when they repeat, combined when they swarm, dropped when they flood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from controlplane.api.core_v1 import Event, Node, Pod
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.client.event_correlation import Correlator
from controlplane.client.events import EventRecorder
from controlplane.kit.clock import ManualClock
from tests.fakes.api import FakeApi

POD = Pod(metadata=ObjectMeta(name="web", namespace="default", uid="u1", resource_version="7"))


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api = FakeApi(self.clock)
        self.recorder = EventRecorder(Client(self.api), self.clock, "kubelet", host="n1")
        self.task = asyncio.ensure_future(self.recorder.run())

    async def events(self, wait: float = 0.1) -> list[tuple[str, int | None]]:
        await self.clock.advance(wait)
        return [(event.message, event.count) for event in self.api.list(Event)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.task.cancel()
    await asyncio.gather(world.task, return_exceptions=True)


async def test_says_who_what_and_where(world: World) -> None:
    world.recorder.event(POD, "Normal", "Pulled", "Image present", field_path="spec.containers{c}")
    await world.clock.advance(0.1)
    [event] = world.api.list(Event)
    assert event.involved_object is not None and event.source is not None
    regarding = event.involved_object
    assert (regarding.kind, regarding.name, regarding.uid, regarding.field_path) == (
        "Pod",
        "web",
        "u1",
        "spec.containers{c}",
    )
    assert (event.source.component, event.source.host) == ("kubelet", "n1")
    assert event.first_timestamp == event.last_timestamp == "2026-01-01T00:00:00Z"
    assert event.metadata.name.startswith("web.")


async def test_repeats_are_counted_in_one_event(world: World) -> None:
    for _ in range(3):
        world.recorder.event(POD, "Warning", "BackOff", "Back-off restarting")
        await world.clock.advance(10)
    [event] = world.api.list(Event)
    assert (event.count, event.first_timestamp, event.last_timestamp) == (
        3,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:20Z",
    )


async def test_repeat_of_an_event_that_expired_starts_anew(world: World) -> None:
    world.recorder.event(POD, "Warning", "BackOff", "Back-off")
    await world.clock.advance(1)
    [event] = world.api.list(Event)
    world.api.remove(Event, event.metadata.name, "default")
    world.recorder.event(POD, "Warning", "BackOff", "Back-off")
    assert await world.events() == [("Back-off", 2)]


async def test_events_of_nodes_go_to_the_default_namespace(world: World) -> None:
    world.recorder.event(Node(metadata=ObjectMeta(name="n1")), "Normal", "NodeReady", "ready")
    await world.clock.advance(0.1)
    assert [event.metadata.namespace for event in world.api.list(Event)] == ["default"]


async def test_waits_for_the_server_to_come_back(world: World) -> None:
    world.api.unreachable = True
    world.recorder.event(POD, "Normal", "Started", "Started")
    assert await world.events(25) == []
    world.api.unreachable = False
    assert await world.events(10) == [("Started", 1)]


def test_many_similar_messages_become_one() -> None:
    correlator, subject = Correlator(ManualClock()), ("Pod", "default", "web", "u1", "", "Warning", "Failed")
    messages = [sent.message for number in range(12) if (sent := correlator.correlate(subject, f"attempt {number}"))]
    assert messages[8] == "attempt 8"
    assert messages[9:] == [f"(combined from similar events): attempt {number}" for number in (9, 10, 11)]


async def test_flood_is_cut_to_one_in_five_minutes() -> None:
    clock = ManualClock()
    correlator, subject = Correlator(clock), ("Pod", "default", "web", "u1", "", "Warning", "Failed")
    sent = [correlator.correlate(subject, "again") for _ in range(40)]
    assert sum(one is not None for one in sent) == 25
    await clock.advance(301)
    sent = [correlator.correlate(subject, "again") for _ in range(3)]
    assert [one is not None for one in sent] == [True, False, False]
