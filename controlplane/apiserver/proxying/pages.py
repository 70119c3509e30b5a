"""HTML on its way through a proxy: taken in as a whole, for a link may begin anywhere, and its links rewritten."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping

from controlplane.apiserver.proxying.location import Rewrite

# Bytes of a page whose links are looked at; a larger one is somebody's data and goes through as it is.
PAGE_LIMIT = 4 * 1024 * 1024
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def is_page(headers: Mapping[str, str]) -> bool:
    """Return whether an answer is HTML in a coding that we can read."""
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type == "text/html" and headers.get("Content-Encoding", "") in ("", *_WINDOW)


async def whole_page(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """Return what has come, and whether that is everything; the rest of a page that is too large is not read."""
    page = bytearray()
    async for chunk in chunks:
        page += chunk
        if len(page) > PAGE_LIMIT:
            return bytes(page), False
    return bytes(page), True


def rewritten(page: bytes, coding: str, rewrite: Rewrite) -> bytes:
    """Return a page with its links rewritten, in the same coding; one that is not what it says it is, as it was."""
    window = _WINDOW.get(coding)
    try:
        text = _unpacked(page, window) if window else page
        # Latin-1 keeps every byte, and links are ASCII in all codings of HTML that are in use.
        new = rewrite.html(text.decode("latin-1")).encode("latin-1")
    except (zlib.error, UnicodeError):
        return page
    return _packed(new, window) if window else new


def _unpacked(page: bytes, window: int) -> bytes:
    unpacker = zlib.decompressobj(window)
    text = unpacker.decompress(page, PAGE_LIMIT)
    if unpacker.unconsumed_tail:
        raise zlib.error("larger unpacked than any page")
    return text


def _packed(text: bytes, window: int) -> bytes:
    packer = zlib.compressobj(wbits=window)
    return packer.compress(text) + packer.flush()
