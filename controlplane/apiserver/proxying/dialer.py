"""The road from the API server to somebody else's HTTP port."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from controlplane.apiserver.messages import Connection


@dataclass(frozen=True, slots=True)
class Destination:
    """An HTTP server: where it listens and, with `tls`, whom its certificate must name (the host, if empty)."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    server_name: str = ""

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"


class Unreachable(Exception):
    """No connection, no valid certificate at the other end, or no answer in HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer, and its body while it comes; `length` in bytes where it is known."""

    status: int
    headers: Mapping[str, str]  # a name may come more than once
    chunks: AsyncIterator[bytes]
    length: int | None = None


Body = AsyncIterator[bytes] | bytes | None


class Dialer(Protocol):
    """Opens connections. Whoever reaches pods through a tunnel of some kind is one, too."""

    def request(
        self, destination: Destination, method: str, target: str, headers: Mapping[str, str], body: Body = None
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request for `target` (path and query, escaped). Raises Unreachable."""

    async def connect(self, destination: Destination) -> Connection:
        """Open a bare connection. Raises Unreachable."""


class Nowhere:
    """For servers that are not to call anybody."""

    def request(
        self, destination: Destination, method: str, target: str, headers: Mapping[str, str], body: Body = None
    ) -> AbstractAsyncContextManager[Reply]:
        raise Unreachable("this API server calls nobody")

    async def connect(self, destination: Destination) -> Connection:
        raise Unreachable("this API server calls nobody")
