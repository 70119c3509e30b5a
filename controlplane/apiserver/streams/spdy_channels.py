"""exec and attach for callers who speak SPDY/3.1: each of their streams is a channel of the node's WebSocket.

    SYN_STREAM streamtype=stdout   ─►  known: node's channel 1 goes there         (answered with SYN_REPLY)
    DATA stdin "ls", FIN           ─►  00 "ls", then ff 00
    03 {"status":"Success"}        ─►  DATA error {…}, and FIN on every stream

What the node prints waits until the caller has opened all streams that its request named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from controlplane.apiserver.messages import Connection, Query, WebSocket
from controlplane.apiserver.streams.protocols import END, V4, Channel, outcome
from controlplane.apiserver.websocket import both_ways
from controlplane.kit.spdy import MAX_DATA, Data, Frame, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream

_TYPES = {"stdin": Channel.STDIN, "stdout": Channel.STDOUT, "stderr": Channel.STDERR, "error": Channel.ERROR,
          "resize": Channel.RESIZE}  # fmt: skip
_OPENING = 30.0  # seconds a caller may take to open its streams, as upstream's
_FAREWELL = 10.0  # seconds it may take to hang up when all is said


def expected_channels(query: Query, protocol: str) -> frozenset[Channel]:
    """Return the streams that a caller opens for such a request."""
    tty = query.flag("tty")
    wanted = {Channel.ERROR} | {_TYPES[name] for name in ("stdin", "stdout") if query.flag(name)}
    if query.flag("stderr") and not tty:
        wanted.add(Channel.STDERR)
    if tty and protocol in (V4, "v3.channel.k8s.io"):
        wanted.add(Channel.RESIZE)
    return frozenset(wanted)


async def relay(node: WebSocket, expected: frozenset[Channel], protocol: str, caller: Connection) -> None:
    """Carry a session until it is over or either side has gone."""
    session = _Session(node, expected, protocol, caller)
    try:
        await both_ways(session.from_caller(), session.from_node())
    except SpdyError:
        pass  # it does not speak SPDY: it is hung up on, and the command, as with any caller who goes, is left alone
    finally:
        await asyncio.gather(node.close(), caller.close(), return_exceptions=True)


class _Session:
    """One caller's streams."""

    def __init__(self, node: WebSocket, expected: frozenset[Channel], protocol: str, caller: Connection):
        self._node, self._expected, self._protocol, self._caller = node, expected, protocol, caller
        self._framer = Framer()
        self._sending = asyncio.Lock()  # headers share one zlib stream: frames leave in the order they are made
        self._channels: dict[int, Channel] = {}  # by stream
        self._streams: dict[Channel, int] = {}
        self._opened, self._gone = asyncio.Event(), asyncio.Event()

    # --- from the caller

    async def from_caller(self) -> None:
        """Take in frames until the caller hangs up. Raises SpdyError."""
        try:
            await self._take_all()
        finally:
            self._gone.set()

    async def _take_all(self) -> None:
        while data := await self._caller.read():
            for frame in self._framer.feed(data):
                if isinstance(frame, GoAway):
                    return
                await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case SynStream(stream, headers, fin):
                await self._send(SynReply(stream))
                self._open(stream, headers)
                if fin:
                    await self._ended(self._channels.get(stream))
            case Data(stream, data, fin):
                channel = self._channels.get(stream)
                if data and channel in (Channel.STDIN, Channel.RESIZE):
                    await self._node.send(bytes([channel]) + data)  # waits while the command does not read
                if fin:
                    await self._ended(channel)
            case Reset(stream):
                channel = self._channels.pop(stream, None)
                if channel is not None:
                    self._streams.pop(channel, None)
                await self._ended(channel)
            case Ping():
                await self._send(frame)

    def _open(self, stream: int, headers: Mapping[str, str]) -> None:
        channel = _TYPES.get(headers.get("streamtype", "").lower())
        if channel is not None:
            self._channels[stream], self._streams[channel] = channel, stream
        if self._expected <= self._streams.keys():
            self._opened.set()

    async def _ended(self, channel: Channel | None) -> None:
        if channel is Channel.STDIN:
            await self._node.send(bytes([END, channel]))

    # --- from the node

    async def from_node(self) -> None:
        """Send on what the node says, until it has said all."""
        try:
            async with asyncio.timeout(_OPENING):
                await self._opened.wait()
        except TimeoutError:
            return
        while (message := await self._node.receive()) is not None:
            if not message:
                continue
            channel, data = message[0], message[1:]
            if channel == Channel.ERROR:
                data = outcome(data, as_status=self._protocol == V4)
            stream = next((one for one, known in self._channels.items() if known == channel), None)
            if stream is not None:
                for start in range(0, len(data), MAX_DATA):
                    await self._send(Data(stream, data[start : start + MAX_DATA]))
        await self._finish()

    async def _finish(self) -> None:
        """End every stream, and let the caller be the one who hangs up, for it may still be reading."""
        for stream in list(self._channels):
            await self._send(Data(stream, b"", fin=True))
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._gone.wait()

    async def _send(self, frame: Frame) -> None:
        async with self._sending:
            await self._caller.write(self._framer.encode(frame))
