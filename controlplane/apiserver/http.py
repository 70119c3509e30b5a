"""HTTP/1.1 over TLS: listening, and ending in peace. What is said on a connection is one subject a file:

http_connection.py   requests in, answers out, one after the other; when either side is too slow, the other waits
  http_requests.py   from bytes to `Request`, by llhttp (httptools); what is refused before there is a request
  http_target.py     the path and the query of a request line
  http_body.py       the body of a request, read as a whole or as it comes
  http_answers.py    from an answer to bytes: heads, and what is said before there is a request
  http_stream.py     an answer that is sent while it is produced
upgraded.py          connections that leave HTTP (WebSockets, SPDY): by aiohttp, with websocket.py and switched.py;
                     imported when the first one does
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from controlplane.apiserver.http_connection import Connection, Connections, Handle
from controlplane.apiserver.messages import Peer

if TYPE_CHECKING:
    from controlplane.apiserver.upgraded import UpgradedConnections

_BACKLOG = 1024  # connections that the kernel holds until they are accepted


class HttpServer:
    """Listens, and carries what it hears to `handle`."""

    def __init__(self, handle: Handle, tls: ssl.SSLContext | None):
        self._handle, self._tls = handle, tls

    @asynccontextmanager
    async def listening(self, host: str, port: int, *, drain: float = 5.0) -> AsyncIterator[int]:
        """Serve until the block ends; yield the port, which the system chose if 0 was asked for.

        At the end no new request is taken, and those under way get `drain` seconds before they are cut off.
        """
        loop = asyncio.get_running_loop()
        upgraded = _Upgraded(self._handle)
        connections = Connections(self._handle, upgraded.take)
        listener = await loop.create_server(
            lambda: Connection(connections, loop),
            host or None,
            port,
            ssl=self._tls,
            backlog=_BACKLOG,
            reuse_address=True,
        )
        _notice_the_dead(listener)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
            await asyncio.gather(connections.end(drain), upgraded.end(drain))


class _Upgraded:
    """Hands connections that leave HTTP to aiohttp, imported with the first one: it takes 90 ms and 11 MiB."""

    def __init__(self, handle: Handle):
        self._handle = handle
        self._connections: UpgradedConnections | None = None

    def take(self, transport: asyncio.Transport, peer: Peer, received: bytes) -> None:
        if self._connections is None:
            from controlplane.apiserver.upgraded import UpgradedConnections

            self._connections = UpgradedConnections(self._handle)
        self._connections.take(transport, peer, received)

    async def end(self, drain: float) -> None:
        if self._connections is not None:
            await self._connections.end(drain)


def _notice_the_dead(listener: asyncio.Server) -> None:
    """Let the kernel ask after peers that say nothing for hours; connections inherit this from their listener."""
    for one in listener.sockets:
        with socket.socket(fileno=socket.dup(one.fileno())) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
