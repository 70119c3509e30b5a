"""SPDY/3.1 framing, sans I/O: the protocol below exec, attach and port-forward.

Two ends of a connection each own a `Framer`; what `encode` returns on one side, `feed` takes apart on the other:

    client.encode(SynStream(1, {"streamtype": "stdin"}))  ──bytes──►  server.feed(...) == [SynStream(1, ...)]
    client.encode(Data(1, b"hello", fin=True))            ──bytes──►  server.feed(...) == [Data(1, b"hello", True)]

Streams opened by the client have odd numbers. Neither containerd nor kubectl uses flow control, settings or priorities,
so frames of other types are read and dropped. Header blocks share one zlib stream a direction: frames must be sent in
the order in which they were encoded. Numbers are from the SPDY protocol, draft 3.1, section 2.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

_VERSION = 0x8003  # the control bit, and version 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_FIN = 1

CANCEL = 5  # RST_STREAM status: the receiver no longer wants this stream
_MAX_HEADERS = 64 * 1024  # bytes of one block: a few hundred are usual, and zlib makes a thousand of one
MAX_DATA = (1 << 24) - 1  # bytes in one frame: the length field has 24 bits

# Section 2.6.10.1: 65 words, each behind its length, then text that follows no rule.
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200~OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _prefixed(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data


DICTIONARY = b"".join(_prefixed(word.replace("~", " ")) for word in _WORDS.split()) + _TAIL.encode()


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class SynStream:
    """Opens a stream; header names are in lower case."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class SynReply:
    """Accepts a stream."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; with `fin`, the sender has no more."""

    stream: int
    data: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """Ends a stream in both directions at once."""

    stream: int
    status: int = CANCEL


@dataclass(frozen=True, slots=True)
class Ping:
    """Wants to be echoed."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """No stream after `last` will be served."""

    last: int
    status: int = 0


Frame: TypeAlias = SynStream | SynReply | Data | Reset | Ping | GoAway


class Framer:
    """One end of a connection: frames to bytes, bytes to frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        match frame:
            case Data(stream, data, fin):
                return struct.pack(">II", stream, (_FIN << 24 if fin else 0) | len(data)) + data
            case SynStream(stream, headers, fin):
                return _control(_SYN_STREAM, struct.pack(">IIH", stream, 0, 0) + self._pack(headers), fin)
            case SynReply(stream, headers, fin):
                return _control(_SYN_REPLY, struct.pack(">I", stream) + self._pack(headers), fin)
            case Reset(stream, status):
                return _control(_RST_STREAM, struct.pack(">II", stream, status))
            case Ping(number):
                return _control(_PING, struct.pack(">I", number))
            case GoAway(last, status):
                return _control(_GOAWAY, struct.pack(">II", last, status))

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete once `data` has arrived. Raises SpdyError.

        Run the iterator to its end before feeding again.
        """
        self._buffer += data
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            flags, length = second >> 24, second & 0xFFFFFF
            if len(self._buffer) < 8 + length:
                return
            body = bytes(memoryview(self._buffer)[8 : 8 + length])
            del self._buffer[: 8 + length]
            frame = self._frame(first, flags, body)
            if frame is not None:
                yield frame

    def _frame(self, first: int, flags: int, body: bytes) -> Frame | None:
        if not first >> 31:
            return Data(first, body, bool(flags & _FIN))
        if first >> 16 != _VERSION:
            raise SpdyError(f"frame of an unknown version: {first:#010x}")
        try:
            return self._control_frame(first & 0xFFFF, bool(flags & _FIN), body)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"malformed control frame of type {first & 0xFFFF}: {error}") from error

    def _control_frame(self, type_: int, fin: bool, body: bytes) -> Frame | None:
        number = struct.unpack_from(">I", body)[0] & 0x7FFFFFFF
        match type_:
            case 1:  # SYN_STREAM
                return SynStream(number, self._unpack(body[10:]), fin)
            case 2:  # SYN_REPLY
                return SynReply(number, self._unpack(body[4:]), fin)
            case 3:  # RST_STREAM
                return Reset(number, struct.unpack_from(">I", body, 4)[0])
            case 6:  # PING
                return Ping(struct.unpack_from(">I", body)[0])
            case 7:  # GOAWAY
                return GoAway(number, struct.unpack_from(">I", body, 4)[0])
            case 8:  # HEADERS: nobody here acts on it, but its block is part of the zlib stream
                self._unpack(body[4:])
        return None

    def _pack(self, headers: Mapping[str, str]) -> bytes:
        block = struct.pack(">I", len(headers)) + b"".join(_prefixed(n) + _prefixed(v) for n, v in headers.items())
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _unpack(self, compressed: bytes) -> dict[str, str]:
        block = self._inflate.decompress(compressed, _MAX_HEADERS)
        if self._inflate.unconsumed_tail:
            raise struct.error("the headers are too long")
        count, position = struct.unpack_from(">I", block)[0], 4
        texts: list[str] = []
        for _ in range(2 * count):
            length = struct.unpack_from(">I", block, position)[0]
            if position + 4 + length > len(block):
                raise struct.error("a header is longer than its block")
            texts.append(block[position + 4 : position + 4 + length].decode())
            position += 4 + length
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(type_: int, body: bytes, fin: bool = False) -> bytes:
    return struct.pack(">HHI", _VERSION, type_, (_FIN << 24 if fin else 0) | len(body)) + body
