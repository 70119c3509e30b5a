"""exec and attach: a WebSocket on our side, the runtime's SPDY on the other, and a pump between them.

The first byte of each message is its channel; in v5, 255 and a channel's number say that the channel has ended. The
Status of the command goes out on channel 3 when everything else has. Each direction waits for its slower side.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web

from nodeagent.server.spdy_client import Channel, RemoteCommand, StreamFailed, remote_command

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io")
_CLOSE = 255
_SUCCESS = b'{"metadata":{},"status":"Success"}'
# Bytes of one message: clients that send a whole file in one must cut it up. Of input that the command does not read
# no more is held than one message and what the sockets' own buffers take; then the client is no longer read from.
_MAX_MESSAGE = 16 * 1024 * 1024
STANDARD = frozenset({Channel.STDIN, Channel.STDOUT, Channel.STDERR})


def wanted_channels(query: web.BaseRequest) -> set[Channel]:
    """Return the channels that a request asks for; the API server says input, output, error where users say stdin…"""
    flags = {name for name, value in query.query.items() if value in ("1", "true")}
    tty = "tty" in flags
    channels = {Channel.ERROR}
    if flags & {"input", "stdin"}:
        channels.add(Channel.STDIN)
    if flags & {"output", "stdout"}:
        channels.add(Channel.STDOUT)
    if flags & {"error", "stderr"} and not tty:
        channels.add(Channel.STDERR)
    if tty:
        channels.add(Channel.RESIZE)
    return channels


async def pump(request: web.Request, url: str, channels: set[Channel]) -> web.StreamResponse:
    """Answer an upgrade request with the session at `url`, until it or the client ends."""
    socket = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=_MAX_MESSAGE, compress=False)
    if not socket.can_prepare(request).ok:
        return web.Response(
            status=400, text=f"a WebSocket with one of the protocols {', '.join(PROTOCOLS)} is needed\n"
        )
    try:
        async with remote_command(url, channels) as command:
            await socket.prepare(request)
            await _run(socket, command)
    except StreamFailed as error:
        if not socket.prepared:
            return web.Response(status=500, text=f"{error}\n")
        await _say(socket, _failure(str(error)))
    await socket.close()
    return socket


async def _run(socket: web.WebSocketResponse, command: RemoteCommand) -> None:
    output = asyncio.create_task(_forward_output(socket, command))
    entry = asyncio.create_task(_forward_input(socket, command))
    try:
        await asyncio.wait({output, entry}, return_when=asyncio.FIRST_COMPLETED)
        if entry.done() and not output.done():
            entry.result()
            return  # the client has gone; the command, as upstream's, is left to itself
        await _say(socket, output.result() or _SUCCESS)
    finally:
        for task in (output, entry):
            task.cancel()
        await asyncio.gather(output, entry, return_exceptions=True)


async def _forward_output(socket: web.WebSocketResponse, command: RemoteCommand) -> bytes:
    """Send on what the command prints; return its Status."""
    status = b""
    async for channel, data in command.output():
        if channel is Channel.ERROR:
            status += data
        else:
            await socket.send_bytes(bytes([channel]) + data)
    return status


async def _forward_input(socket: web.WebSocketResponse, command: RemoteCommand) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == Channel.STDIN:
            await command.write(data)
        elif channel == Channel.RESIZE:
            await _resize(command, data)
        elif channel == _CLOSE and data[:1] == bytes([Channel.STDIN]):
            await command.end_input()


async def _resize(command: RemoteCommand, data: bytes) -> None:
    try:
        size = json.loads(data)
        await command.resize(int(size["Width"]), int(size["Height"]))
    except (ValueError, KeyError, TypeError):
        return  # a size that is none changes nothing


async def _say(socket: web.WebSocketResponse, status: bytes) -> None:
    if not socket.closed:
        await socket.send_bytes(bytes([Channel.ERROR]) + status)


def _failure(message: str) -> bytes:
    status = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
    return json.dumps(status).encode()
