"""Somebody who speaks HTTP byte by byte, and a handler that says what it heard.

async with serving(echo) as port, RawCaller.calling(port) as caller:
    await caller.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    (await caller.answer()).heard["path"] == "/a"
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from controlplane.api.status import StatusError
from controlplane.apiserver.http import HttpServer
from controlplane.apiserver.http_connection import Handle
from controlplane.apiserver.messages import Request, Response

_PATIENCE = 10.0  # seconds


def get(target: str = "/a", *headers: str, version: str = "1.1") -> bytes:
    return _head("GET", target, headers, version)


def post(body: bytes, *headers: str, target: str = "/a") -> bytes:
    return _head("POST", target, (f"Content-Length: {len(body)}", *headers), "1.1") + body


def chunked(*chunks: bytes, target: str = "/a") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return _head("POST", target, ("Transfer-Encoding: chunked",), "1.1") + body


def _head(method: str, target: str, headers: tuple[str, ...], version: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: x", *headers, "", ""]).encode()


async def echo(request: Request) -> Response:
    """Say what was heard, the body included."""
    try:
        body = await request.read()
    except StatusError as error:
        return Response(error.code, error.message.encode(), "text/plain")
    heard = {
        "method": request.method,
        "path": request.path,
        "query": request.query.text,
        "target": request.target,
        "headers": sorted([name.lower(), value] for name, value in request.headers.items()),
        "body": body.decode("latin1"),
    }
    return Response(200, json.dumps(heard).encode())


@asynccontextmanager
async def serving(handle: Handle, tls: ssl.SSLContext | None = None, *, drain: float = 0.2) -> AsyncIterator[int]:
    async with HttpServer(handle, tls).listening("127.0.0.1", 0, drain=drain) as port:
        yield port


@dataclass(frozen=True)
class Heard:
    """An answer."""

    status: int
    headers: dict[str, str]  # in lower case
    body: bytes

    @property
    def heard(self) -> Any:
        return json.loads(self.body)


class RawCaller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def calling(cls, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawCaller]:
        caller = cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls))
        try:
            yield caller
        finally:
            caller.writer.transport.abort()

    async def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if pause:
                await asyncio.sleep(pause)

    async def answer(self, *, method: str = "GET") -> Heard:
        """Read one answer."""
        async with asyncio.timeout(_PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            status = int(first.split()[1])
            body = b"" if method == "HEAD" or status in (100, 204, 304) else await self._body(headers)
        return Heard(status, headers, body)

    async def rest(self) -> bytes:
        """Read until the server hangs up."""
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.read()

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body
