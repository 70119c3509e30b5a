"""The Lease: made with the Node that is there now, renewed through whatever happens to it."""

from __future__ import annotations

import logging

import pytest

from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.node.heartbeat import NAMESPACE, Heartbeat
from tests.fakes.api import FakeApi


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api = FakeApi(self.clock)
        self.node = self.api.add(Node(metadata=ObjectMeta(name="n1")))
        self.heartbeat = Heartbeat("n1", Client(self.api), self.clock)

    @property
    def lease(self) -> Lease:
        found = self.api.get(Lease, "n1", NAMESPACE)
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


async def test_it_is_renewed_every_ten_seconds(world: World) -> None:
    async with running(world.heartbeat.run()):
        await world.clock.advance(1)
        first = world.lease.spec.renew_time
        await world.clock.advance(10)
        assert world.lease.spec.renew_time != first


async def test_a_node_that_was_made_anew_owns_the_new_lease(world: World) -> None:
    async with running(world.heartbeat.run()):
        await world.clock.advance(1)
        world.api.remove(Lease, "n1", NAMESPACE)  # what the garbage collector does after the Node
        world.api.remove(Node, "n1")
        node = world.api.add(Node(metadata=ObjectMeta(name="n1")))
        await world.clock.advance(20)
        assert world.lease.metadata.owner_references[0].uid == node.metadata.uid


async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "nodeagent.node.heartbeat")
    async with running(world.heartbeat.run()):
        await world.clock.advance(1)
        world.api.unreachable = True
        await world.clock.advance(60)
        world.api.unreachable = False
        await world.clock.advance(10)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
