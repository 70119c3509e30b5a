"""The node as the command builds it, on this machine's numbers but without a container runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controlplane.api import quantity
from controlplane.api.core_v1 import Event, Node
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.kit.clock import ManualClock
from controlplane.kit.metrics import new_registry
from controlplane.kit.tasks import running
from nodeagent.cmd.config import ConfigError, NodeAgentConfig
from nodeagent.cmd.node import NodeRooms
from nodeagent.metrics.kubelet import KubeletMetrics
from nodeagent.node.render import NodeSettings
from tests.fakes.api import FakeApi


@contextmanager
def rooms_of(root: Path, **settings: Any) -> Iterator[tuple[NodeRooms, FakeApi, ManualClock]]:
    """Build the node's rooms over an agent of which only what they use is there."""
    clock = ManualClock()
    api = FakeApi(clock)
    client, registry = Client(api), new_registry("v1.37.0")
    informers = Informers(client, clock)
    config = NodeAgentConfig(
        state_dir=str(root / "state"),
        pod_dir=str(root / "kubelet/pods"),
        pod_manifest_path=str(root / "manifests"),
        container_runtime_endpoint=f"unix://{root}/none.sock",
        **settings,
    )
    agent = SimpleNamespace(
        config=config,
        client=client,
        clock=clock,
        informers=informers,
        registry=registry,
        kubelet_metrics=KubeletMetrics(registry, "n1", clock),
        node_settings=lambda: NodeSettings("n1", ("127.0.0.1",)),
        own_node=lambda: api.get(Node, "n1"),
        files_thread=None,
        notifier=SimpleNamespace(ready=lambda text: None, status=lambda text: None),
        certificates=SimpleNamespace(coroutines=lambda: (), serving=SimpleNamespace(issued=lambda: True)),
        started=clock.monotonic(),
    )
    rooms = NodeRooms(cast(Any, agent), cast(Any, SimpleNamespace(problem="")))
    try:
        yield rooms, api, clock
    finally:
        rooms.inotify.close()


async def passing(clock: ManualClock, condition: Callable[[], bool]) -> None:
    """Let time pass until something is so; a runtime that is not there takes real time to say so."""
    for _ in range(500):
        if condition():
            return
        await clock.advance(0.5)
        await asyncio.sleep(0.01)
    raise AssertionError("it never was so")


async def test_the_node_says_what_it_has_and_what_it_is_short_of(tmp_path: Path) -> None:
    settings = {"system_reserved": "memory=64Mi", "cgroup_driver": "systemd", "eviction_hard": "memory.available<1Mi"}
    with rooms_of(tmp_path, **settings) as (rooms, api, clock):
        async with running(rooms._be_a_node(), rooms.recorder.run()):
            await passing(clock, lambda: len(api.list(Event)) >= 4)
            node = api.get(Node, "n1")
            assert node is not None
            capacity, allocatable = node.status.capacity, node.status.allocatable
            assert quantity.value(capacity["memory"]) - quantity.value(allocatable["memory"]) == 65 * 2**20
            reasons = {event.reason for event in api.list(Event)}
            assert {"Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"} <= reasons
            rooms.eviction.conditions = frozenset({"MemoryPressure"})
            await passing(clock, lambda: "NodeHasInsufficientMemory" in {event.reason for event in api.list(Event)})
            node = api.get(Node, "n1")
            assert node is not None
            [condition] = [one for one in node.status.conditions if one.type == "MemoryPressure"]
            assert (condition.status, condition.reason) == ("True", "KubeletHasInsufficientMemory")


async def test_the_eviction_manager_sees_this_machine(tmp_path: Path) -> None:
    soft = {"eviction_soft": "memory.available<1000Ti", "eviction_soft_grace_period": "memory.available=1h"}
    with rooms_of(tmp_path, **soft, eviction_hard="pid.available<1") as (rooms, _, clock):
        async with running(rooms.eviction.run()):
            await passing(clock, lambda: rooms.eviction.conditions == {"MemoryPressure"})


def test_more_reserved_than_there_is_ends_the_agent_with_the_reason(tmp_path: Path) -> None:
    kept = "of memory are kept from pods, but the machine has"
    with pytest.raises(ConfigError, match=kept), rooms_of(tmp_path, system_reserved="memory=1000Ti"):
        pass
