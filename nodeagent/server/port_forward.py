"""Port-forward: kubectl's SPDY inside WebSocket messages, and for each of its connections a socket in the pod.

Of each pair of streams, `error` is closed empty when all went well or carries a sentence, `data` is the connection.
What the client sends waits here for the pod, a little of it; then the whole tunnel waits, as upstream's does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import WSMsgType, web

from controlplane.kit.spdy import (
    MAX_DATA,
    Data,
    Frame,
    Framer,
    GoAway,
    Ping,
    Reset,
    SpdyError,
    SynReply,
    SynStream,
)
from nodeagent.kernel.netns import socket_in

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_READ = 64 * 1024
_MAX_MESSAGE = MAX_DATA + 1024  # bytes: the API server may put a whole frame of SPDY into one message
_MAX_CONNECTIONS = 512  # at once, in one tunnel
_MAX_WAITING = 1024 * 1024  # bytes, of all connections of a tunnel, beyond the message that went over it
_REFUSED = 3  # RST_STREAM: the stream was refused before anything was done about it

Connect = Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a connection to a port of the pod. Raises OSError."""


def connector(namespace: str) -> Connect:
    """Return how to reach a pod's own loopback; "" is a pod on the node's network."""

    async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure: OSError = ConnectionRefusedError("no address")
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            made = await asyncio.to_thread(_socket, namespace, family)
            made.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(made, (address, port))
            except OSError as error:
                made.close()
                failure = error
                continue
            return await asyncio.open_connection(sock=made)
        raise failure

    return connect


def _socket(namespace: str, family: socket.AddressFamily) -> socket.socket:
    return socket_in(Path(namespace), family) if namespace else socket.socket(family, socket.SOCK_STREAM)


class BadPort(ValueError):
    """Text that is no port; the sentence says so."""


def parse_port(text: str) -> int:
    """Return the number of a port. Raises BadPort."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise BadPort(f'unable to parse "{text[:20]}" as a port')
    if not 0 < int(text) < 65536:
        raise BadPort(f'port "{text}" must be > 0 and < 65536')
    return int(text)


async def serve(request: web.Request, connect: Connect) -> web.StreamResponse:
    """Answer a port-forward upgrade request until the client ends it."""
    try:
        for text in (*request.query.getall("port", []), *request.query.getall("ports", [])):
            for one in text.split(","):
                parse_port(one)
    except BadPort as error:
        return web.Response(status=400, text=f"{error}\n")
    tunnel = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=_MAX_MESSAGE, compress=False)
    if not tunnel.can_prepare(request).ok:
        return web.Response(status=400, text=f"port-forward needs a WebSocket with the protocol {PROTOCOL}\n")
    await tunnel.prepare(request)
    async with asyncio.TaskGroup() as tasks:
        session = _Session(tunnel, connect, tasks)
        try:
            async for message in tunnel:
                if message.type is WSMsgType.BINARY:
                    await session.feed(message.data)
        except SpdyError as error:
            await tunnel.close(code=1002, message=str(error).encode()[:100])
        session.close()
    return tunnel


class _Session:
    """One tunnel, which carries any number of connections."""

    def __init__(self, tunnel: web.WebSocketResponse, connect: Connect, tasks: asyncio.TaskGroup):
        self._tunnel, self._connect, self._tasks = tunnel, connect, tasks
        self._framer = Framer()
        self._sending = asyncio.Lock()  # headers share one zlib stream: frames leave in the order they are made
        self._errors: dict[str, int] = {}  # request id -> its error stream
        self._inbound: dict[int, asyncio.Queue[bytes | None]] = {}  # data stream -> what the client sends
        self._waiting = 0  # bytes in all of these
        self._taken = asyncio.Event()  # set when some of them went on
        self._last_stream = 0
        self._forwards: dict[int, asyncio.Task[None]] = {}

    async def feed(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            await self._take(frame)

    def close(self) -> None:
        for task in self._forwards.values():
            task.cancel()

    async def _take(self, frame: Frame) -> None:
        match frame:
            case SynStream(stream, headers):
                await self._open(stream, headers)
            case Data(stream, data, fin) if stream in self._inbound:
                while self._waiting > _MAX_WAITING and stream in self._inbound:
                    self._taken.clear()
                    await self._taken.wait()  # while the pod does not read
                queue = self._inbound.get(stream)
                if queue is not None and data:
                    self._waiting += len(data)
                    queue.put_nowait(data)
                if queue is not None and fin:
                    queue.put_nowait(None)
            case Reset(stream) if stream in self._forwards:
                self._forwards[stream].cancel()
            case Ping():
                await self._send(frame)
            case GoAway():
                self.close()

    async def _open(self, stream: int, headers: Mapping[str, str]) -> None:
        """Take a new stream in, or refuse it: one that makes no sense must not end the others."""
        kind, request_id = headers.get("streamtype", ""), headers.get("requestid", "")
        try:
            port = parse_port(headers.get("port", ""))
        except BadPort:
            port = 0
        busy = len(self._errors if kind == "error" else self._inbound) >= _MAX_CONNECTIONS
        if not port or busy or kind not in ("error", "data") or stream <= self._last_stream:
            await self._send(Reset(stream, _REFUSED))
            return
        self._last_stream = stream  # numbers only grow: section 2.3.2
        await self._send(SynReply(stream))
        if kind == "error":
            self._errors[request_id] = stream
            return
        self._inbound[stream] = asyncio.Queue()
        task = self._tasks.create_task(self._forward(stream, self._errors.pop(request_id, 0), port))
        self._forwards[stream] = task
        task.add_done_callback(lambda _: self._forwards.pop(stream, None))

    async def _forward(self, stream: int, error_stream: int, port: int) -> None:
        try:
            reader, writer = await self._connect(port)
        except OSError as error:
            words = f"failed to connect to localhost:{port} inside the pod: {error.strerror or error}"
            await self._send(Data(error_stream, words.encode(), fin=True))
            await self._send(Data(stream, b"", fin=True))
            self._drop(stream)
            return
        entry = asyncio.create_task(self._write(stream, writer))
        try:
            while data := await reader.read(_READ):
                await self._send(Data(stream, data))
        except ConnectionError:
            pass  # the pod has hung up: the same as an end here
        finally:
            entry.cancel()
            await asyncio.gather(entry, return_exceptions=True)
            writer.close()
            self._drop(stream)
        await self._send(Data(stream, b"", fin=True))
        await self._send(Data(error_stream, b"", fin=True))

    async def _write(self, stream: int, writer: asyncio.StreamWriter) -> None:
        queue = self._inbound[stream]
        while (data := await queue.get()) is not None:
            try:
                writer.write(data)
                await writer.drain()
            finally:
                self._went_on(len(data))
        with contextlib.suppress(OSError):
            writer.write_eof()

    def _drop(self, stream: int) -> None:
        """Forget a connection, and what was to go through it."""
        queue = self._inbound.pop(stream, None)
        while queue is not None and not queue.empty():
            self._went_on(len(queue.get_nowait() or b""))
        self._taken.set()

    def _went_on(self, count: int) -> None:
        self._waiting -= count
        self._taken.set()

    async def _send(self, frame: Frame) -> None:
        async with self._sending:
            if not self._tunnel.closed:
                with contextlib.suppress(ConnectionError):  # the client has gone; its end of the tunnel tells the loop
                    await self._tunnel.send_bytes(self._framer.encode(frame))
