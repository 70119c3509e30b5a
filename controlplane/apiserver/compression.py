"""gzip for large answers, away from the event loop: zlib lets other threads run while it works."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from functools import lru_cache

from controlplane.apiserver.messages import Answer, Response, Stream

_SMALLEST = 128 * 1024  # bytes below which compressing costs more than it saves, as upstream has it
_LEVEL = 1  # objects repeat themselves so much that higher levels gain little
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to say "with a gzip header"


@lru_cache(maxsize=256)
def accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip."""
    for item in header.split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0")
    return False


async def compress(answer: Answer, accept_encoding: str) -> Answer:
    """Return the answer, compressed if it is large and the caller can read that."""
    if isinstance(answer, Response):
        packed_already = "Content-Encoding" in answer.headers
        if len(answer.body) < _SMALLEST or packed_already or not accepts_gzip(accept_encoding):
            return answer
        body = await asyncio.to_thread(_gzip, answer.body)
        return Response(answer.status, body, answer.content_type, {**answer.headers, **_HEADERS})
    if isinstance(answer, Stream) and answer.large and accepts_gzip(accept_encoding):
        chunks = _gzip_chunks(answer.chunks)
        return Stream(answer.status, chunks, answer.content_type, {**answer.headers, **_HEADERS})
    return answer


_HEADERS = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


async def _gzip_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    async for chunk in chunks:
        if packed := await asyncio.to_thread(packer.compress, chunk):
            yield packed
    yield packer.flush()
