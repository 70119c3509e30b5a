"""When the Node's status is written, and which problems it tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import Node, NodeCondition, NodeStatus, NodeSystemInfo
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.network.condition import say_the_network_is_up
from nodeagent.node.changes import changes
from nodeagent.node.machine import Machine
from nodeagent.node.patience import PATIENCE, START_PATIENCE, Patience
from nodeagent.node.registration import register
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
        self.pressures: frozenset[str] = frozenset()
        self.boot_id = "b"
        self.told: list[str] = []
        self.writer = StatusWriter(settings, self.observe, Client(self.api), self.clock, self.tell)

    def tell(self, node: Node, type_: str, reason: str, message: str) -> None:
        assert node.metadata.name == "n1"
        self.told.append(reason)

    async def observe(self) -> Observed:
        self.looks += 1
        machine = Machine(2, 2**34, 2**38, "m", "s", self.boot_id, "6.1", "Debian", "amd64")
        return Observed(machine, self.pressures, problems=self.problems, amiss=bool(self.problems))

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


async def test_what_changes_is_told_as_events(world: World) -> None:
    async with running(world.writer.run(world.called)):
        await world.clock.advance(1)
        world.told.clear()  # the first look's, which the table below has
        world.pressures = frozenset({"MemoryPressure"})
        world.problems = DOWN
        await world.clock.advance(CHECK_SECONDS)
        assert world.told == ["NodeHasInsufficientMemory", "NodeNotReady"]
        await world.clock.advance(60)
        assert len(world.told) == 2
        world.pressures, world.problems, world.boot_id = frozenset(), (), "c"
        await world.clock.advance(CHECK_SECONDS)
        assert world.told[2:] == ["Rebooted", "NodeHasSufficientMemory", "NodeReady"]


async def test_a_condition_that_somebody_else_keeps_is_not_written_back(world: World) -> None:
    """What we remember of it may be older than what its owner has said since."""
    other = NodeCondition(type="NetworkUnavailable", status="True")
    world.api.update(replace(world.node, status=replace(world.node.status, conditions=[other])))
    async with running(world.writer.run(world.called)):
        await world.clock.advance(1)
        assert await say_the_network_is_up(Client(world.api), world.node, world.clock.now())
        world.problems = DOWN
        await world.clock.advance(CHECK_SECONDS)
        assert {one.type: one.status for one in world.node.status.conditions} == {
            "NetworkUnavailable": "False",
            "MemoryPressure": "False",
            "DiskPressure": "False",
            "PIDPressure": "False",
            "Ready": "False",
        }
        assert not await say_the_network_is_up(Client(world.api), world.node, world.clock.now())


async def test_a_node_that_registers_tells_what_it_has(world: World) -> None:
    settings = NodeSettings(name="n2", addresses=("10.0.0.2",))
    told: list[tuple[str, str, str]] = []

    def tell(node: Node, *words: str) -> None:
        told.append((words[0], words[1], words[2]))

    client, observed = Client(world.api), await world.observe()
    await register(client, settings, observed, world.clock, tell)
    assert told == [
        ("Normal", reason, f"Node n2 status is now: {reason}")
        for reason in ("NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID")
    ]
    await register(client, settings, observed, world.clock, tell)
    assert len(told) == 3  # it was there already


def a_status(boot_id: str = "", **conditions: str) -> NodeStatus:
    return NodeStatus(
        conditions=[NodeCondition(type=type_, status=status) for type_, status in conditions.items()],
        node_info=NodeSystemInfo(boot_id=boot_id),
    )


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        pytest.param(a_status(), a_status("b", Ready="False"), [], id="a new node is not ready yet"),
        pytest.param(a_status(Ready="False"), a_status(Ready="True"), ["NodeReady"], id="ready"),
        pytest.param(a_status(Ready="Unknown"), a_status(Ready="True"), ["NodeReady"], id="back again"),
        pytest.param(a_status(Ready="True"), a_status(Ready="False"), ["NodeNotReady"], id="not ready"),
        pytest.param(a_status(Ready="True"), a_status(Ready="True"), [], id="no change"),
        pytest.param(
            a_status(DiskPressure="False"), a_status(DiskPressure="True"), ["NodeHasDiskPressure"], id="no disk"
        ),
        pytest.param(
            a_status(DiskPressure="True"), a_status(DiskPressure="False"), ["NodeHasNoDiskPressure"], id="disk"
        ),
        pytest.param(
            a_status(PIDPressure="False"), a_status(PIDPressure="True"), ["NodeHasInsufficientPID"], id="no pids"
        ),
        pytest.param(a_status(), a_status(NetworkUnavailable="True"), [], id="what others keep"),
        pytest.param(a_status("a"), a_status("b"), ["Rebooted"], id="another boot"),
        pytest.param(a_status("a"), a_status("a"), [], id="the same boot"),
    ],
)
def test_changes(before: NodeStatus, after: NodeStatus, reasons: list[str]) -> None:
    assert [one.reason for one in changes("n1", before, after)] == reasons


def test_a_reboot_is_a_warning() -> None:
    [told] = changes("n1", a_status("a"), a_status("b"))
    assert told == ("Warning", "Rebooted", "Node n1 has been rebooted, boot id: b")
