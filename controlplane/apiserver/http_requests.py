"""From bytes to requests, by llhttp: what has been asked, in order, and what comes after the last request, if anything.

            feed(bytes) ──► RequestParser ──► waiting: (Request, Body | None, Manner), ...
                                          └─► end: Refused (that was no HTTP), or Leaving (another protocol is wanted)

It knows no socket, so that a test can feed it any bytes in any pieces. What it holds is bounded: beyond some requests
it parses no further but keeps the bytes, and a head that is too large is refused before it has come to its end.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TypeAlias

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)
from multidict import CIMultiDict, istr

from controlplane.apiserver.http_answers import KEPT, LAST, OLD_KEPT, OLD_LAST, Manner
from controlplane.apiserver.http_body import Body, Source, no_body, no_chunks
from controlplane.apiserver.http_target import split_target
from controlplane.apiserver.messages import Peer, Query, Request

HEADERS_LIMIT = 1024 * 1024  # bytes of all headers together, as Go's
LINE_LIMIT = 64 * 1024  # bytes of one header, or of the first line
COUNT_LIMIT = 1000  # headers: a proxy names each group of its user in one
_WAITING = 8  # requests that have come before their turn
_PIECE = 16 * 1024  # bytes parsed before the limits are looked at again

_METHODS = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
}
_UNKNOWN_METHOD = re.compile(rb"(?:^|\n)[A-Z]+ /")  # a first line that is one, but for a method nobody knows
_NO_QUERY = Query("")

Incoming: TypeAlias = tuple[Request, Body | None, Manner]


class Refused(Exception):
    """What has come is no request that is served here."""

    def __init__(self, status: int, why: str):
        super().__init__(status, why)
        self.status, self.why = status, why


def _bad() -> Refused:
    return Refused(400, "Bad Request")


def _too_large() -> Refused:
    return Refused(431, "Request Header Fields Too Large")


class Leaving:
    """A request that asks for another protocol: its head, as it was sent but for spaces; what followed it is `kept`."""

    def __init__(self, head: bytes):
        self.head = head


class RequestParser:
    """The requests of one connection."""

    def __init__(self, peer: Peer, source: Source):
        self.waiting: deque[Incoming] = deque()
        self.end: Refused | Leaving | None = None
        self.kept = b""  # has come and is not parsed yet
        self._peer, self._source = peer, source
        self._parser = HttpRequestParser(self)
        self._url = b""
        self._raw: list[tuple[bytes, bytes]] = []
        self._body: Body | None = None
        self._last = False  # the request that is coming is the last
        self._over = False  # it has come
        # Of a head that did not come at once: its bytes so far, those since its last complete header, and the number
        # of complete ones by then.
        self._size = self._pending = self._complete = 0
        # Of the last request: most callers send the same headers with each.
        self._last_raw: list[tuple[bytes, bytes]] | None = None
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._usual = False
        self._has_body = False

    def feed(self, data: bytes) -> None:
        """Take what has come from the socket."""
        if self.kept or self.end is not None or self._over or len(self.waiting) >= _WAITING:
            self._keep(data)
        elif len(data) <= _PIECE:
            self._parse(data)
        else:
            self._parse_in_pieces(data)

    def go_on(self) -> None:
        """Parse what was kept."""
        if self.end is None and len(self.waiting) < _WAITING:
            data, self.kept = self.kept, b""
            self.feed(data)

    def stop(self, why: str) -> None:
        """Take nothing more; whoever reads a body learns why."""
        self._over, self.kept, self._url, self._raw = True, b"", b"", []
        if self._body is not None:
            self._body.fail(why)

    @property
    def begun(self) -> bool:
        """Whether a part of a head has come."""
        return bool(self._url or self._raw)

    def _keep(self, data: bytes) -> None:
        if not self._over and not isinstance(self.end, Refused):
            self.kept += data

    def _parse_in_pieces(self, data: bytes) -> None:
        position = 0
        while position < len(data) and not (self.end or self._over or len(self.waiting) >= _WAITING):
            self._parse(data[position : position + _PIECE])
            position += _PIECE
        if rest := data[position:]:
            self._keep(rest)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self.kept = data[upgrade.args[0] :]
        except HttpParserError as error:
            self._broken(error, data)
        else:
            if self._raw or self._url:
                self._head_goes_on(len(data))

    def _broken(self, error: HttpParserError, data: bytes) -> None:
        """Refuse what no parser can make sense of, unless it comes after the last request that we care for."""
        if self._over:
            return
        why = error.__context__ if isinstance(error, HttpParserCallbackError) else None
        if isinstance(why, Refused):
            self.end = why
        elif why is not None:
            raise error
        elif self._body is not None:
            self.stop(str(error))
        elif isinstance(error, HttpParserInvalidMethodError) and _UNKNOWN_METHOD.search(data):
            self.end = Refused(405, "Method Not Allowed")
        else:
            self.end = _bad()

    def _head_goes_on(self, size: int) -> None:
        """Refuse a head, or the trailers of a body, when what has come of it is too large already."""
        self._size += size
        self._pending = self._pending + size if len(self._raw) == self._complete else 0
        self._complete = len(self._raw)
        line = max(self._pending - _PIECE, len(self._url))
        if line > LINE_LIMIT or self._size > HEADERS_LIMIT + LINE_LIMIT or self._complete > COUNT_LIMIT:
            if self._body is not None:
                self.stop("its trailers are too large")
            else:
                self.end = _too_large()

    # --- what the parser calls

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        url, raw, parser = self._url, self._raw, self._parser
        self._url, self._raw = b"", []
        if in_pieces := self._size > 0:
            self._measure(url, raw)
        method = _METHODS.get(name := parser.get_method()) or name.decode()
        if parser.should_upgrade():
            self.end = Leaving(_written(method, url, parser.get_http_version(), raw))
            return
        if raw != self._last_raw:
            self._read(raw)
        keep = parser.should_keep_alive()
        manner = KEPT if keep and self._usual else self._manner(keep)
        self._last = not keep
        self._begin(method, url.decode(), manner)
        if in_pieces:  # it may be large, and the connection idle from now on
            self._last_raw, self._headers = None, CIMultiDict()

    def on_body(self, data: bytes) -> None:
        if self._body is not None:
            self._body.feed(data)

    def on_message_complete(self) -> None:
        if self._body is not None:
            self._body.end()
            self._body = None
            if self._raw:
                self._raw = []  # trailers: nobody asked for any, and they are not the next request's headers
                self._size = self._pending = self._complete = 0
        if self._last:
            self._over = True

    def _begin(self, method: str, target: str, manner: Manner) -> None:
        """Put a request among those that wait, as soon as its head is there."""
        try:
            path, query = split_target(method, target)
        except ValueError as error:
            raise _bad() from error
        body: Body | None = None
        read, chunks = no_body, no_chunks
        if self._has_body:
            self._body = body = self._new_body(manner)
            read, chunks = body.read, body.chunks
        asked = Query(query) if query else _NO_QUERY
        request = Request(method, path, asked, self._headers, read, self._peer, target, chunks)
        self.waiting.append((request, body, manner))

    def _read(self, raw: list[tuple[bytes, bytes]]) -> None:
        """Make headers of what was sent: bytes that are no UTF-8 become U+FFFD, as Go writes them."""
        if len(raw) > COUNT_LIMIT:
            raise _too_large()
        names = _NAMES
        self._headers = headers = CIMultiDict(
            [(names.get(name) or name.decode(), value.decode("utf-8", "replace").rstrip(" \t")) for name, value in raw]
        )
        codings = headers.getall("Transfer-Encoding", ())
        if codings and [one.lower() for one in codings] != ["chunked"]:
            raise _bad()  # another coding, or an end that another reader may see elsewhere
        self._last_raw = raw
        self._usual = "Connection" not in headers and len(headers.getall("Host", ())) == 1
        self._has_body = bool(codings) or headers.get("Content-Length", "0") != "0"

    def _manner(self, keep: bool) -> Manner:
        """Look at what is rarely there: another version, a Connection header, no Host or two."""
        version, hosts = self._parser.get_http_version(), len(self._headers.getall("Host", ()))
        if version == "1.1" and hosts == 1:
            return KEPT if keep else LAST
        if version == "1.0" and hosts <= 1 and "Transfer-Encoding" not in self._headers:
            return OLD_KEPT if keep else OLD_LAST
        raise _bad()

    def _new_body(self, manner: Manner) -> Body:
        length, expects = self._headers.get("Content-Length"), self._headers.get("Expect", "")
        awaited = expects.lower() == "100-continue" and manner.chunks  # who speaks HTTP/1.0 does not wait
        return Body(self._source, None if length is None else int(length), awaited=awaited)

    def _measure(self, url: bytes, raw: list[tuple[bytes, bytes]]) -> None:
        """Refuse a head that came in pieces and is too large."""
        self._size = self._pending = self._complete = 0
        sizes = [len(name) + len(value) for name, value in raw]
        if len(url) > LINE_LIMIT or max(sizes, default=0) > LINE_LIMIT or sum(sizes) > HEADERS_LIMIT:
            raise _too_large()


# What callers send, as the dictionary wants its keys: they need not be made anew for each request.
_NAMES = {
    form.encode(): istr(form)
    for name in (
        "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Host",
        "Impersonate-User", "Kubectl-Command", "Kubectl-Session", "Transfer-Encoding", "User-Agent", "X-Remote-User",
    )
    for form in (name, name.lower())
}  # fmt: skip


def _written(method: str, url: bytes, version: str, raw: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%b %b HTTP/%b" % (method.encode(), url, version.encode()), *(b"%b: %b" % pair for pair in raw)]
    return b"\r\n".join([*lines, b"", b""])
