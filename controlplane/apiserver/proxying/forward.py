"""Carrying one request to somebody else's server, and the answer back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

from controlplane.apiserver.messages import Answer, Request, Response, Stream
from controlplane.apiserver.proxying.dialer import Body, Destination, Dialer, Reply
from controlplane.apiserver.proxying.headers import is_upgrade, passed_back, passed_on
from controlplane.apiserver.proxying.location import Rewrite
from controlplane.apiserver.proxying.pages import is_page, rewritten, whole_page
from controlplane.apiserver.proxying.tunnel import tunnel

_TEXT = "text/plain; charset=utf-8"
_WITHOUT_BODY = frozenset({204, 304})  # and 1xx, which never gets here: RFC 9110 section 6.4.1
_NOTHING: Mapping[str, str] = {}


async def forward(
    request: Request,
    dialer: Dialer,
    destination: Destination,
    target: str,
    *,
    extra: Mapping[str, str] = _NOTHING,
    rewrite: Rewrite | None = None,
) -> Answer:
    """Ask `destination` for `target` with the headers of the request; those in `extra` replace its own.

    Raises Unreachable.
    """
    upgrade = is_upgrade(request.headers)
    headers = passed_on(request, upgrade=upgrade)
    for name in set(extra):
        headers.popall(name, None)
    headers.extend(cast(Any, extra))
    if upgrade:
        return await tunnel(dialer, destination, request.method, target, headers)
    stack = AsyncExitStack()
    try:
        opened = dialer.request(destination, request.method, target, headers, await _body(request))
        return await _answer(await stack.enter_async_context(opened), request, stack, rewrite)
    except BaseException:
        await stack.aclose()
        raise


async def _body(request: Request) -> Body:
    headers = request.headers
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        return await request.read() or None  # a caller in this process says nothing of lengths
    return request.chunks() if request.chunks is not None else await request.read()


async def _answer(reply: Reply, request: Request, stack: AsyncExitStack, rewrite: Rewrite | None) -> Answer:
    """Return the answer; `stack` is closed when it has been sent or given up."""
    headers = passed_back(reply.headers.items(), drop=("content-length", "content-type"))
    content_type = reply.headers.get("Content-Type", _TEXT)
    if rewrite is not None and "Location" in headers:
        headers["Location"] = rewrite.url(headers["Location"])
    if reply.status in _WITHOUT_BODY:
        await stack.aclose()
        return Response(reply.status, b"", content_type, cast(Any, headers))
    chunks: AsyncIterator[bytes] = Chunks(reply.chunks, stack)
    length = reply.length
    if rewrite is not None and is_page(reply.headers) and request.method != "HEAD":
        page, complete = await whole_page(reply.chunks)
        if complete:
            await stack.aclose()
            body = rewritten(page, reply.headers.get("Content-Encoding", ""), rewrite)
            return Response(reply.status, body, content_type, cast(Any, headers))
        chunks = Chunks(reply.chunks, stack, first=page)
    return Stream(reply.status, chunks, content_type, headers, length)


class Chunks:
    """The body of an answer; the connection behind it is let go at its end, or when nobody wants the rest.

    A class, because a generator that was never asked for anything, as in an answer to HEAD, has nothing to clean up.
    """

    def __init__(self, chunks: AsyncIterator[bytes], stack: AsyncExitStack, first: bytes = b""):
        self._chunks, self._stack, self._first = chunks, stack, first

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return await self._chunks.__anext__()
        except StopAsyncIteration:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        await self._stack.aclose()
