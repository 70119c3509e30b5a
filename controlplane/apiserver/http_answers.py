"""From an answer to the bytes on the wire; every head is written once, in one piece."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
JOINED = 64 * 1024  # bytes: what is not larger is copied into one piece before it is written

_CRLF = "\r\n"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
# Control characters, but for the tab: a caller who could put a line break into a header could write headers of his own.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request wants to be answered."""

    keep: bool  # the connection is for the next request as well
    chunks: bool  # a body may be sent in chunks: HTTP/1.1
    header: str  # that says so; none where it goes without saying

    @property
    def last(self) -> Manner:
        return LAST if self.chunks else OLD_LAST


KEPT = Manner(True, True, "")
LAST = Manner(False, True, "\r\nConnection: close")
OLD_KEPT = Manner(True, False, "\r\nConnection: keep-alive")
OLD_LAST = Manner(False, False, "\r\nConnection: close")


def has_body(method: str, status: int) -> bool:
    """Return whether a body may follow the head: RFC 9110 section 6.4.1."""
    return method != "HEAD" and status >= 200 and status not in (204, 304)


def length_of(status: int, length: int) -> str:
    """Return the header that says how long the body is; HEAD is told as well."""
    return "" if status < 200 or status in (204, 304) else f"\r\nContent-Length: {length}"


def head(status: int, content_type: str, headers: Mapping[str, str], framing: str) -> bytes:
    """Return a head; `framing` is the headers, each after a line break, that say where the answer ends.

    Raises ValueError for a header that would not stay one.
    """
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} ", f"Content-Type: {content_type}"]
    if not content_type.isprintable():
        _check(content_type)
    for name, value in headers.items():
        line = f"{name}: {value}"
        if not line.isprintable():
            _check(line)
        lines.append(line)
    date = "" if "Date" in headers else _date(int(time.time()))
    return f"{_CRLF.join(lines)}{framing}{date}\r\n\r\n".encode()


def refused(status: int, why: str) -> bytes:
    """Return an answer to what is no request: in plain text, as Go's server does, and for the last time."""
    text = f"{status} {why}"
    framing = f"\r\nContent-Length: {len(text)}{LAST.header}"
    return head(status, "text/plain; charset=utf-8", {}, framing) + text.encode()


def _check(line: str) -> None:
    if _FORBIDDEN.search(line):
        raise ValueError(f"a control character in a header: {line!r}")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """Return the header that says when, written once a second."""
    return f"\r\nDate: {formatdate(second, usegmt=True)}"
