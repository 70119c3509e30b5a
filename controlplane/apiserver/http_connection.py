"""One connection: requests are answered one after the other, by one task.

socket ──► data_received ──► RequestParser ──► serve(): handle(Request) ──► one write an answer ──► socket
              ▲                    │                          │
              └─ not read from while much is waiting          └─ waits while the caller is slow to read

When the caller goes, the task is cancelled: a watch whose client has gone ends now, not with the next event. A caller
who only ends his half of the connection has gone as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from controlplane.apiserver.gone import serve_nobody
from controlplane.apiserver.http_answers import CONTINUE, JOINED, Manner, has_body, head, length_of, refused
from controlplane.apiserver.http_requests import Leaving, Refused, RequestParser
from controlplane.apiserver.http_stream import send_stream
from controlplane.apiserver.messages import Answer, Peer, Request, Response, Stream, Switch, Upgrade
from controlplane.apiserver.tls import root_of

_log = logging.getLogger(__name__)

_IDLE = 180.0  # seconds a connection may be silent between requests
_HEAD = 32.0  # seconds for the rest of a head that has begun, as upstream's
_FAREWELL = 0.5  # seconds for a caller to read why he was refused, as Go's
_UNREAD = 256 * 1024  # bytes of bodies that nobody has read: beyond it the socket is not read from

Handle: TypeAlias = Callable[[Request], Awaitable[Answer]]
Take: TypeAlias = Callable[[asyncio.Transport, Peer, bytes], None]
"""Serves a connection from here on, beginning with these bytes."""


class Connections:
    """Those of one server, and what they share."""

    def __init__(self, handle: Handle, take: Take):
        self.handle, self.take = handle, take
        self.open: set[Connection] = set()
        self.ending = False

    async def end(self, drain: float) -> None:
        """Let requests under way be answered within `drain` seconds, then cut off what is left."""
        self.ending = True
        for one in tuple(self.open):
            one.finish()
        await self._ended(drain)
        for one in tuple(self.open):  # those that wait for the other side to say goodbye, too
            one.abort()
        await self._ended(drain)
        await asyncio.sleep(0)

    async def _ended(self, seconds: float) -> None:
        if tasks := [one.task for one in self.open]:
            await asyncio.wait(tasks, timeout=seconds)


class Connection(asyncio.Protocol):
    """Between a socket and `handle`."""

    task: asyncio.Task[None]
    _transport: asyncio.Transport
    _parser: RequestParser

    def __init__(self, connections: Connections, loop: asyncio.AbstractEventLoop):
        self.unread = 0  # bytes of bodies
        self._connections, self._loop = connections, loop
        self._peer = Peer()
        self._arrival: asyncio.Future[None] | None = None  # of a request, while there is none
        self._room: asyncio.Future[None] | None = None  # in the socket, while it is full
        self._full = False
        self._finishing = False  # this request is the last, or there is none
        self._gone = False  # nobody waits for an answer
        self._reading = True
        self._since = loop.time()  # no request is under way
        self._idle: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None  # when a head has begun to come and not ended

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer = peer_of(transport)
        self._parser = RequestParser(self._peer, self)
        self._finishing = self._connections.ending
        self._connections.open.add(self)
        self._idle = self._loop.call_later(_IDLE, self._look)
        self.task = self._loop.create_task(self._serve())

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.open.discard(self)
        self._parser.stop("the caller has gone")
        self._give_up()
        self._stop_timers()

    def eof_received(self) -> None:
        self._give_up()

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        parser.feed(data)
        if self._arrival is not None:
            if parser.waiting or parser.end is not None:
                self._wake()
            elif self._late is None:
                self._late = self._loop.call_later(_HEAD, self.finish)
        if parser.kept or self.unread > _UNREAD:
            self.balance()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # --- what a server and its bodies call

    def finish(self) -> None:
        """Take no request any more; without one under way, close."""
        self._finishing = True
        self._wake()

    def abort(self) -> None:
        self._transport.abort()
        self._give_up()

    def go_on(self) -> None:
        """Tell the caller to send the body that his request has announced."""
        self._transport.write(CONTINUE)

    def balance(self) -> None:
        """Read from the socket as long as little is waiting."""
        wanted = not self._parser.kept and self.unread <= _UNREAD
        if wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # --- requests, one after the other

    async def _serve(self) -> None:
        """Answer until the connection ends; whatever happens, it does not stay open with nobody to answer."""
        try:
            await self._answer_all()
        except Exception:
            _log.exception("the connection of %s breaks off", self._peer.address)
            self._transport.abort()
        except asyncio.CancelledError:
            if not self._gone:
                self._transport.abort()
            raise

    async def _answer_all(self) -> None:
        parser, waiting, handle = self._parser, self._parser.waiting, self._connections.handle
        while waiting or not self._finishing:
            if not waiting:
                if parser.end is not None:
                    await self._leave(parser.end)
                    return
                await self._next()
                continue
            request, body, manner = waiting.popleft()
            if parser.kept:
                self._parse_on()
            try:
                answer = await handle(request)
            except Exception:
                _log.exception("%s %s failed", request.method, request.path)
                self._transport.write(refused(500, "Internal Server Error"))
                await self._part()
                return
            if self._finishing or (body is not None and body.awaited):
                manner = manner.last  # a body that was not asked for comes or does not: nobody can tell where it ends
            if isinstance(answer, Response):
                keep = self._respond(request, answer, manner)
            else:
                keep = await self._other(request, answer, manner)
            if self._full:
                await self.drain()
            if body is not None and not await body.swallow():
                await self._part()
                return
            if not keep:
                break
        parser.stop("the connection is closed")
        self._transport.close()

    def _next(self) -> asyncio.Future[None]:
        """Return what to wait for until there is a request, or no hope for one."""
        self._since = self._loop.time()
        if self._late is None and self._parser.begun:
            self._late = self._loop.call_later(_HEAD, self.finish)
        self._arrival = self._loop.create_future()
        return self._arrival

    def _wake(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _look(self) -> None:
        """Close a connection on which nothing has been asked for long."""
        left = _IDLE - (self._loop.time() - self._since) if self._arrival is not None else _IDLE
        if left <= 0:
            self.finish()
        else:
            self._idle = self._loop.call_later(left, self._look)

    def _give_up(self) -> None:
        """Cancel what is under way; only once, or what it does to end well would be cancelled too."""
        if not self._gone:
            self._gone = True
            self.task.cancel()

    def _parse_on(self) -> None:
        self._parser.go_on()
        self.balance()

    # --- answers

    def _respond(self, request: Request, answer: Response, manner: Manner) -> bool:
        """Send an answer in one piece; return whether the connection can be kept."""
        status, body = answer.status, answer.body
        try:
            start = head(status, answer.content_type, answer.headers, length_of(status, len(body)) + manner.header)
        except ValueError:
            _log.exception("%s %s: the answer cannot be sent", request.method, request.path)
            self._transport.write(refused(500, "Internal Server Error"))
            return False
        if not has_body(request.method, status):
            self._transport.write(start)
        elif len(body) <= JOINED:
            self._transport.write(start + body)
        else:
            self._transport.writelines((start, body))
        return manner.keep

    async def _other(self, request: Request, answer: Stream | Upgrade | Switch, manner: Manner) -> bool:
        """Send an answer that takes its time; return whether the connection can be kept."""
        try:
            if isinstance(answer, Stream):
                return await send_stream(self, request, answer, manner)
            # The request asks for another protocol in a way that llhttp does not take for asking.
            self._transport.write(refused(400, "Bad Request"))
            await serve_nobody(answer)
            return False
        finally:
            if answer.on_end:
                answer.on_end()

    def write(self, *pieces: bytes) -> None:
        """Send a part of a stream. Raises ConnectionError."""
        if self._transport.is_closing():
            raise ConnectionResetError("the caller has gone")
        if sum(map(len, pieces)) <= JOINED:
            self._transport.write(b"".join(pieces))
        else:
            self._transport.writelines(pieces)

    async def drain(self) -> None:
        """Wait until the caller has read some of what was sent."""
        while self._full:
            self._room = self._loop.create_future()
            await self._room

    def break_off(self) -> None:
        self._transport.abort()

    # --- the end

    async def _leave(self, end: Refused | Leaving) -> None:
        """Do what is left to do after the last request."""
        if isinstance(end, Refused):
            _log.debug("%s sent no HTTP request: %s", self._peer.address, end)
            self._transport.write(refused(end.status, end.why))
            await self._part()
            return
        if self._transport.is_closing():
            return
        received, self._parser.kept = end.head + self._parser.kept, b""
        self.balance()
        self._connections.open.discard(self)
        self._stop_timers()
        self._connections.take(self._transport, self._peer, received)

    async def _part(self) -> None:
        """Close while the caller may still be sending: were it done at once, the kernel would take our answer back.

        A TLS connection says goodbye and reads on by itself.
        """
        self._parser.stop("the connection is closed")
        self.unread = 0
        self.balance()
        if self._transport.can_write_eof():
            self._transport.write_eof()
            await asyncio.sleep(_FAREWELL)
        self._transport.close()

    def _stop_timers(self) -> None:
        for timer in (self._idle, self._late):
            if timer is not None:
                timer.cancel()


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    session = transport.get_extra_info("ssl_object")
    certificate = session.getpeercert(True) if session is not None else None
    name = transport.get_extra_info("peername")
    root = root_of(session) if certificate else b""
    return Peer(address=str(name[0]) if name else "", certificate=certificate or b"", root=root)
