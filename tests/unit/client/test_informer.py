"""A cache that follows the API through everything that goes wrong, and tells every change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from controlplane.api.core_v1 import Node, Pod, PodSpec, Secret, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import Forbidden
from controlplane.client.client import Client
from controlplane.client.informer import Informers, by_node
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import ManualClock
from tests.fakes.api import FakeApi


def a_pod(name: str, node: str = "", **meta: object) -> Pod:
    return Pod(
        metadata=ObjectMeta(name=name, namespace="default", **meta),  # type: ignore[arg-type]
        spec=PodSpec(node_name=node),
    )


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api = FakeApi(self.clock)
        self.informers = Informers(Client(self.api), self.clock, Random(1))
        self.pods = self.informers.of(Pod, indexes={"node": by_node})
        self.changes: list[str] = []
        self.pods.on_change(self._note)
        self.task = asyncio.create_task(self.informers.run())

    def _note(self, old: Pod | None, new: Pod | None) -> None:
        if old is None and new is not None:
            self.changes.append(f"+{new.metadata.name}")
        elif new is None and old is not None:
            self.changes.append(f"-{old.metadata.name}")
        elif new is not None:
            self.changes.append(f"~{new.metadata.name}")

    async def settle(self, seconds: float = 0) -> list[str]:
        await self.clock.advance(seconds)
        changes, self.changes = self.changes[:], []
        return changes


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.task.cancel()
    await asyncio.gather(world.task, return_exceptions=True)


async def test_list_then_watch(world: World) -> None:
    world.api.add(a_pod("a"))
    await world.clock.advance(0)
    await world.informers.synced()
    world.api.add(a_pod("b"))
    world.api.update(a_pod("a", node="n1"))
    world.api.remove(Pod, "b", "default")
    assert await world.settle() == ["+a", "+b", "~a", "-b"]
    assert [pod.metadata.name for pod in world.pods.lister.by_index("node", "n1")] == ["a"]
    assert world.pods.lister.by_index("node", "") == []


async def test_resumes_after_a_broken_connection_without_loss_or_repetition(world: World) -> None:
    world.api.add(a_pod("a"))
    await world.settle()
    world.api.break_watches()
    world.api.add(a_pod("b"))
    world.api.remove(Pod, "a", "default")
    assert await world.settle(2) == ["+b", "-a"]
    assert sum(asked.path == "/api/v1/pods" and "watch" not in asked.query for asked in world.api.requests) == 1


async def test_relist_after_compaction_tells_what_was_missed(world: World) -> None:
    for name in "abc":
        world.api.add(a_pod(name))
    assert await world.settle() == ["+a", "+b", "+c"]
    world.api.break_watches()
    world.api.remove(Pod, "a", "default")
    world.api.update(a_pod("b", node="n2"))
    world.api.add(a_pod("d"))
    world.api.compact()
    assert await world.settle(5) == ["-a", "~b", "+d"]


async def test_same_name_with_another_uid_is_a_deletion_and_an_addition(world: World) -> None:
    world.api.add(a_pod("a"))
    await world.settle()
    world.api.break_watches()
    world.api.remove(Pod, "a", "default")
    world.api.add(a_pod("a"))
    world.api.compact()
    assert await world.settle(5) == ["-a", "+a"]


async def test_backs_off_while_there_is_no_server(world: World) -> None:
    await world.settle()
    world.api.unreachable = True
    world.api.break_watches()
    before = len(world.api.requests)
    await world.settle(300)
    assert 5 <= len(world.api.requests) - before <= 16
    world.api.unreachable = False
    world.api.add(a_pod("a"))
    assert await world.settle(61) == ["+a"]


async def test_watch_that_the_server_ended_goes_on_from_the_last_bookmark(world: World) -> None:
    await world.settle()
    world.api.add(a_pod("a"))
    world.api.bookmark()
    await world.settle()
    world.api.compact()
    world.api.end_watches()
    world.api.add(a_pod("b"))
    assert await world.settle(1) == ["+b"]


async def test_selection_by_field_sees_pods_come_and_go(world: World) -> None:
    mine = world.informers.of(Pod, fields="spec.nodeName=n1")
    world.api.add(a_pod("a"))
    await world.settle()
    assert len(mine.lister) == 0
    world.api.update(a_pod("a", node="n1"))
    await world.settle()
    assert [pod.metadata.name for pod in mine.lister.list()] == ["a"]
    assert world.informers.of(Pod, fields="spec.nodeName=n1") is mine


async def test_late_handler_is_told_of_what_is_there(world: World) -> None:
    world.api.add(a_pod("a"))
    await world.settle()
    late: list[str] = []
    world.pods.on_change(lambda old, new: late.append(new.metadata.name if new else ""))
    assert late == ["a"]


async def test_failing_handler_does_not_stop_the_others(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken(old: Pod | None, new: Pod | None) -> None:
        raise ValueError("cannot digest")

    world.pods.on_change(broken)
    world.api.add(a_pod("a"))
    world.api.add(a_pod("b"))
    assert await world.settle() == ["+a", "+b"]
    assert "cannot digest" in caplog.text


async def test_lost_and_recovered_are_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await world.settle()
    world.api.fail(Unreachable("refused"), times=4)
    world.api.break_watches()
    await world.settle(60)
    world.api.add(a_pod("a"))
    await world.settle(1)
    assert caplog.text.count("lost:") == 1
    assert caplog.text.count("recovered") == 1


async def test_an_outage_is_told_once_for_all_who_watch(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World()
    kinds = [Service, Node, Secret]
    for kind in kinds:
        world.informers.of(kind)
    await world.settle()
    for _ in range(2):
        world.api.unreachable = True
        world.api.break_watches()
        await world.settle(30)
        assert caplog.messages == ["the API server is lost: connection reset"]
        world.api.unreachable = False
        world.api.add(a_pod("a"))
        for kind in kinds:
            world.api.add(kind(metadata=ObjectMeta(name="x", namespace="" if kind is Node else "default")))
        await world.settle(60)
        assert len(caplog.messages) == 2
        assert caplog.messages[1].startswith("the API server is back: 4 watches recovered within ")
        caplog.clear()
        world.api.remove(Pod, "a", "default")
        for kind in kinds:
            world.api.remove(kind, "x", "" if kind is Node else "default")
    world.api.unreachable = True
    world.api.break_watches()
    await world.settle(30)
    caplog.clear()
    world.task.cancel()
    await asyncio.gather(world.task, return_exceptions=True)
    assert not caplog.messages  # who stops watching has not got the server back


async def test_a_refusal_is_told_by_whom_it_concerns(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await world.settle()
    world.api.fail(Forbidden("no"), times=3)
    world.api.break_watches()
    await world.settle(60)
    assert [line for line in caplog.messages if "lost" in line] == [
        "the API server is lost: connection reset", "pods: lost: no",
    ]  # fmt: skip


async def test_the_first_one_back_after_an_outage_wakes_the_others() -> None:
    world = World()
    services = world.informers.of(Service)
    try:
        await world.settle()
        world.api.break_watches()
        world.api.unreachable = True
        await world.clock.advance(300)
        world.api.unreachable = False
        world.api.add(a_pod("a"))
        world.api.add(Service(metadata=ObjectMeta(name="s", namespace="default")))

        def seen() -> list[bool]:
            return [bool(one.lister.list()) for one in (world.pods, services)]

        while not any(seen()):
            await world.clock.advance(0.1)
        await world.clock.advance(0.1)
        assert all(seen())
    finally:
        world.task.cancel()
        await asyncio.gather(world.task, return_exceptions=True)
