"""exec and attach over a WebSocket whose framing nodes need not know."""

from __future__ import annotations

import asyncio

from controlplane.apiserver.messages import WebSocket
from controlplane.apiserver.streams.protocols import Channel, Framing, outcome
from controlplane.apiserver.websocket import both_ways


class Framed:
    """A caller's WebSocket, seen as channels."""

    def __init__(self, socket: WebSocket, framing: Framing):
        self._socket, self._framing = socket, framing

    async def receive(self) -> bytes | None:
        message = await self._socket.receive()
        return None if message is None else self._framing.decode(message)

    async def send(self, message: bytes) -> None:
        if message[:1] == bytes([Channel.ERROR]):
            told = outcome(message[1:], as_status=self._framing.status)
            if not told:
                return
            message = message[:1] + told
        await self._write(self._framing.encode(message))

    async def open(self, channel: Channel) -> None:
        """Say that all is set up: an empty message, which clients wait for before they write."""
        await self._write(self._framing.encode(bytes([channel])))

    async def send_text(self, message: str) -> None:
        await self._socket.send_text(message)

    async def close(self, code: int = 1000) -> None:
        await self._socket.close(code)

    async def _write(self, message: bytes) -> None:
        if self._framing.text:
            await self._socket.send_text(message.decode("ascii"))
        else:
            await self._socket.send(message)


async def relay(node: WebSocket, framing: Framing, first: Channel, caller: WebSocket) -> None:
    """Carry a session until either side closes; `first` is the lowest channel that the caller reads."""
    framed = Framed(caller, framing)
    try:
        await framed.open(first)
        await both_ways(_carry(framed, node), _carry(node, framed))
    finally:
        await asyncio.gather(framed.close(), node.close(), return_exceptions=True)


async def _carry(source: WebSocket | Framed, target: WebSocket | Framed) -> None:
    while (message := await source.receive()) is not None:
        if message:
            await target.send(message)
