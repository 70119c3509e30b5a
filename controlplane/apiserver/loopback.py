"""Requests of the server to itself, and of components in the same process: the pipeline without a socket.

It is a `client.transport.Transport`, so a Client over it cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast
from urllib.parse import urlencode

from multidict import CIMultiDict

from controlplane.apiserver.messages import Answer, Peer, Query, Request, Response, Switch, Upgrade
from controlplane.auth.interface import SYSTEM_MASTERS, User
from controlplane.client import transport
from controlplane.client.failures import failure_of

SYSTEM = User("system:apiserver", groups=(SYSTEM_MASTERS, "system:authenticated"))

Handle = Callable[[Request], Awaitable[Answer]]


class LoopbackTransport:
    """Calls `handle` as `user`."""

    def __init__(self, handle: Handle, user: User = SYSTEM):
        self._handle, self._peer = handle, Peer(address="127.0.0.1", user=user)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        content_type: str = transport.JSON,
        headers: Mapping[str, str] | None = None,
    ) -> transport.Response:
        """Send one request and return its answer as a whole."""
        answer = await self._ask(method, path, query, body, {**(headers or {}), "Content-Type": content_type})
        return await _whole(answer)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a request whose answer comes line by line. Raises StatusError when it is a failure."""
        answer = await self._ask(method, path, query, None, headers or {})
        if isinstance(answer, Response | Upgrade | Switch) or answer.status >= 400:
            raise failure_of(await _whole(answer))
        try:
            async with aclosing(cast(Any, answer.chunks)) as chunks:
                yield _lines(chunks)
        finally:
            if answer.on_end:
                answer.on_end()

    async def _ask(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        async def read() -> bytes:
            return body or b""

        return await self._handle(
            Request(method, path, Query(urlencode(query)), CIMultiDict(headers), read, self._peer)
        )


async def _whole(answer: Answer) -> transport.Response:
    assert not isinstance(answer, Upgrade | Switch), "nothing in this process asks for an upgrade"
    headers = CIMultiDict(answer.headers, **{"Content-Type": answer.content_type})
    if isinstance(answer, Response):
        return transport.Response(answer.status, headers, answer.body)
    try:
        body = b"".join([chunk async for chunk in answer.chunks])
    finally:
        if answer.on_end:
            answer.on_end()
    return transport.Response(answer.status, headers, body)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut a watch into its lines; every chunk ends with one."""
    async for chunk in chunks:
        for line in chunk.splitlines():
            if line:
                yield line
