"""Port-forward for every caller, over the one form that nodes know: SPDY/3.1 inside WebSocket messages.

SPDY/3.1 on the bare connection    the same bytes, in messages
WebSocket v4.channel.k8s.io        ?ports=80&ports=443: channels 0 and 1 are data and error of port 80, 2 and 3 of 443;
                                   the first message of each tells its port, two bytes, the low one first
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

from controlplane.apiserver.messages import Connection, WebSocket
from controlplane.apiserver.streams.protocols import Framing
from controlplane.apiserver.websocket import both_ways
from controlplane.kit.spdy import MAX_DATA, Data, Frame, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream


async def relay_bytes(node: WebSocket, caller: Connection) -> None:
    """Carry a caller's SPDY to a node, and back."""
    try:
        await both_ways(_inwards(caller, node), _outwards(node, caller))
    finally:
        await asyncio.gather(node.close(), caller.close(), return_exceptions=True)


async def _inwards(caller: Connection, node: WebSocket) -> None:
    while data := await caller.read():
        await node.send(data)


async def _outwards(node: WebSocket, caller: Connection) -> None:
    while (data := await node.receive()) is not None:
        if data:
            await caller.write(data)


async def relay_channels(node: WebSocket, ports: Sequence[int], framing: Framing, caller: WebSocket) -> None:
    """Carry the ports of a caller without SPDY: one connection each."""
    session = _Ports(node, ports, framing, caller)
    try:
        await session.open()
        await both_ways(session.from_caller(), session.from_node())
    except SpdyError:
        pass  # a node that does not speak it is no node to go on with
    finally:
        await asyncio.gather(node.close(), caller.close(), return_exceptions=True)


class _Ports:
    """The SPDY client's side of a tunnel; stream 4n+1 is the error of port n, 4n+3 its data."""

    def __init__(self, node: WebSocket, ports: Sequence[int], framing: Framing, caller: WebSocket):
        self._node, self._ports, self._framing, self._caller = node, ports, framing, caller
        self._framer = Framer()
        self._sending = asyncio.Lock()
        self._streams = {2 * n: 4 * n + 3 for n in range(len(ports))}  # what the caller may write to
        errors = {4 * n + 1: 2 * n + 1 for n in range(len(ports))}
        self._channels = {stream: channel for channel, stream in self._streams.items()} | errors
        self._open = set(self._streams.values())

    async def open(self) -> None:
        for n, port in enumerate(self._ports):
            for channel in (2 * n, 2 * n + 1):
                await self._say(channel, struct.pack("<H", port))
            headers = {"port": str(port), "requestid": str(n)}
            await self._send(SynStream(4 * n + 1, {"streamtype": "error", **headers}))
            await self._send(Data(4 * n + 1, b"", fin=True))  # nothing is said on it from here
            await self._send(SynStream(4 * n + 3, {"streamtype": "data", **headers}))

    async def from_caller(self) -> None:
        while (message := await self._caller.receive()) is not None:
            message = self._framing.decode(message)
            stream = self._streams.get(message[0]) if message else None
            if stream is None:
                continue
            for start in range(1, len(message), MAX_DATA):
                await self._send(Data(stream, message[start : start + MAX_DATA]))

    async def from_node(self) -> None:
        while self._open and (data := await self._node.receive()) is not None:
            for frame in self._framer.feed(data):
                await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case Data(stream, data, fin) if stream in self._channels:
                if data:
                    await self._say(self._channels[stream], data)
                if fin:
                    self._open.discard(stream)
            case Reset(stream) | SynReply(stream, _, True):
                self._open.discard(stream)
            case Ping():
                await self._send(frame)
            case GoAway():
                self._open.clear()

    async def _say(self, channel: int, data: bytes) -> None:
        message = self._framing.encode(bytes([channel]) + data)
        if self._framing.text:
            await self._caller.send_text(message.decode("ascii"))
        else:
            await self._caller.send(message)

    async def _send(self, frame: Frame) -> None:
        async with self._sending:
            await self._node.send(self._framer.encode(frame))
