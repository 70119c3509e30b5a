"""Port-forward: kubectl's SPDY in a WebSocket, to a server on our own loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controlplane.kit.spdy import Data, Frame, Framer, SynStream
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


async def test_a_port_nobody_listens_on_is_told() -> None:
    async with _tunnel() as (socket, framer):
        await _open(socket, framer, 1)
        async for frame in _frames(socket, framer):
            if isinstance(frame, Data):
                assert (frame.stream, frame.fin) == (1, True)
                assert b"failed to connect to localhost:1 inside the pod" in frame.data
                break
