"""HTTP/1.1 over TLS, by aiohttp: with websocket.py the one place that knows which library serves."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong
from multidict import CIMultiDict

from controlplane.api.status import BadRequest, TooLarge
from controlplane.apiserver.messages import Answer, Peer, Query, Request, Response, Stream, Switch, Upgrade, WebSocket
from controlplane.apiserver.switched import switch
from controlplane.apiserver.tls import root_of
from controlplane.apiserver.websocket import AiohttpWebSocket, GoneWebSocket

_log = logging.getLogger(__name__)

BODY_LIMIT = 3 * 1024 * 1024  # bytes, as upstream's
_IDLE = 180.0  # seconds a connection may be silent between requests
_BACKLOG = 1024
_LINGERING = 5.0  # seconds for the rest of a body that nobody needed, so that the connection can go on
_HEADER_LIMIT = 1024 * 1024  # bytes of all headers together, as Go's
_LINE_LIMIT = 64 * 1024  # bytes of one header, or of the first line

_CONNECTION_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": _IDLE,
    "lingering_time": _LINGERING,
    "max_field_size": _LINE_LIMIT,
    "max_line_size": _LINE_LIMIT,
}

_METHOD = re.compile(r"b'[A-Z]+ /")  # a first line that is one, but for a method nobody knows

Handle = Callable[[Request], Awaitable[Answer]]


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
        server = web.Server(
            self._serve,
            request_factory=_new_request,
            handler_cancellation=True,  # a watch whose client has gone ends now, not with the next event
        )
        connections: _Open = {}
        listener = await loop.create_server(
            lambda: _Connection(server, connections, loop=loop, **_CONNECTION_OPTIONS),
            host or None,
            port,
            ssl=self._tls,
            backlog=_BACKLOG,
            reuse_address=True,
        )
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
            server.pre_shutdown()
            await server.shutdown(drain)
            for abort in tuple(connections.values()):  # those that wait for the other side to say goodbye
                abort()
            await asyncio.sleep(0)

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        if _headers_too_large(incoming.raw_headers):
            return _refused(431, "Request Header Fields Too Large")
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
            return web.Response(status=answer.status, body=answer.body, headers=headers)
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

    __slots__ = ("_mine", "_open", "_peer")

    def __init__(self, server: web.Server, open_: _Open, **options: Any):
        super().__init__(server, **options)
        self._open = open_
        self._peer: Peer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._mine = transport  # aiohttp forgets its own as soon as it closes it
        self._open[transport] = _abort_of(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._open.pop(self._mine, None)
        super().connection_lost(exc)

    @property
    def peer(self) -> Peer:
        if self._peer is None:
            self._peer = _peer_of(self.transport) if self.transport is not None else Peer()
        return self._peer

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
        if isinstance(exc, LineTooLong) or "Too many headers" in exc.message:
            return _refused(431, "Request Header Fields Too Large")
        if isinstance(exc, BadHttpMethod) and _METHOD.search(exc.message):
            return _refused(405, "Method Not Allowed")
        return _refused(400, "Bad Request")


def _refused(status: int, why: str) -> web.Response:
    """Answer before there is a request to answer: in plain text, as Go's server does, and for the last time."""
    response = web.Response(status=status, text=f"{status} {why}")
    response.force_close()
    return response


def _headers_too_large(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    if len(headers) <= _HEADER_LIMIT // _LINE_LIMIT:
        return False
    return sum(len(name) + len(value) for name, value in headers) > _HEADER_LIMIT


def _peer_of(transport: asyncio.BaseTransport) -> Peer:
    session = transport.get_extra_info("ssl_object")
    certificate = session.getpeercert(True) if session is not None else None
    name = transport.get_extra_info("peername")
    root = root_of(session) if certificate else b""
    return Peer(address=str(name[0]) if name else "", certificate=certificate or b"", root=root)


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
