"""The node's API over real sockets: what it refuses, and what it does not read faster than it can pass on."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from controlplane.api.authorization_v1 import ResourceAttributes
from controlplane.api.core_v1 import Container as PodContainer
from controlplane.api.core_v1 import (
    ContainerState,
    ContainerStateRunning,
    ContainerStatus,
    Pod,
    PodSpec,
    PodStatus,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import SystemClock
from controlplane.kit.serving import Caller, Refusal
from controlplane.kit.spdy import Framer
from nodeagent.cmd.health import node_checks, node_health_pages
from nodeagent.cri.records import Container, State
from nodeagent.kernel.inotify import Inotify
from nodeagent.pods.sandbox import NodeSettings
from nodeagent.server.app import NodeServer

V5 = "v5.channel.k8s.io"


class Guard:
    """Lets everybody in but for what is in `refused`."""

    def __init__(self) -> None:
        self.refused: set[str] = set()

    async def refuse_resource(self, _: Caller, attributes: ResourceAttributes) -> Refusal | None:
        return Refusal(403, "no") if attributes.subresource in self.refused else None


class Pods:
    """One pod, whose container c runs."""

    def __init__(self) -> None:
        self.runtime = self
        self.pod = Pod(
            metadata=ObjectMeta(name="web", namespace="default", uid="u"),
            spec=PodSpec(containers=[PodContainer(name="c")]),
        )
        state = ContainerState(running=ContainerStateRunning())
        self.status = PodStatus(
            container_statuses=[ContainerStatus(name="c", container_id="containerd://c-id", state=state)]
        )
        self.containers = [Container(id="c-id", name="c", state=State.RUNNING)]

    def find(self, namespace: str, name: str, uid: str = "") -> Any:
        return self if (namespace, name) == ("default", "web") else None

    def current(self, container: str) -> Container | None:
        return Container(id="c-id", name="c", state=State.RUNNING) if container == "c" else None


@dataclass
class Streaming:
    """A runtime whose streaming server takes what it is sent, when it is allowed to."""

    port: int = 0
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    received: int = 0
    commands: list[list[str]] = field(default_factory=list)

    async def exec_url(self, _: str, command: list[str], **__: bool) -> str:
        self.commands.append(command)
        return f"http://127.0.0.1:{self.port}/exec/token"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
        await self.reading.wait()
        framer = Framer()
        while data := await reader.read(65536):
            for frame in framer.feed(data):
                self.received += len(getattr(frame, "data", b""))
        writer.close()


@dataclass
class World:
    client: TestClient[Any, Any]
    guard: Guard
    runtime: Streaming
    logs: Path
    pod_logs: Path
    relisted: list[float | None]

    async def status(self, path: str) -> tuple[int, str]:
        answer = await self.client.get(path, allow_redirects=False)
        return answer.status, await answer.text()

    async def raw(self, target: str) -> bytes:
        """Ask for a target exactly as it is written."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.port)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer


@asynccontextmanager
async def _running(tmp_path: Path) -> AsyncIterator[World]:
    runtime, guard, relisted = Streaming(), Guard(), list[float | None]([1.0])
    streaming = await asyncio.start_server(runtime.answer, "127.0.0.1", 0)
    runtime.port = streaming.sockets[0].getsockname()[1]
    logs, pod_logs = tmp_path / "log", tmp_path / "log/pods"
    (pod_logs / "default_web_u/c").mkdir(parents=True)
    inotify = Inotify()
    pods: Any = Pods()
    some: Any = runtime
    allowing: Any = guard
    pages = node_health_pages(node_checks(lambda: relisted[0]))
    server = NodeServer(
        "n1", pods, some, allowing, NodeSettings("n1", logs=pod_logs), inotify, SystemClock(), pages, logs
    )
    async with streaming, TestClient(TestServer(server.application())) as client:
        yield World(client, guard, runtime, logs, pod_logs, relisted)
        runtime.reading.set()
    inotify.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with _running(tmp_path) as made:
        yield made


# exec and its kin


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/exec/default/web/c?output=1", 400, "at least 1 command"),
        ("/exec/default/web/c?command=&output=1", 400, "at least 1 command"),
        ("/exec/default/web/c?command=ls", 400, "at least 1 of stdin, stdout, stderr"),
        ("/exec/default/web/c?command=ls&output=1", 400, "a WebSocket"),
        ("/exec/default/web/x?command=ls&output=1", 404, "container not found"),
        ("/attach/default/web/c", 400, "at least 1 of stdin, stdout, stderr"),
        ("/portForward/default/none?port=x", 404, "does not exist"),
        ("/containerLogs/default/none/..%2f..%2fetc", 404, "container not found"),
        ("/containerLogs/..%2f/web/c", 404, "container not found"),
    ],
)
async def test_requests_that_make_no_sense(world: World, path: str, status: int, words: str) -> None:
    found = await world.status(path)
    assert (found[0], words in found[1]) == (status, True), found


async def test_run_needs_a_command(world: World) -> None:
    assert (await world.client.post("/run/default/web/c")).status == 400


async def test_input_is_not_read_faster_than_the_command_reads(world: World) -> None:
    path = "/exec/default/web/c?command=cat&input=1&output=1"
    block, sent = b"\0" + b"x" * 65536, 0
    async with world.client.ws_connect(path, protocols=(V5,), max_msg_size=0) as socket:
        with pytest.raises(TimeoutError):
            for _ in range(4096):  # 256 MiB
                await asyncio.wait_for(socket.send_bytes(block), 1.0)
                sent += 65536
        assert sent < 64 * 1024 * 1024  # it waits: in the buffers of sockets there is no more room
        world.runtime.reading.set()
        async with asyncio.timeout(20):
            while world.runtime.received < sent:  # noqa: ASYNC110 another connection's
                await asyncio.sleep(0.01)


async def test_a_message_that_is_too_long_ends_the_session(world: World) -> None:
    world.runtime.reading.set()
    path = "/exec/default/web/c?command=cat&input=1&output=1"
    async with world.client.ws_connect(path, protocols=(V5,), max_msg_size=0) as socket:
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):  # it may be cut off while it is still sending
                await socket.send_bytes(b"\0" + b"x" * (17 * 1024 * 1024))
            await socket.receive()
        assert socket.close_code in (1009, 1006)
        assert world.runtime.received == 0


# A container's log


def _entry(second: int, text: str) -> str:
    return f"{datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.5Z stdout F {text}\n"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("sinceTime=2026-11-21T13:53:18Z", [49_998, 49_999], id="since"),
        pytest.param("tailLines=1", [49_999], id="tail"),
        pytest.param("sinceTime=2026-11-21T13:53:18Z&tailLines=1", [49_999], id="both"),
        pytest.param("sinceSeconds=1", [], id="nothing as new as that"),
    ],
)
async def test_the_end_of_a_long_log(world: World, query: str, expected: list[int]) -> None:
    (world.pod_logs / "default_web_u/c/0.log").write_text("".join(_entry(n, str(n)) for n in range(50_000)))
    status, text = await world.status(f"/containerLogs/default/web/c?{query}")
    assert (status, [int(line) for line in text.split()]) == (200, expected)


@pytest.mark.parametrize("place", ["0.log", "."])
async def test_a_log_that_leads_elsewhere_is_not_shown(world: World, place: str) -> None:
    secret, log = world.logs.parent / "secret", world.pod_logs / "default_web_u/c"
    secret.mkdir()
    (secret / "0.log").write_text(_entry(0, "TOP SECRET"))
    if place == ".":
        log.rmdir()
        log.symlink_to(secret)
    else:
        (log / place).symlink_to(secret / "0.log")
    status, text = await world.status("/containerLogs/default/web/c")
    assert (status, "SECRET" in text) == (404, False)


# /logs/


async def test_the_nodes_logs(world: World) -> None:
    (world.logs / "syslog").write_bytes(b"line\n" * 100_000)
    (world.logs / "a&b").mkdir()
    status, text = await world.status("/logs/")
    assert (status, '<a href="./a%26b/">a&amp;b/</a>' in text, "syslog" in text) == (200, True, True)
    assert await world.status("/logs/syslog") == (200, "line\n" * 100_000)
    assert (await world.status("/logs"))[0] == 301
    assert (await world.status("/logs/a&b"))[0] == 301
    assert (await world.client.head("/logs/syslog")).headers["Content-Length"] == "500000"
    assert (await world.client.post("/logs/syslog")).status == 405


async def test_links_within_the_logs_are_followed(world: World) -> None:
    (world.logs / "pods/0.log").write_text("hello")
    (world.logs / "link.log").symlink_to(world.logs / "pods/0.log")
    assert await world.status("/logs/link.log") == (200, "hello")


@pytest.mark.parametrize(
    "target",
    [
        "/logs/../secret", "/logs/..%2fsecret", "/logs/%2e%2e/secret", "/logs/x/../../secret", "/logs/link",
        "/logs/directory/secret", "/logs//../secret", "/logs/..%252fsecret", "/logs/%00", "/logs/pipe", "/logs/none",
    ],
)  # fmt: skip
async def test_nothing_else_of_the_node_is_shown(world: World, target: str) -> None:
    (world.logs.parent / "secret").write_text("TOP SECRET")
    (world.logs / "x").mkdir()
    (world.logs / "link").symlink_to(world.logs.parent / "secret")
    (world.logs / "directory").symlink_to(world.logs.parent)
    os.mkfifo(world.logs / "pipe")
    async with asyncio.timeout(5):
        answer = await world.raw(target)
    assert answer.split()[1] in (b"404", b"400")
    assert b"SECRET" not in answer


async def test_the_logs_are_for_who_may_read_them(world: World) -> None:
    (world.logs / "syslog").write_text("x")
    world.guard.refused = {"log"}
    assert (await world.status("/logs/syslog"))[0] == 403
    assert b" 403 " in await world.raw("/logs%2fsyslog")


# Health


async def test_health(world: World) -> None:
    for path in ("/healthz", "/healthz/ping", "/healthz/log", "/healthz/syncloop"):
        assert await world.status(path) == (200, "ok")
    assert "[+]syncloop ok" in (await world.status("/healthz?verbose"))[1]
    world.relisted[0] = None  # it has only just been started
    assert (await world.status("/healthz"))[0] == 200
    world.relisted[0] = 301.0
    status, text = await world.status("/healthz/syncloop")
    assert (status, "sync Loop took longer than expected" in text) == (500, True)
    assert (await world.status("/healthz"))[0] == 500
    assert (await world.status("/healthz/ping"))[0] == 200


async def test_only_the_whole_health_is_for_everybody(world: World) -> None:
    world.guard.refused = {"healthz", "proxy"}
    assert (await world.status("/healthz"))[0] == 200
    assert (await world.status("/healthz/syncloop"))[0] == 403
