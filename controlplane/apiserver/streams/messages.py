"""A watch or a log as a WebSocket: for browsers, which can read no other stream without waiting for its end."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, cast

from controlplane.api.status import BadRequest
from controlplane.apiserver.messages import Answer, Stream, Upgrade, WebSocket
from controlplane.apiserver.proxying.headers import is_upgrade, offered_protocols

BINARY, BASE64 = "binary.k8s.io", "base64.binary.k8s.io"

Say = Callable[[WebSocket, bytes], Any]


def wants_websocket(headers: Mapping[str, str]) -> bool:
    """Return whether a request asks for a WebSocket."""
    return headers.get("Upgrade", "").lower() == "websocket" and is_upgrade(headers)


def events(stream: Stream, headers: Mapping[str, str]) -> Answer:
    """Answer with a watch, an event a message."""
    protocol = next(iter(offered_protocols(headers)), "")
    return Upgrade(protocol, partial(_serve, stream, _say_lines))


def log(stream: Stream, headers: Mapping[str, str]) -> Answer:
    """Answer with a log, as it comes. Raises BadRequest."""
    offered = offered_protocols(headers)
    protocol = next((one for one in offered if one in (BINARY, BASE64)), "")
    if offered and not protocol:
        raise BadRequest(f"none of the WebSocket protocols {offered} is one of {[BINARY, BASE64]}")
    return Upgrade(protocol, partial(_serve, stream, _say_base64 if protocol == BASE64 else _say_binary))


async def _serve(stream: Stream, say: Say, caller: WebSocket) -> None:
    sending = asyncio.create_task(_send(stream.chunks, say, caller))
    listening = asyncio.create_task(_until_gone(caller))
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, listening):
            task.cancel()
        outcomes = await asyncio.gather(sending, listening, return_exceptions=True)
        await caller.close()
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
            raise outcome


async def _send(chunks: AsyncIterator[bytes], say: Say, caller: WebSocket) -> None:
    async with aclosing(cast(Any, chunks)) as parts:
        async for chunk in parts:
            if chunk:
                await say(caller, chunk)


async def _until_gone(caller: WebSocket) -> None:
    while await caller.receive() is not None:
        pass  # there is nothing to say to a watch or a log


async def _say_lines(caller: WebSocket, chunk: bytes) -> None:
    for line in chunk.splitlines(keepends=True):
        await caller.send_text(line.decode())


async def _say_binary(caller: WebSocket, chunk: bytes) -> None:
    await caller.send(chunk)


async def _say_base64(caller: WebSocket, chunk: bytes) -> None:
    await caller.send_text(base64.b64encode(chunk).decode("ascii"))
