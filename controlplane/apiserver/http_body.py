"""The body of a request, as its handler reads it: as a whole, up to the limit, or piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from controlplane.api.status import BadRequest, TooLarge

BODY_LIMIT = 3 * 1024 * 1024  # bytes, as upstream's
_LINGERING = 5.0  # seconds for the rest of a body that nobody needed, so that the connection can go on
_DROPPED = 64 * 1024 * 1024  # bytes of it


class Source(Protocol):
    """The connection a body comes on."""

    unread: int  # bytes of bodies that have come and that nobody has read

    def go_on(self) -> None:
        """Tell the caller to send the body."""

    def balance(self) -> None:
        """Read from the socket again, if there is room."""


class Body:
    """Fed by the parser; read once, by one reader."""

    __slots__ = ("_chunks", "_failure", "_length", "_source", "_waiter", "_whole", "awaited", "ended")

    def __init__(self, source: Source, length: int | None, *, awaited: bool):
        self._source, self._length = source, length
        self.awaited = awaited  # the caller sends it when it is told to: Expect: 100-continue
        self.ended = False
        self._chunks: list[bytes] = []
        self._failure = ""
        self._waiter: asyncio.Future[None] | None = None
        self._whole: bytes | None = None

    def feed(self, data: bytes) -> None:
        self.awaited = False
        self._chunks.append(data)
        self._source.unread += len(data)
        self._wake()

    def end(self) -> None:
        self.ended = True
        self._wake()

    def fail(self, why: str) -> None:
        """Tell whoever reads that there will be no more."""
        self._failure = why
        self._wake()

    async def read(self) -> bytes:
        """Return the body. Raises TooLarge, BadRequest."""
        if self._whole is None:
            self._whole = await self._all()
        return self._whole

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises BadRequest."""
        while chunk := await self._next():
            yield chunk

    async def swallow(self) -> bool:
        """Drop what nobody has read; return whether the end came before our patience ended."""
        if self.ended:
            self._take()
            return True
        if self.awaited or self._failure:
            return False
        self._dismiss_reader()
        dropped = 0
        try:
            async with asyncio.timeout(_LINGERING):
                while chunk := await self._next():
                    dropped += len(chunk)
                    if dropped > _DROPPED:
                        return False
        except (TimeoutError, BadRequest):
            return False
        return True

    async def _all(self) -> bytes:
        if self._length is not None and self._length > BODY_LIMIT:
            raise _too_large()
        chunks, size = [], 0
        while chunk := await self._next():
            chunks.append(chunk)
            size += len(chunk)
            if size > BODY_LIMIT:
                raise _too_large()
        return b"".join(chunks)

    async def _next(self) -> bytes:
        """Return all that has come, at least one byte; b"" at the end. Raises BadRequest."""
        while not self._chunks:
            if self._failure:
                raise _unreadable(self._failure)
            if self.ended:
                return b""
            await self._arrival()
        return self._take()

    async def _arrival(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("the body of a request has one reader")
        if self.awaited:
            self.awaited = False
            self._source.go_on()
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            await waiter
        finally:
            if self._waiter is waiter:  # not dismissed
                self._waiter = None

    def _take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._source.unread -= len(data)
        self._source.balance()
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _dismiss_reader(self) -> None:
        """Let go of a task that still waits for the body of a request that has been answered."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(_unreadable("the request has been answered"))


def _too_large() -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {BODY_LIMIT}")


def _unreadable(why: str) -> BadRequest:
    return BadRequest(f"the body of the request cannot be read: {why}")


async def no_body() -> bytes:
    """Read the body of a request that has none."""
    return b""


async def no_chunks() -> AsyncIterator[bytes]:
    """Yield nothing, for the same."""
    return
    yield b""
