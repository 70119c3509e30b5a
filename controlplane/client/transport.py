"""Bytes to the API server and back: TLS, credentials, connection reuse, and being told to wait."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from yarl import URL

from controlplane.client.credentials import TlsSource, TokenSource, no_token
from controlplane.client.failures import failure_of
from controlplane.client.metrics import RestClientMetrics
from controlplane.kit.clock import Clock
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_log = logging.getLogger(__name__)

JSON = "application/json"
Query = Sequence[tuple[str, str]]

# client-go gives up after ten answers of "429, Retry-After".
_MAX_RETRIES = 10
# A peer that vanished without a word is noticed after 30 s idle + 3 probes 5 s apart, data unacknowledged after 30 s.
_KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 30_000}


class Unreachable(Exception):
    """No answer: the connection could not be made or broke. The request may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """The door to the API server."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and return its answer, whatever the status. Raises Unreachable."""

    def stream(
        self, method: str, path: str, *, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a request whose answer comes line by line; leaving the context ends it.

        Raises StatusError when the answer is a failure, Unreachable when the connection breaks.
        """


class HttpTransport:
    """HTTP/1.1 to one server over a pool of kept connections: `connections` at most for requests, one for each stream.

    Certificates and tokens come from sources that notice when their files change, so rotation needs no restart.
    """

    def __init__(
        self,
        server: str,
        clock: Clock,
        *,
        tls: TlsSource | None = None,
        token: TokenSource = no_token,
        server_name: str = "",
        metrics: RestClientMetrics | None = None,
        connections: int = 100,
        timeout: float = 60.0,
    ):
        self._server, self._clock = server.rstrip("/"), clock
        self._tls, self._token, self._server_name = tls, token, server_name
        self._metrics, self._connections, self._timeout = metrics, connections, timeout
        self._host = URL(self._server).authority
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        sent = {**(headers or {}), **({"Content-Type": content_type} if body is not None else {})}
        for _ in range(_MAX_RETRIES):
            response = await self._once(method, path, query, body, sent)
            wait = _told_to_wait(response)
            if wait is None:
                return response
            await self._clock.sleep(wait)
        return response

    async def _once(
        self, method: str, path: str, query: Query, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        started = self._clock.monotonic()
        try:
            options = self._options(headers, aiohttp.ClientTimeout(total=self._timeout, sock_connect=10))
            async with self._for_requests().request(method, self._url(path, query), data=body, **options) as answer:
                response = Response(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._count(method, "<error>", started)
            raise Unreachable(f"{method} {self._server}{path}: {_say(error)}") from error
        self._count(method, str(response.status), started)
        return response

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        started = self._clock.monotonic()
        options = self._options(headers or {}, aiohttp.ClientTimeout(total=None, sock_connect=10))
        try:
            async with self._for_streams().request(method, self._url(path, query), **options) as answer:
                self._count(method, str(answer.status), started)
                if answer.status >= 400:
                    raise failure_of(Response(answer.status, answer.headers, await answer.read()))
                yield _lines(answer.content.iter_any())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"{method} {self._server}{path}: {_say(error)}") from error

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()
        self._requests = self._streams = None

    async def __aenter__(self) -> HttpTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # A session belongs to the running loop, so neither is made in the constructor.

    def _for_requests(self) -> aiohttp.ClientSession:
        if self._requests is None:
            self._requests = _session(self._connections)
        return self._requests

    def _for_streams(self) -> aiohttp.ClientSession:
        """Streams do not end: were they counted, as many of them would leave no connection for requests."""
        if self._streams is None:
            self._streams = _session(0)
        return self._streams

    def _options(self, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout) -> dict[str, Any]:
        token = self._token()
        sent = {**headers, "Authorization": f"Bearer {token}"} if token else headers
        options: dict[str, Any] = {"headers": sent, "timeout": timeout, "allow_redirects": False}
        if self._tls is not None:
            # A new context (rotated certificate) is a new connection key: old connections drain, new ones are made.
            options["ssl"] = self._tls.context()
            options["server_hostname"] = self._server_name or None
        return options

    def _url(self, path: str, query: Query) -> URL:
        text = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)
        return URL(f"{self._server}{path}{'?' if text else ''}{text}", encoded=True)

    def _count(self, method: str, code: str, started: float) -> None:
        if self._metrics is not None:
            self._metrics.observe(method, code, self._host, self._clock.monotonic() - started)


def _session(connections: int) -> aiohttp.ClientSession:
    """Return a session of at most so many connections; 0: any number."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=90, socket_factory=_kept_alive_socket)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _told_to_wait(response: Response) -> float | None:
    """Return the seconds after which the server wants the request again, if it said so."""
    if response.status != 429 and response.status < 500:
        return None
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else None


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut a stream into lines of any length; an unfinished last line is a broken event, so it is dropped."""
    parts: list[bytes] = []
    async for chunk in chunks:
        head, *tail = chunk.split(b"\n")
        parts.append(head)
        for piece in tail:
            line = b"".join(parts)
            parts = [piece]
            if line:
                yield line


def _kept_alive_socket(address: Any) -> socket.socket:
    family, type_, protocol, _, _ = address
    made = socket.socket(family, type_, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _say(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the server's certificate is not trusted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error.strerror or error.os_error)
    return str(error) or type(error).__name__
