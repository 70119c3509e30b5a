"""A connection that leaves HTTP: the 101, then bytes both ways, over aiohttp's server.

aiohttp hands everything that comes after the head of the request to a parser, as it does for its own WebSockets; ours
keeps the bytes as they are. What nobody has read yet is bounded: beyond the limit the socket is not read from.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from controlplane.apiserver.gone import Gone
from controlplane.apiserver.messages import Connection, Switch

_UNREAD = 256 * 1024  # bytes received that nobody has asked for yet


class Receiver:
    """What aiohttp calls a parser: it is fed."""

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._chunks: list[bytes] = []
        self._size, self._ended, self._paused = 0, False, False
        self._arrived = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes from the socket; False: there may be more."""
        self._chunks.append(bytes(data))
        self._size += len(data)
        if self._size > _UNREAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._arrived.set()
        return False, b""

    def feed_eof(self) -> None:
        self._ended = True
        self._arrived.set()

    async def read(self) -> bytes:
        """Return all that has come; b"" when the peer has no more."""
        while not self._chunks and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        data, self._chunks, self._size = b"".join(self._chunks), [], 0
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data


class _Switched:
    """The connection, as `messages.Connection`."""

    def __init__(self, handler: RequestHandler, transport: asyncio.Transport, receiver: Receiver):
        self._handler, self._transport, self._receiver = handler, transport, receiver

    async def read(self) -> bytes:
        return await self._receiver.read()

    async def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the peer has gone")
        self._transport.write(data)
        await self._handler._drain_helper()

    async def close(self) -> None:
        self._transport.close()


class _SwitchingProtocols(web.StreamResponse):
    """A head without a body; what follows it is not HTTP."""

    _length_check = False

    def __init__(self, answer: Switch):
        super().__init__(status=101, headers=cast(Any, answer.headers))
        self.force_close()


async def switch(incoming: web.BaseRequest, answer: Switch) -> web.StreamResponse:
    """Send the 101 and let the answer have the connection until it is done with it."""
    response = _SwitchingProtocols(answer)
    connection: Connection = Gone()
    try:
        connection = await _left(incoming, response)
    finally:
        # Whatever became of the caller: behind the answer there may be a connection that only it can close.
        await answer.serve(connection)
        await connection.close()
    return response


async def _left(incoming: web.BaseRequest, response: web.StreamResponse) -> Connection:
    """Send the head; return what is behind it."""
    handler, transport = incoming.protocol, incoming.transport
    if transport is None:
        return Gone()
    try:
        await response.prepare(incoming)
    except ConnectionError:
        return Gone()
    receiver = Receiver(transport)
    handler.set_parser(cast(Any, receiver))
    return _Switched(handler, transport, receiver)
