"""A Dialer over aiohttp; bare connections over asyncio's streams."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from yarl import URL

from controlplane.apiserver.messages import Connection
from controlplane.apiserver.proxying.dialer import Body, Destination, Reply, Unreachable
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_CONNECT = 10.0  # seconds
_READ = 64 * 1024

Way = Callable[[str, int], tuple[str, int]]
"""From the address meant to the address to dial: a tunnel's entrance, or what a test listens on."""


def _straight(host: str, port: int) -> tuple[str, int]:
    return host, port


class HttpDialer:
    """Calls HTTP servers; connections are kept for the next request to the same one."""

    def __init__(self, way: Way = _straight):
        self._way = way
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def request(
        self, destination: Destination, method: str, target: str, headers: Mapping[str, str], body: Body = None
    ) -> AsyncIterator[Reply]:
        host, port = self._way(destination.host, destination.port)
        try:
            url = URL.build(scheme="https" if destination.tls else "http", host=host, port=port)
            answer = await self._open().request(
                method,
                URL(str(url) + target, encoded=True),
                data=body,
                headers=headers,
                ssl=destination.tls or True,
                server_hostname=(destination.server_name or destination.host) if destination.tls else None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:  # ValueError: no host is called so
            raise Unreachable(_say(error)) from error
        try:
            yield Reply(answer.status, answer.headers, _chunks(answer), answer.content_length)
        finally:
            # A connection whose answer was read to its end goes back to the pool, any other is closed.
            answer.close()

    async def connect(self, destination: Destination) -> Connection:
        host, port = self._way(destination.host, destination.port)
        name = destination.server_name or destination.host
        try:
            async with asyncio.timeout(_CONNECT):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=destination.tls, server_hostname=name if destination.tls else None
                )
        except (OSError, TimeoutError, ValueError) as error:
            raise Unreachable(_say(error)) from error
        return StreamConnection(reader, writer)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
            )
        return self._session


class StreamConnection:
    """asyncio's pair of streams as `messages.Connection`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(_READ)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):  # a peer that has gone needs no farewell
            await self._writer.wait_closed()


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(_say(error)) from error


def _say(error: BaseException) -> str:
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
