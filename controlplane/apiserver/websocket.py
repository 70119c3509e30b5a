"""aiohttp's WebSockets, of either side, as `messages.WebSocket`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from controlplane.apiserver.messages import WebSocket
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import web
else:
    aiohttp = LateModule("aiohttp")


class AiohttpWebSocket:
    """Binary messages in, binary messages out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse | web.WebSocketResponse):
        self._socket = socket

    async def receive(self) -> bytes | None:
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            data: bytes = message.data
            return data
        if message.type is aiohttp.WSMsgType.TEXT:
            text: str = message.data
            return text.encode()
        return None

    async def send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)  # waits while the peer is slow to read

    async def send_text(self, message: str) -> None:
        await self._socket.send_str(message)

    async def close(self, code: int = 1000) -> None:
        await self._socket.close(code=code)


async def join(one: WebSocket, other: WebSocket) -> None:
    """Carry messages both ways until either side closes; then close both."""
    try:
        await both_ways(_carry(one, other), _carry(other, one))
    finally:
        await asyncio.gather(one.close(), other.close(), return_exceptions=True)


async def both_ways(*carrying: Coroutine[Any, Any, None]) -> None:
    """Run both directions of a session until one of them ends."""
    ways = {asyncio.create_task(one) for one in carrying}
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in done:
            way.result()
    except OSError:
        pass  # a peer that has gone needs no farewell
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(source: WebSocket, target: WebSocket) -> None:
    while (message := await source.receive()) is not None:
        await target.send(message)
