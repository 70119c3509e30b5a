"""Port-forward: kubectl's SPDY in a WebSocket, to a server on our own loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controlplane.kit.spdy import Data, Frame, Framer, Ping, Reset, SynReply, SynStream
from nodeagent.server import port_forward
from nodeagent.server.port_forward import PROTOCOL, connector, serve


@asynccontextmanager
async def _tunnel() -> AsyncIterator[tuple[Any, Framer]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve(request, connector(""))

    application = web.Application()
    application.router.add_get("/portForward", handle)
    async with (
        TestClient(TestServer(application)) as client,
        client.ws_connect("/portForward", protocols=(PROTOCOL,)) as socket,
    ):
        assert socket.protocol == PROTOCOL
        yield socket, Framer()


async def _open(socket: Any, framer: Framer, port: int, request: str = "0", first: int = 1) -> None:
    for stream, kind in ((first, "error"), (first + 2, "data")):
        headers = {"streamtype": kind, "port": str(port), "requestid": request}
        await socket.send_bytes(framer.encode(SynStream(stream, headers)))


async def _frames(socket: Any, framer: Framer) -> AsyncIterator[Frame]:
    while True:
        for frame in framer.feed(await socket.receive_bytes()):
            yield frame


async def test_bytes_go_there_and_back() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, _tunnel() as (socket, framer):
        await _open(socket, framer, server.sockets[0].getsockname()[1])
        await socket.send_bytes(framer.encode(Data(3, b"hello", fin=True)))
        received, ended = b"", set()
        async for frame in _frames(socket, framer):
            if isinstance(frame, Data):
                received += frame.data
                ended |= {frame.stream} if frame.fin else set()
            if ended == {1, 3}:
                break
        assert received == b"HELLO"


async def _answers(socket: Any, framer: Framer, count: int) -> list[Frame]:
    found: list[Frame] = []
    async with asyncio.timeout(10):
        async for frame in _frames(socket, framer):
            found.append(frame)
            if len(found) == count:
                break
    return found


@pytest.mark.parametrize("port", ["http", "", "0", "65536", "-1", "8 0", "٣", "9" * 5000])
async def test_a_port_that_is_none_is_refused_and_the_tunnel_goes_on(port: str) -> None:
    async with _tunnel() as (socket, framer):
        for stream, kind in ((1, "error"), (3, "data")):
            headers = {"streamtype": kind, "port": port, "requestid": "0"}
            await socket.send_bytes(framer.encode(SynStream(stream, headers)))
        assert await _answers(socket, framer, 2) == [Reset(1, 3), Reset(3, 3)]
        await socket.send_bytes(framer.encode(Ping(7)))
        assert await _answers(socket, framer, 1) == [Ping(7)]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(SynStream(3, {"streamtype": "video", "port": "80", "requestid": "0"}), id="a kind there is not"),
        pytest.param(SynStream(1, {"streamtype": "data", "port": "80", "requestid": "0"}), id="a number twice"),
    ],
)
async def test_streams_that_make_no_sense_are_refused(frame: SynStream) -> None:
    async with _tunnel() as (socket, framer):
        await socket.send_bytes(
            framer.encode(SynStream(1, {"streamtype": "error", "port": "80", "requestid": "0"}))
        )  # fmt: skip
        await socket.send_bytes(framer.encode(frame))
        assert await _answers(socket, framer, 2) == [SynReply(1), Reset(frame.stream, 3)]


async def test_too_many_streams_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_forward, "_MAX_CONNECTIONS", 2)
    async with _tunnel() as (socket, framer):
        for number in range(3):
            headers = {"streamtype": "error", "port": "80", "requestid": str(number)}
            await socket.send_bytes(framer.encode(SynStream(2 * number + 1, headers)))
        assert await _answers(socket, framer, 3) == [SynReply(1), SynReply(3), Reset(5, 3)]


@pytest.mark.parametrize("query", ["port=http", "ports=80,x", "port=0"])
async def test_a_query_with_a_port_that_is_none(query: str) -> None:
    application = web.Application()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve(request, connector(""))

    application.router.add_get("/portForward", handle)
    async with TestClient(TestServer(application)) as client:
        assert (await client.get(f"/portForward?{query}")).status == 400


async def test_a_pod_that_does_not_read_makes_the_client_wait() -> None:
    held = asyncio.Event()

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    async with server, _tunnel() as (socket, framer):
        await _open(socket, framer, server.sockets[0].getsockname()[1])
        sent, block = 0, framer.encode(Data(3, b"x" * 65536))
        with pytest.raises(TimeoutError):
            for _ in range(4096):  # 256 MiB
                await asyncio.wait_for(socket.send_bytes(block), 1.0)
                sent += len(block)
        assert sent < 64 * 1024 * 1024
        held.set()


async def test_a_port_nobody_listens_on_is_told() -> None:
    async with _tunnel() as (socket, framer):
        await _open(socket, framer, 1)
        async for frame in _frames(socket, framer):
            if isinstance(frame, Data):
                assert (frame.stream, frame.fin) == (1, True)
                assert b"failed to connect to localhost:1 inside the pod" in frame.data
                break
