"""Logs, exec and attach through the node's API, as the API server asks for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from controlplane.client.client import Client
from controlplane.client.delegated import DelegatedGuard
from controlplane.kit.clock import SystemClock
from nodeagent.server.app import NodeServer
from tests.integration.node_runtime.world import NODE, World, a_pod, agent_of
from tests.waiting import until


@asynccontextmanager
async def _serving(world: World, name: str, **container: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Run an agent with a ready pod and its server."""
    async with agent_of(world):
        clock = SystemClock()
        guard = DelegatedGuard(Client(world.api), clock)
        server = NodeServer(NODE, world.agent, world.runtime, guard, world.settings, world.inotify, clock, {})
        world.api.add(a_pod(name, container=container))
        await until(lambda: world.is_ready(name))
        async with TestClient(TestServer(server.application())) as client:
            yield client


def _script(text: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", text]}


async def _exec(client: TestClient[Any, Any], path: str, sent: list[bytes]) -> dict[int, bytes]:
    """Open a session, send messages, and return what came back by channel."""
    received: dict[int, bytes] = {}
    async with client.ws_connect(path, protocols=("v5.channel.k8s.io",)) as socket:
        assert socket.protocol == "v5.channel.k8s.io"
        for message in sent:
            await socket.send_bytes(message)
        async for message in socket:
            assert message.type is aiohttp.WSMsgType.BINARY
            received[message.data[0]] = received.get(message.data[0], b"") + message.data[1:]
    return received


async def test_exec_returns_output_and_exit_code(world: World) -> None:
    async with _serving(world, "shell") as client:
        query = "command=sh&command=-c&command=echo+out;echo+err+>%262;exit+3&output=1&error=1"
        received = await _exec(client, f"/exec/default/shell/c?{query}", [])
        assert (received[1], received[2]) == (b"out\n", b"err\n")
        status = json.loads(received[3])
        assert (status["reason"], status["details"]["causes"][0]["message"]) == ("NonZeroExitCode", "3")


async def test_exec_sends_stdin_to_its_end(world: World) -> None:
    async with _serving(world, "pipe") as client:
        blocks = [b"\0" + bytes([number % 256]) * 65536 for number in range(32)]
        received = await _exec(
            client, "/exec/default/pipe/c?command=cat&input=1&output=1&error=1", [*blocks, bytes([255, 0])]
        )
        assert received[1] == b"".join(block[1:] for block in blocks)
        assert json.loads(received[3])["status"] == "Success"


async def test_exec_with_a_terminal_can_be_resized(world: World) -> None:
    async with _serving(world, "term") as client:
        size = b"\4" + json.dumps({"Width": 101, "Height": 33}).encode()
        path = "/exec/default/term/c?command=sh&command=-c&command=sleep+0.5;stty+size&output=1&tty=1"
        received = await _exec(client, path, [size])
        assert received[1] == b"33 101\r\n"


async def test_attach_joins_the_containers_own_streams(world: World) -> None:
    async with (
        _serving(world, "echoer", command=["cat"], stdin=True) as client,
        client.ws_connect("/attach/default/echoer/c?input=1&output=1", protocols=("v5.channel.k8s.io",)) as socket,
    ):
        await socket.send_bytes(b"\0hello\n")
        assert await socket.receive_bytes() == b"\1hello\n"


async def test_missing_things_are_not_found(world: World) -> None:
    async with _serving(world, "here") as client:
        assert (await client.get("/containerLogs/default/nobody/c")).status == 404
        answer = await client.get("/exec/default/here/other?command=true&output=1")
        assert (answer.status, await answer.text()) == (404, 'container not found ("other")')


async def test_logs_by_tail_limit_and_timestamps(world: World) -> None:
    async with _serving(world, "talker", **_script("seq 1 5; sleep 1000")) as client:

        async def log(query: str) -> str:
            return await (await client.get(f"/containerLogs/default/talker/c?{query}")).text()

        while await log("") != "1\n2\n3\n4\n5\n":  # noqa: ASYNC110 another process writes it
            await asyncio.sleep(0.02)
        assert await log("tailLines=2") == "4\n5\n"
        assert await log("limitBytes=3") == "1\n2"
        stamped = (await log("tailLines=1&timestamps=true")).split(" ")
        assert stamped[0].endswith("Z") and stamped[1] == "5\n"


async def test_followed_logs_survive_rotation_and_end_with_the_container(world: World) -> None:
    script = "echo before; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo after; sleep 0.2"
    async with _serving(world, "rotated", **_script(script)) as client:
        answer = await client.get("/containerLogs/default/rotated/c?follow=true")
        assert await answer.content.readline() == b"before\n"
        worker = world.agent.find("default", "rotated")
        assert worker is not None
        run = worker.runtime.current("c")
        assert run is not None
        rotation = world.agent._rotation
        rotation._max_bytes = 1
        await rotation.look()
        await world.runtime.exec_sync(run.id, ["sh", "-c", "echo >/tmp/go"], 5)
        assert await answer.content.read() == b"after\n"


async def test_nobody_gets_in_whom_the_api_server_refuses(world: World) -> None:
    asked = []

    def allows(spec: dict[str, Any]) -> bool:
        asked.append((spec["resourceAttributes"]["subresource"], spec["resourceAttributes"]["verb"]))
        return False

    async with _serving(world, "secret") as client:
        world.api.allows = allows
        assert (await client.get("/containerLogs/default/secret/c")).status == 403
        assert (await client.get("/pods")).status == 403
        assert asked == [("proxy", "get"), ("pods", "get")]  # the first answer is remembered
        assert (await client.get("/healthz")).status == 200
