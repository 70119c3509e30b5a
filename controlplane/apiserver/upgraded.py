"""Connections that leave HTTP, by aiohttp: with websocket.py and switched.py the one place that knows its server.

A connection comes here with the first request that asks for another protocol, and ends here: WebSockets and SPDY
mostly. The answer may be an ordinary one as well, a 403 or what an HTTP/2 client is told who would have liked to
upgrade; it is the last, so that the rules for whatever would follow are written once, in http_requests.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from multidict import CIMultiDict

from controlplane.api.status import BadRequest, TooLarge
from controlplane.apiserver.gone import GoneWebSocket
from controlplane.apiserver.http_body import BODY_LIMIT
from controlplane.apiserver.http_requests import LINE_LIMIT
from controlplane.apiserver.messages import Answer, Peer, Query, Request, Response, Stream, Switch, Upgrade, WebSocket
from controlplane.apiserver.switched import switch
from controlplane.apiserver.websocket import AiohttpWebSocket

_log = logging.getLogger(__name__)

_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,
    "lingering_time": 5.0,  # seconds
    "max_field_size": LINE_LIMIT,
    "max_line_size": LINE_LIMIT,
}

Handle = Callable[[Request], Awaitable[Answer]]


class UpgradedConnections:
    """Serves what `take` is given."""

    def __init__(self, handle: Handle):
        self._handle = handle
        self._server = web.Server(self._serve, request_factory=_new_request, handler_cancellation=True)
        self._open: _Open = {}

    def take(self, transport: asyncio.Transport, peer: Peer, received: bytes) -> None:
        """Serve a connection from here on, beginning with what has been received."""
        handler = _Connection(self._server, self._open, peer, loop=asyncio.get_running_loop(), **_OPTIONS)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(received)

    async def end(self, drain: float) -> None:
        """Let requests under way be answered within `drain` seconds, then cut off what is left."""
        self._server.pre_shutdown()
        await self._server.shutdown(drain)
        for abort in tuple(self._open.values()):  # those that wait for the other side to say goodbye
            abort()
        await asyncio.sleep(0)

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        body = cast(_Body, incoming)
        request = Request(
            incoming.method,
            incoming.rel_url.path,
            Query(incoming.rel_url.raw_query_string),
            _readable(incoming),
            body.whole,
            cast(_Connection, incoming.protocol).peer,
            incoming.raw_path,
            body.chunks,
        )
        answer = await self._handle(request)
        if isinstance(answer, Response):
            # HEAD gets the same headers; aiohttp leaves the body out.
            headers = CIMultiDict(answer.headers)
            headers["Content-Type"] = answer.content_type
            response = web.Response(status=answer.status, body=answer.body, headers=headers)
            response.force_close()
            return response
        try:
            if isinstance(answer, Upgrade):
                return await _upgrade(incoming, answer)
            if isinstance(answer, Switch):
                return await switch(incoming, answer)
            return await _stream(incoming, answer)
        finally:
            if answer.on_end:
                answer.on_end()


def _readable(incoming: web.BaseRequest) -> Mapping[str, str]:
    """Return the headers as text that can be written again: bytes that are no UTF-8 as U+FFFD, as Go writes them."""
    if all(value.isascii() for _, value in incoming.raw_headers):
        return incoming.headers
    return CIMultiDict(
        (name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        for name, value in incoming.headers.items()
    )


_Open = dict[asyncio.BaseTransport, Callable[[], object]]
"""The connections that are open, and what cuts each off."""


def _abort_of(transport: asyncio.BaseTransport) -> Callable[[], object]:
    """Return what cuts a connection off, whatever has been done to its transport by then.

    asyncio's TLS transport lets go of its connection when it is closed twice, as aiohttp does after a WebSocket.
    """
    inner = getattr(transport, "_ssl_protocol", None)
    abort: Callable[[], object] = transport.abort if inner is None else inner._abort  # type: ignore[attr-defined]
    return abort


class _Connection(web.RequestHandler):
    """One connection, which knows who is at its other end."""

    __slots__ = ("_mine", "_open", "peer")

    def __init__(self, server: web.Server, open_: _Open, peer: Peer, **options: Any):
        super().__init__(server, **options)
        self._open, self.peer = open_, peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._mine = transport  # aiohttp forgets its own as soon as it closes it
        self._open[transport] = _abort_of(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._open.pop(self._mine, None)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Refuse bytes that are no request; they are the caller's mistake, and no traceback of ours explains them."""
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        _log.debug("%s sent no HTTP request: %s", request.remote, exc)
        too_large = isinstance(exc, LineTooLong) or "Too many headers" in exc.message
        status, why = (431, "Request Header Fields Too Large") if too_large else (400, "Bad Request")
        response = web.Response(status=status, text=f"{status} {why}")
        response.force_close()
        return response


class _Body(web.BaseRequest):
    """A request whose body is read as a whole, up to the limit, or piece by piece."""

    async def whole(self) -> bytes:
        """Return the body. Raises TooLarge, BadRequest."""
        if not self.body_exists:
            return b""
        try:
            return await self.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise TooLarge(f"Request entity too large: limit is {BODY_LIMIT}") from error
        except (HttpProcessingError, web.RequestPayloadError, asyncio.IncompleteReadError) as error:
            raise BadRequest(f"the body of the request cannot be read: {error}") from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises BadRequest."""
        try:
            async for chunk in self.content.iter_any():
                yield chunk
        except (HttpProcessingError, web.RequestPayloadError, asyncio.IncompleteReadError) as error:
            raise BadRequest(f"the body of the request cannot be read: {error}") from error


def _new_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return _Body(message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=BODY_LIMIT)


async def _stream(incoming: web.BaseRequest, answer: Stream) -> web.StreamResponse:
    headers = CIMultiDict(answer.headers)
    headers["Content-Type"] = answer.content_type
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.force_close()
    if answer.length is not None:
        response.content_length = answer.length
    else:
        response.enable_chunked_encoding()
    async with aclosing(cast(Any, answer.chunks)) as chunks:
        await response.prepare(incoming)
        if incoming.method == "HEAD":
            return response
        try:
            async for chunk in chunks:
                if chunk:
                    await response.write(chunk)  # waits while the caller is slow to read
            await response.write_eof()
        except ConnectionError:
            _log.debug("%s %s: the caller has gone", incoming.method, incoming.path)
        except Exception:
            # The head is sent: all that is left is to break the connection, so that nobody takes this for the end.
            _log.exception("%s %s: the answer broke off", incoming.method, incoming.path)
            if incoming.transport is not None:
                incoming.transport.abort()
    return response


async def _upgrade(incoming: web.BaseRequest, answer: Upgrade) -> web.StreamResponse:
    protocols = (answer.protocol,) if answer.protocol else ()
    socket = web.WebSocketResponse(protocols=protocols, max_msg_size=0, timeout=2.0)
    caller: WebSocket = GoneWebSocket()
    try:
        await socket.prepare(incoming)
        caller = AiohttpWebSocket(socket)
    finally:
        # Whatever became of the caller: behind the answer there may be a connection that only it can close.
        await answer.serve(caller)
    return socket
