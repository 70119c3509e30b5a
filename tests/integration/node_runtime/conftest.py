"""Fixtures: one containerd for all tests here, a fresh node for each."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controlplane.api.core_v1 import Node, Pod
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import SystemClock
from tests.fakes.api import FakeApi
from tests.fakes.containerd import Containerd, containerd, missing, shared_directory
from tests.integration.node_runtime.world import NODE, World, agent_of
from tests.waiting import until


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope="session")
def runtime_daemon() -> Iterator[Containerd]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    why = missing()
    if why:
        pytest.fail(f"{why}; .ci/bootstrap installs it")
    with shared_directory() as root, containerd(root / "containerd") as daemon:
        yield daemon


@pytest.fixture
async def world(runtime_daemon: Containerd) -> AsyncIterator[World]:
    # Below the shared directory, so that containerd sees what the agent mounts.
    root = Path(tempfile.mkdtemp(prefix="node-", dir=runtime_daemon.root.parent))
    made = World(root, runtime_daemon, FakeApi(SystemClock()))
    made.api.add(Node(metadata=ObjectMeta(name=NODE)))
    yield made
    # What a test has left is ended by an agent that finds nothing of it in the API.
    for pod in made.api.list(Pod):
        made.api.remove(Pod, pod.metadata.name, pod.metadata.namespace)
    for manifest in (root / "manifests").glob("*"):
        manifest.unlink()
    async with agent_of(made):
        async with asyncio.timeout(60):
            while await made.runtime.list_sandboxes():  # noqa: ASYNC110 likewise
                await asyncio.sleep(0.05)
        await until(lambda: not made.agent.workers())
