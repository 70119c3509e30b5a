"""Connections that ask for another protocol: handed over with all that was said, on either event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from controlplane.apiserver.messages import (
    Answer,
    Connection,
    Request,
    Response,
    Stream,
    Switch,
    Upgrade,
    WebSocket,
)
from tests.fakes.raw_http import RawCaller, echo, get, post, serving
from tests.integration.http.conftest import Calling, Tls
from tests.waiting import until

WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")
SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1")


class Echoing:
    """Sends everything back, whatever the protocol."""

    def __init__(self) -> None:
        self.under_way, self.ended = 0, 0

    async def __call__(self, request: Request) -> Answer:
        if request.path == "/ws":
            return Upgrade("chat", self._messages, on_end=self._on_end)
        if request.path == "/switch":
            headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
            return Switch(self._bytes, headers, on_end=self._on_end)
        if request.path == "/stream":
            return Stream(200, self._chunks(), on_end=self._on_end)
        return await echo(request)

    async def _messages(self, caller: WebSocket) -> None:
        with self._noted():
            while (message := await caller.receive()) is not None:
                await caller.send(message)

    async def _bytes(self, caller: Connection) -> None:
        with self._noted():
            while data := await caller.read():
                await caller.write(data)

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def _on_end(self) -> None:
        self.ended += 1


@contextlib.asynccontextmanager
async def websocket(port: int, tls: Tls | None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    scheme, context = ("https", tls.client) if tls else ("http", True)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{scheme}://127.0.0.1:{port}/ws", protocols=("chat",), ssl=context) as socket,
    ):
        yield socket


async def test_a_websocket(tls: Tls | None) -> None:
    handle = Echoing()
    async with serving(handle, tls and tls.server) as port:
        async with websocket(port, tls) as socket:
            assert socket.protocol == "chat"
            for message in (b"hello", b"a" * 1_000_000):
                await socket.send_bytes(message)
                assert await socket.receive_bytes() == message
        async with asyncio.timeout(5):
            await until(lambda: handle.ended == 1)


async def test_bytes_both_ways_after_ordinary_requests(calling: Calling) -> None:
    handle = Echoing()
    async with calling(handle) as caller:
        await caller.send(get("/before") + post(b"abc") + post(b"", *SPDY, target="/switch"))
        assert (await caller.answer()).heard["path"] == "/before"
        assert (await caller.answer()).heard["body"] == "abc"
        assert (await caller.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        for message in (b"hello", b"a" * 1_000_000):
            await caller.send(message)
            assert await caller.reader.readexactly(len(message)) == message
        caller.writer.close()
        async with asyncio.timeout(5):
            await until(lambda: (handle.under_way, handle.ended) == (0, 1))


@pytest.mark.parametrize("headers", [WEBSOCKET, SPDY, ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")])
async def test_who_asks_to_upgrade_may_get_an_ordinary_answer(calling: Calling, headers: tuple[str, ...]) -> None:
    handle = Echoing()
    async with calling(handle) as caller:
        await caller.send(get("/a?b=%20", *headers, "X: \u20ac\u00e9") + get("/behind"))
        told = await caller.answer()
        heard = told.heard
        assert (heard["path"], heard["query"], heard["target"]) == ("/a", "b=%20", "/a?b=%20")
        assert ["x", "\u20ac\u00e9"] in heard["headers"]
        assert told.headers["connection"] == "close"  # what is behind it has to be asked again
        assert await caller.rest() == b""
    async with calling(handle) as caller:
        await caller.send(get("/stream", *headers))
        assert (await caller.answer()).body == b"onetwo"
        assert await caller.rest() == b""
    async with calling(handle) as caller:
        await caller.send(post(b"abc", *headers))
        assert (await caller.answer()).heard["body"] == "abc"
    assert handle.ended == 1


async def test_connect(calling: Calling) -> None:
    async def refuse(request: Request) -> Answer:
        return Response(405, request.method.encode())

    async with calling(refuse) as caller:
        await caller.send(b"CONNECT h:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await caller.answer()).body == b"CONNECT"


async def test_an_upgrade_that_was_never_asked_for_is_ended(calling: Calling) -> None:
    handle = Echoing()
    async with calling(handle) as caller:
        await caller.send(get("/ws"))
        assert (await caller.answer()).status == 400
        assert await caller.rest() == b""
    async with calling(handle) as caller:
        await caller.send(get("/switch", "Connection: Upgrade"))
        assert (await caller.answer()).status == 400
    assert (handle.under_way, handle.ended) == (0, 2)


async def test_the_caller_is_known_there_too(calling: Calling, tls: Tls | None) -> None:
    seen = []

    async def note(request: Request) -> Answer:
        seen.append(request.peer)
        return Response(200)

    async with calling(note) as caller:
        for headers in ((), WEBSOCKET):
            await caller.send(get("/", *headers))
            await caller.answer()
    assert seen[0] is seen[1]
    assert bool(seen[0].certificate) is (tls is not None)


async def test_at_the_end_they_are_cut_off(tls: Tls | None) -> None:
    handle = Echoing()
    async with contextlib.AsyncExitStack() as stack:
        async with serving(handle, tls and tls.server, drain=0.1) as port:
            socket = await stack.enter_async_context(websocket(port, tls))
            caller = await stack.enter_async_context(RawCaller.calling(port, tls and tls.client))
            await caller.send(post(b"", *SPDY, target="/switch"))
            await caller.reader.readuntil(b"\r\n\r\n")
            await until(lambda: handle.under_way == 2)
        with contextlib.suppress(ConnectionError):
            assert await caller.rest() == b""
        assert (await socket.receive()).type in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
            aiohttp.WSMsgType.CLOSE,
        )
    async with asyncio.timeout(5):
        await until(lambda: handle.ended == 2)


async def test_at_the_end_they_get_the_time_to_be_answered(tls: Tls | None) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slowly(request: Request) -> Answer:
        begun.set()
        await go.wait()
        return Response(200, b"done")

    server = contextlib.AsyncExitStack()
    port = await server.enter_async_context(serving(slowly, tls and tls.server, drain=10))
    async with RawCaller.calling(port, tls and tls.client) as caller:
        await caller.send(get("/", *WEBSOCKET))
        await begun.wait()
        ending = asyncio.create_task(server.aclose())
        await asyncio.sleep(0.1)
        go.set()
        assert (await caller.answer()).body == b"done"
        caller.writer.close()
    async with asyncio.timeout(5):
        await ending
