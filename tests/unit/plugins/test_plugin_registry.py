"""Plug-ins that come, are refused, and go."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.storage_v1 import CSINode
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock, SystemClock
from controlplane.kit.tasks import running
from nodeagent.kernel.inotify import Inotify
from nodeagent.plugins.registry import PluginRegistry
from nodeagent.volumes.csi.client import DriverFailed
from nodeagent.volumes.csi.drivers import Drivers
from nodeagent.volumes.csi.node_object import NodeObject
from tests.fakes.api import FakeApi
from tests.fakes.csi_driver import NAME, csi_driver
from tests.waiting import until


@dataclass
class Book:
    """A handler that notes who is there."""

    names: dict[str, str] = field(default_factory=dict)
    refuse_with: str = ""

    async def register(self, name: str, endpoint: str, versions: Sequence[str]) -> None:
        if self.refuse_with:
            raise ValueError(self.refuse_with)
        self.names[name] = endpoint

    async def deregister(self, name: str) -> None:
        if self.refuse_with:
            raise ValueError(self.refuse_with)
        del self.names[name]


async def test_a_plug_in_is_taken_told_and_let_go(tmp_path: Path) -> None:
    book, directory = Book(), tmp_path / "registry"
    registry = PluginRegistry(directory, {"CSIPlugin": book}, ManualClock(), Inotify())
    with csi_driver(tmp_path / "driver", directory) as driver:
        await registry.look()
        await registry.look()
        assert book.names == {NAME: str(driver.socket)}
        assert driver.notified == [(True, "")]
    await registry.look()
    assert book.names == {}
    with csi_driver(tmp_path / "driver", directory) as driver:  # it comes back
        await registry.look()
        assert driver.notified == [(True, "")]


async def test_one_that_cannot_be_let_go_of_is_let_go_of_later(tmp_path: Path) -> None:
    book, directory = Book(), tmp_path / "registry"
    registry = PluginRegistry(directory, {"CSIPlugin": book}, ManualClock(), Inotify())
    with csi_driver(tmp_path / "driver", directory):
        await registry.look()
    book.refuse_with = "no route to the API server"
    await registry.look()
    assert set(book.names) == {NAME}
    book.refuse_with = ""
    await registry.look()
    assert book.names == {}


async def test_one_that_is_refused_is_told_why_and_asked_again(tmp_path: Path) -> None:
    book, directory = Book(refuse_with="not today"), tmp_path / "registry"
    registry = PluginRegistry(directory, {"CSIPlugin": book}, ManualClock(), Inotify())
    with csi_driver(tmp_path / "driver", directory) as driver:
        await registry.look()
        book.refuse_with = ""
        await registry.look()
        assert driver.notified == [(False, "not today"), (True, "")]
        assert set(book.names) == {NAME}


async def test_a_type_that_nobody_handles_is_told_so(tmp_path: Path) -> None:
    registry = PluginRegistry(tmp_path / "registry", {}, ManualClock(), Inotify())
    with csi_driver(tmp_path / "driver", tmp_path / "registry") as driver:
        await registry.look()
        assert driver.notified == [(False, "no handler registered for plugin type: CSIPlugin")]


async def test_a_socket_without_a_server_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
        registry = PluginRegistry(tmp_path, {"CSIPlugin": Book()}, ManualClock(), Inotify())
        await registry.look()
        await registry.look()
    assert (
        len([line for line in caplog.messages if "plug-in dead.sock is not registered: does not answer" in line]) == 1
    )


async def test_a_csi_driver_is_in_csinode_for_as_long_as_it_is_there(tmp_path: Path) -> None:
    api = FakeApi(ManualClock())
    api.add(Node(metadata=ObjectMeta(name="n1")))
    drivers, inotify = Drivers(NodeObject(Client(api), "n1")), Inotify()
    registry = PluginRegistry(tmp_path / "registry", {"CSIPlugin": drivers}, SystemClock(), inotify)

    def announced() -> list[str]:
        found = api.get(CSINode, "n1")
        return [one.name for one in found.spec.drivers] if found else []

    try:
        async with running(registry.run()):
            with csi_driver(tmp_path / "driver", tmp_path / "registry", segments={"zone": "a"}) as driver:
                await until(lambda: driver.notified == [(True, "")])
                assert announced() == [NAME]
                assert drivers.endpoint(NAME) == str(driver.socket)
            await until(lambda: not announced())
            with pytest.raises(DriverFailed, match="not found in the list of registered CSI drivers"):
                drivers.endpoint(NAME)
    finally:
        inotify.close()


async def test_a_driver_of_another_age_is_refused(tmp_path: Path) -> None:
    drivers = Drivers(NodeObject(Client(FakeApi(ManualClock())), "n1"))
    registry = PluginRegistry(tmp_path / "registry", {"CSIPlugin": drivers}, ManualClock(), Inotify())
    with csi_driver(tmp_path / "driver", tmp_path / "registry", versions=("0.3.0",)) as driver:
        await registry.look()
        assert driver.notified == [(False, f"driver {NAME} speaks versions 0.3.0 of CSI, this node agent speaks 1.x")]
