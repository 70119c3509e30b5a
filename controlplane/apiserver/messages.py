"""Requests and answers as values, so that no handler knows which HTTP library carries them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias
from urllib.parse import parse_qsl

from controlplane.auth.interface import User

JSON = "application/json"

BodyReader: TypeAlias = Callable[[], Awaitable[bytes]]
"""Reads the whole body. Raises TooLarge."""

BodyChunks: TypeAlias = Callable[[], AsyncIterator[bytes]]
"""Yields the body as it comes, however large, for who passes it on."""


class Query:
    """The parameters after the question mark, in order; a name may come more than once."""

    __slots__ = ("pairs", "text")

    def __init__(self, text: str):
        self.text = text
        self.pairs: Sequence[tuple[str, str]] = parse_qsl(text, keep_blank_values=True) if text else ()

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter."""
        for key, value in self.pairs:
            if key == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def flag(self, name: str) -> bool:
        """Return whether a boolean parameter is set; `?watch` alone means true, as upstream's converter has it."""
        for key, value in self.pairs:
            if key == name:
                return value.lower() not in ("false", "0")
        return False

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


@dataclass(slots=True)
class Peer:
    """One connection: who is at its other end, as far as the connection itself says."""

    address: str = ""
    certificate: bytes = b""  # DER; its chain to a CA that the server knows is verified, its dates are not
    root: bytes = b""  # DER: that CA; empty where the connection cannot tell
    known: bool = False  # a request of this connection has been authenticated before
    user: User | None = None  # a caller inside this process, who needs no proof


@dataclass(slots=True)
class Request:
    """What a caller asks."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]  # looked up without regard to case
    read: BodyReader
    peer: Peer
    target: str = ""  # path and query as on the request line, escapes and all; empty for a caller in this process
    chunks: BodyChunks | None = None  # instead of `read`; None: nobody is to ask


@dataclass(slots=True)
class Response:
    """An answer that is there as a whole."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Stream:
    """An answer that is produced while it is sent; the next chunk is asked for when the last one has left.

    `length`, where it is known, is the number of bytes of all chunks; `large` says that they are worth compressing.
    """

    status: int
    chunks: AsyncIterator[bytes]
    content_type: str = JSON
    headers: MutableMapping[str, str] = field(default_factory=dict)
    length: int | None = None
    large: bool = False
    on_end: Callable[[], None] | None = None  # called when the last byte is sent, or never will be


class WebSocket(Protocol):
    """An upgraded connection that carries binary messages."""

    async def receive(self) -> bytes | None:
        """Return the next message; None when the peer has closed."""

    async def send(self, message: bytes) -> None: ...

    async def send_text(self, message: str) -> None: ...

    async def close(self, code: int = 1000) -> None: ...


@dataclass(slots=True)
class Upgrade:
    """An answer that turns the connection into a WebSocket and hands it to `serve`."""

    protocol: str
    serve: Callable[[WebSocket], Awaitable[None]]
    headers: dict[str, str] = field(default_factory=dict)
    on_end: Callable[[], None] | None = None


class Connection(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """Return what has come, at least one byte; b"" when no more will."""

    async def write(self, data: bytes) -> None:
        """Send; waits while the peer is slow to read. Raises ConnectionError."""

    async def close(self) -> None: ...


@dataclass(slots=True)
class Switch:
    """An answer that leaves HTTP: 101 with these headers, then the bare connection for `serve`."""

    serve: Callable[[Connection], Awaitable[None]]
    headers: MutableMapping[str, str] = field(default_factory=dict)
    on_end: Callable[[], None] | None = None


Answer: TypeAlias = Response | Stream | Upgrade | Switch

Page: TypeAlias = Callable[[Request], Awaitable[Response | None]]
"""Answers requests for a path that is no resource's; None: not mine."""
