"""The head of an HTTP/1 answer, for connections that leave HTTP with it."""

from __future__ import annotations

from dataclasses import dataclass

from multidict import CIMultiDict


class NotHttp(ValueError):
    """These bytes are no answer."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A status line and headers."""

    status: int
    headers: CIMultiDict[str]


def parse_head(head: bytes) -> ResponseHead:
    """Return the head that `head` is, up to and with its empty line or without. Raises NotHttp."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdecimal() or len(status) != 3:
        raise NotHttp(f"malformed HTTP response {first[:40]!r}")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        if not line:
            break
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise NotHttp(f"malformed header {line[:40]!r}")
        headers.add(name.strip(), value.strip())
    return ResponseHead(int(status), headers)


def render_request(method: str, target: str, headers: CIMultiDict[str]) -> bytes:
    """Return the head of a request. Raises ValueError for what no header can hold."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header ends where its line ends")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
