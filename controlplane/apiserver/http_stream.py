"""Sending an answer while it is produced: in chunks, up to a length, or until the connection ends."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol, cast

from controlplane.apiserver.http_answers import Manner, has_body, head, length_of, refused
from controlplane.apiserver.messages import Request, Stream

_log = logging.getLogger(__name__)


class Writer(Protocol):
    """The connection to the caller."""

    def write(self, *pieces: bytes) -> None:
        """Send. Raises ConnectionError when the caller has gone."""

    async def drain(self) -> None:
        """Wait while the caller is slow to read."""

    def break_off(self) -> None:
        """End the connection so that nobody takes this for the end of the answer."""


async def send_stream(writer: Writer, request: Request, answer: Stream, manner: Manner) -> bool:
    """Send the head at once, and each chunk as it comes; return whether the connection can be kept."""
    async with aclosing(cast(Any, answer.chunks)) as chunks:
        with_body = has_body(request.method, answer.status)
        chunked = with_body and answer.length is None and manner.chunks
        if with_body and answer.length is None and not chunked:
            manner = manner.last  # its end is the end of the connection
        try:
            start = head(answer.status, answer.content_type, answer.headers, _framing(answer, chunked, manner))
        except ValueError:
            _log.exception("%s %s: the answer cannot be sent", request.method, request.path)
            writer.write(refused(500, "Internal Server Error"))
            return False
        try:
            writer.write(start)
            if chunked:
                await _send_chunks(writer, chunks)
            elif with_body:
                await _send_bytes(writer, chunks, answer.length)
        except ConnectionError:
            _log.debug("%s %s: the caller has gone", request.method, request.path)
            return False
        except Exception:
            # The head is sent: all that is left is to break the connection, so that nobody takes this for the end.
            _log.exception("%s %s: the answer broke off", request.method, request.path)
            writer.break_off()
            return False
    return manner.keep


def _framing(answer: Stream, chunked: bool, manner: Manner) -> str:
    if answer.length is not None:
        return length_of(answer.status, answer.length) + manner.header
    return ("\r\nTransfer-Encoding: chunked" if chunked else "") + manner.header


async def _send_chunks(writer: Writer, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        if chunk:  # an empty one would be the last
            writer.write(b"%x\r\n" % len(chunk), chunk, b"\r\n")
            await writer.drain()
    writer.write(b"0\r\n\r\n")


async def _send_bytes(writer: Writer, chunks: AsyncIterator[bytes], length: int | None) -> None:
    left = math.inf if length is None else length
    async for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise ValueError(f"the answer is longer than the {length} bytes that were announced")
        writer.write(chunk)
        await writer.drain()
    if length and left:
        raise ValueError(f"the answer is {left} bytes shorter than was announced")
