"""Port-forward: kubectl's SPDY inside WebSocket messages, and for each of its connections a socket in the pod.

Of each pair of streams, `error` is closed empty when all went well or carries a sentence, `data` is the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import WSMsgType, web

from controlplane.kit.spdy import Data, Frame, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream
from nodeagent.kernel.netns import socket_in

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_READ = 64 * 1024

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


async def serve(request: web.Request, connect: Connect) -> web.StreamResponse:
    """Answer a port-forward upgrade request until the client ends it."""
    tunnel = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=0, compress=False)
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
        self._forwards: set[asyncio.Task[None]] = set()

    async def feed(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            await self._take(frame)

    def close(self) -> None:
        for task in self._forwards:
            task.cancel()

    async def _take(self, frame: Frame) -> None:
        match frame:
            case SynStream(stream, headers):
                await self._send(SynReply(stream))
                self._opened(stream, headers)
            case Data(stream, data, fin) if stream in self._inbound:
                queue = self._inbound[stream]
                if data:
                    await queue.put(data)  # waits while the pod does not read
                if fin:
                    await queue.put(None)
            case Reset(stream) if stream in self._inbound:
                await self._inbound[stream].put(None)
            case Ping():
                await self._send(frame)
            case GoAway():
                self.close()

    def _opened(self, stream: int, headers: Mapping[str, str]) -> None:
        kind, request_id = headers.get("streamtype", ""), headers.get("requestid", "")
        if kind == "error":
            self._errors[request_id] = stream
        elif kind == "data":
            port = int(headers.get("port", "0"))
            self._inbound[stream] = asyncio.Queue(16)
            task = self._tasks.create_task(self._forward(stream, self._errors.pop(request_id, 0), port))
            self._forwards.add(task)
            task.add_done_callback(self._forwards.discard)

    async def _forward(self, stream: int, error_stream: int, port: int) -> None:
        try:
            reader, writer = await self._connect(port)
        except OSError as error:
            words = f"failed to connect to localhost:{port} inside the pod: {error.strerror or error}"
            await self._send(Data(error_stream, words.encode(), fin=True))
            await self._send(Data(stream, b"", fin=True))
            self._inbound.pop(stream, None)
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
            self._inbound.pop(stream, None)
        await self._send(Data(stream, b"", fin=True))
        await self._send(Data(error_stream, b"", fin=True))

    async def _write(self, stream: int, writer: asyncio.StreamWriter) -> None:
        queue = self._inbound[stream]
        while (data := await queue.get()) is not None:
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _send(self, frame: Frame) -> None:
        async with self._sending:
            if not self._tunnel.closed:
                with contextlib.suppress(ConnectionError):  # the client has gone; its end of the tunnel tells the loop
                    await self._tunnel.send_bytes(self._framer.encode(frame))
