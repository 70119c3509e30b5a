"""When the Node's status is written, and which problems it tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.node.machine import Machine
from nodeagent.node.patience import PATIENCE, START_PATIENCE, Patience
from nodeagent.node.render import NodeSettings, Observed, is_ready
from nodeagent.node.status import CHECK_SECONDS, REPORT_SECONDS, StatusWriter
from tests.fakes.api import FakeApi

DOWN = ("container runtime is down: connection refused",)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        pytest.param([(0, DOWN)], [True], id="a node that was never well has no credit"),
        pytest.param([(0, ()), (10, DOWN), (29.9, DOWN)], [False, False, False], id="a restart is not told"),
        pytest.param([(0, ()), (10, DOWN), (PATIENCE, DOWN)], [False, False, True], id="a lasting outage is"),
        pytest.param(
            [(0, ()), (20, DOWN), (25, ()), (50, DOWN)], [False] * 4, id="being well counts from the last time"
        ),
        pytest.param([(0, ()), (40, DOWN), (41, ()), (42, DOWN)], [False, True, False, False], id="well again at once"),
    ],
)
def test_patience(story: list[tuple[float, tuple[str, ...]]], told: list[bool]) -> None:
    patience = Patience()
    assert [bool(patience.lasting(problems, now)) for now, problems in story] == told


def test_a_restarted_agent_has_a_moment_to_find_everything_again() -> None:
    patience = Patience()
    patience.was_ready(now=100)
    assert patience.lasting(DOWN, 100 + START_PATIENCE - 0.1) == ()
    assert patience.lasting(DOWN, 100 + START_PATIENCE) == DOWN


class World:
    """A node whose problems the test decides."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api = FakeApi(self.clock)
        self.api.add(Node(metadata=ObjectMeta(name="n1")))
        self.problems: tuple[str, ...] = ()
        self.looks = self.ready_calls = 0
        settings = NodeSettings(name="n1", addresses=("10.0.0.1",))
        self.writer = StatusWriter(settings, self.observe, Client(self.api), self.clock)

    async def observe(self) -> Observed:
        self.looks += 1
        machine = Machine(2, 2**34, 2**38, "m", "s", "b", "6.1", "Debian", "amd64")
        return Observed(machine, problems=self.problems, amiss=bool(self.problems))

    def called(self) -> None:
        self.ready_calls += 1

    @property
    def node(self) -> Node:
        found = self.api.get(Node, "n1")
        assert found is not None
        return found


@pytest.fixture
def world() -> Iterator[World]:
    yield World()


async def test_a_node_that_starts_is_looked_at_often_and_ready_as_soon_as_it_is(world: World) -> None:
    world.problems = ("the Node has no podCIDR yet",)
    async with running(world.writer.run(world.called)):
        await world.clock.advance(1)
        assert not is_ready(world.node) and world.looks >= 4
        world.problems = ()
        await world.clock.advance(1)
        assert is_ready(world.node)
        assert world.ready_calls == 1


async def test_nothing_is_written_when_nothing_changed_but_every_five_minutes(world: World) -> None:
    async with running(world.writer.run(world.called)):
        await world.clock.advance(1)
        first = world.node.metadata.resource_version
        await world.clock.advance(REPORT_SECONDS - 2 * CHECK_SECONDS)
        assert world.node.metadata.resource_version == first
        await world.clock.advance(2 * CHECK_SECONDS)
        assert world.node.metadata.resource_version != first


async def test_an_outage_that_ends_is_seen_within_seconds(world: World) -> None:
    async with running(world.writer.run(world.called)):
        world.problems = DOWN
        await world.clock.advance(600)
        assert not is_ready(world.node)
        world.problems = ()
        await world.clock.advance(5)
        assert is_ready(world.node)


async def test_a_write_that_failed_is_made_again(world: World) -> None:
    async with running(world.writer.run(world.called)):
        await world.clock.advance(1)
        world.problems, world.api.unreachable = DOWN, True
        await world.clock.advance(CHECK_SECONDS)
        world.api.unreachable = False
        await world.clock.advance(CHECK_SECONDS)
        assert not is_ready(world.node)
