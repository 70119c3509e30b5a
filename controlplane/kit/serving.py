"""A small HTTP server for what every component shows besides its work: health, metrics, and little else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b"ok"
    content_type: str = TEXT


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: its path, its query, and what its sender proved."""

    path: str
    query: Mapping[str, str]
    certificate: bytes | None = None  # the client's, in DER, if the TLS layer verified one
    token: str = ""  # the bearer token


Handler = Callable[[Ask], Awaitable[Reply]]
Gate = Callable[[Ask], Awaitable[Reply | None]]
"""Returns the refusal, or None for a request that may pass."""


async def everybody(ask: Ask) -> Reply | None:
    """The gate of a server that only loopback reaches."""
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """Serves `routes` (exact paths) on one address until cancelled. `open_paths` need not pass the gate."""

    host: str
    port: int
    routes: Mapping[str, Handler]
    tls: ssl.SSLContext | None = None
    gate: Gate = everybody
    open_paths: frozenset[str] = field(default_factory=frozenset)

    async def run(self) -> None:
        """Raises OSError where the port is taken."""
        runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host or None, self.port, ssl_context=self.tls).start()
            await asyncio.get_running_loop().create_future()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="405: only GET\n")
        ask = _ask(request)
        handler = self.routes.get(ask.path)
        if handler is None:
            return web.Response(status=404, text="404 page not found\n")
        refusal = None if ask.path in self.open_paths else await self.gate(ask)
        reply = refusal or await handler(ask)
        return web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type})


def _ask(request: web.BaseRequest) -> Ask:
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return Ask(
        path=request.path,
        query=dict(request.query),
        certificate=tls.getpeercert(binary_form=True) if tls else None,
        token=token.strip() if kind.lower() == "bearer" else "",
    )


def health(check: Callable[[], str]) -> Handler:
    """Return a handler that says ok, or 503 with the problem `check` names ("" for none)."""

    async def handler(_: Ask) -> Reply:
        problem = check()
        return Reply() if not problem else Reply(503, problem.encode())

    return handler
