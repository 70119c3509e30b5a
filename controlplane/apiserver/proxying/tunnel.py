"""Upgrades through a proxy: both ends agree to leave HTTP; from then on their bytes are carried and not looked at."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

from multidict import CIMultiDict

from controlplane.apiserver.messages import Answer, Connection, Response, Switch
from controlplane.apiserver.proxying.dialer import Destination, Dialer, Unreachable
from controlplane.apiserver.proxying.headers import passed_back
from controlplane.apiserver.proxying.response_head import NotHttp, ResponseHead, parse_head, render_request
from controlplane.apiserver.websocket import both_ways

_HEAD_LIMIT = 64 * 1024  # bytes of the head of an answer
_REFUSAL_LIMIT = 64 * 1024  # bytes of what is told of an answer that refuses to upgrade
_PATIENCE = 30.0  # seconds for that answer
_END = b"\r\n\r\n"


async def tunnel(
    dialer: Dialer, destination: Destination, method: str, target: str, headers: CIMultiDict[str]
) -> Answer:
    """Ask for an upgrade; answer with the tunnel, or with the refusal. Raises Unreachable."""
    headers.setdefault("Host", destination.authority)
    headers["Content-Length"] = "0"  # what is said in the new protocol is no body
    connection = await dialer.connect(destination)
    try:
        async with asyncio.timeout(_PATIENCE):
            await connection.write(render_request(method, target, headers))
            head, rest = await _head(connection)
            if head.status != 101:
                return await _refusal(connection, head, rest)
    except (NotHttp, OSError, TimeoutError) as error:
        await connection.close()
        raise Unreachable(f"error dialing backend: {error or 'timed out'}") from error
    except BaseException:
        await connection.close()
        raise
    answered = passed_back(head.headers.items(), drop=("content-length",))
    answered["Connection"], answered["Upgrade"] = "Upgrade", head.headers.get("Upgrade", "")
    return Switch(partial(_joined, connection, rest), answered)


async def _head(connection: Connection) -> tuple[ResponseHead, bytes]:
    """Return the head of the answer, and what came behind it. Raises NotHttp."""
    received = b""
    while _END not in received:
        data = await connection.read()
        if not data or len(received) > _HEAD_LIMIT:
            raise NotHttp("unexpected end of the answer" if not data else "the head of the answer is too large")
        received += data
    head, _, rest = received.partition(_END)
    return parse_head(head), rest


async def _refusal(connection: Connection, head: ResponseHead, body: bytes) -> Response:
    if head.status < 400:
        raise NotHttp(f"invalid upgrade response: status code {head.status}")
    stated = head.headers.get("Content-Length", "")
    wanted = min(int(stated), _REFUSAL_LIMIT) if stated.isdecimal() else _REFUSAL_LIMIT
    chunked = "chunked" in head.headers.get("Transfer-Encoding", "").lower()
    while len(body) < wanted and not (chunked and body.endswith(b"0\r\n\r\n")):
        data = await connection.read()
        if not data:
            break
        body += data
    await connection.close()
    headers = passed_back(head.headers.items(), drop=("content-length", "content-type"))
    text = _unchunked(body) if chunked else body[:wanted]
    content_type = head.headers.get("Content-Type", "text/plain; charset=utf-8")
    return Response(head.status, text, content_type, cast(Any, headers))


def _unchunked(body: bytes) -> bytes:
    """Return the data of chunks, RFC 9112 section 7.1, as far as they are there."""
    data = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            break
        if not length:
            break
        data, body = data + body[:length], body[length + 2 :]
    return data


async def _joined(backend: Connection, first: bytes, caller: Connection) -> None:
    try:
        if first:
            await caller.write(first)
        await both_ways(_carry(caller, backend), _carry(backend, caller))
    finally:
        await backend.close()


async def _carry(source: Connection, target: Connection) -> None:
    while data := await source.read():
        await target.write(data)
