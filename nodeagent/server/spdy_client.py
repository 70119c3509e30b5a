"""The client side of containerd's streaming server: one command or attachment over SPDY/3.1.

SPDY because containerd's WebSocket has no way to say that stdin has ended. Its URL is used once, on loopback.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from urllib.parse import urlsplit

from controlplane.kit.spdy import MAX_DATA, Data, Frame, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream

_PROTOCOL = "v4.channel.k8s.io"
_READ = 64 * 1024


class Channel(IntEnum):
    """The numbers of the remote command protocol's channels."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


_STREAM_TYPES = {
    Channel.ERROR: "error",
    Channel.STDIN: "stdin",
    Channel.STDOUT: "stdout",
    Channel.STDERR: "stderr",
    Channel.RESIZE: "resize",
}


class StreamFailed(Exception):
    """The runtime's streaming server refused or broke off."""


class RemoteCommand:
    """An exec or attach session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, channels: set[Channel]):
        self._reader, self._writer, self._framer = reader, writer, Framer()
        ordered = [channel for channel in _STREAM_TYPES if channel in channels]
        self._stream = {channel: 2 * index + 1 for index, channel in enumerate(ordered)}
        self._channel = {stream: channel for channel, stream in self._stream.items()}
        self._open = {channel for channel in channels if channel not in (Channel.STDIN, Channel.RESIZE)}

    async def start(self) -> None:
        """Open the streams."""
        for channel, stream in self._stream.items():
            await self._send(SynStream(stream, {"streamtype": _STREAM_TYPES[channel]}))

    async def write(self, data: bytes) -> None:
        """Send input; waits while the command does not read it."""
        if Channel.STDIN in self._stream:
            for start in range(0, len(data), MAX_DATA):
                await self._send(Data(self._stream[Channel.STDIN], data[start : start + MAX_DATA]))

    async def end_input(self) -> None:
        """Tell the command that there is no more input."""
        if Channel.STDIN in self._stream:
            await self._send(Data(self._stream[Channel.STDIN], b"", fin=True))

    async def resize(self, width: int, height: int) -> None:
        """Tell the command's terminal its size."""
        if Channel.RESIZE in self._stream:
            size = json.dumps({"Width": width, "Height": height}).encode()
            await self._send(Data(self._stream[Channel.RESIZE], size))

    async def output(self) -> AsyncIterator[tuple[Channel, bytes]]:
        """Yield what comes back, by channel, until every stream has ended; the ERROR channel carries the Status."""
        try:
            while self._open:
                data = await self._reader.read(_READ)
                if not data:
                    return
                for frame in self._framer.feed(data):
                    found = await self._take(frame)
                    if found is not None:
                        yield found
        except (SpdyError, ConnectionError) as error:
            raise StreamFailed(str(error)) from error

    async def _take(self, frame: Frame) -> tuple[Channel, bytes] | None:
        match frame:
            case Data(stream, data, fin) if stream in self._channel:
                channel = self._channel[stream]
                if fin:
                    self._open.discard(channel)
                return (channel, data) if data else None
            case SynReply(stream, _, True) | Reset(stream) if stream in self._channel:
                self._open.discard(self._channel[stream])
            case Ping():
                await self._send(frame)
            case GoAway():
                self._open.clear()
        return None

    async def _send(self, frame: Frame) -> None:
        self._writer.write(self._framer.encode(frame))
        await self._writer.drain()


@asynccontextmanager
async def remote_command(url: str, channels: set[Channel]) -> AsyncIterator[RemoteCommand]:
    """Connect to the runtime's streaming server. Raises StreamFailed."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError as error:
        raise StreamFailed(f"cannot reach the runtime's streaming server: {error}") from error
    try:
        await _upgrade(reader, writer, parts.path + (f"?{parts.query}" if parts.query else ""), parts.netloc)
        command = RemoteCommand(reader, writer, channels)
        await command.start()
        yield command
    finally:
        writer.close()


async def _upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, host: str) -> None:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        f"X-Stream-Protocol-Version: {_PROTOCOL}",
        "Content-Length: 0",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise StreamFailed("the runtime's streaming server hung up") from error
    if head.split(" ", 2)[1] != "101":
        raise StreamFailed(f"the runtime's streaming server answered {head.splitlines()[0]!r}")
