"""The small HTTPS server that every component has: is it well, and what does it count.

    routes = {"/metrics": metrics_page(registry), **health_pages({"leaderElection": elector_check})}
    async with serve(routes, "0.0.0.0", 10259, tls=server_context(certificate, key, client_ca), guard=guard):
        ...

Who may see a page is asked of a `Guard`; the paths in `OPEN` need no asking.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from aiohttp import web
from prometheus_client import CollectorRegistry

from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained
from controlplane.kit.metrics import CONTENT_TYPE, render

_log = logging.getLogger(__name__)

Page: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Check: TypeAlias = Callable[[], str]
"""Returns "" when well, else what is wrong."""

OPEN = ("/healthz", "/livez", "/readyz")

# How often, in seconds, the files of a serving certificate are looked at.
_CERTIFICATE_PERIOD = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the connection says: a bearer token, or a client certificate that TLS verified."""

    token: str = ""
    common_name: str = ""
    organizations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a caller gets no page."""

    status: int
    message: str


class Guard(Protocol):
    """Decides who sees a page."""

    async def refuse(self, caller: Caller, method: str, path: str) -> Refusal | None:
        """Return why `caller` may not, or None."""


def caller_of(request: web.Request) -> Caller:
    """Return who sent a request."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    certificate = request.transport.get_extra_info("peercert") if request.transport else None
    subject = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
    return Caller(
        token=token.strip() if kind.lower() == "bearer" else "",
        common_name=next((value for name, value in subject if name == "commonName"), ""),
        organizations=tuple(value for name, value in subject if name == "organizationName"),
    )


def metrics_page(registry: CollectorRegistry) -> Page:
    """Return the page Prometheus scrapes."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=render(registry), headers={"Content-Type": CONTENT_TYPE})

    return page


def health_pages(checks: Mapping[str, Check], *, live: Mapping[str, Check] | None = None) -> dict[str, Page]:
    """Return /healthz, /livez and /readyz: all ask `checks`, /livez only `live` where that is given."""
    return {
        "/healthz": _health_page("healthz", checks),
        "/livez": _health_page("livez", checks if live is None else live),
        "/readyz": _health_page("readyz", checks),
    }


def _health_page(name: str, checks: Mapping[str, Check]) -> Page:
    async def page(request: web.Request) -> web.Response:
        found = {"ping": "", **{check: ask() for check, ask in checks.items()}}
        failed = any(found.values())
        if not failed and "verbose" not in request.query:
            return web.Response(text="ok")
        lines = [f"[-]{check} failed: {why}" if why else f"[+]{check} ok" for check, why in found.items()]
        lines.append(f"{name} check {'failed' if failed else 'passed'}")
        return web.Response(text="\n".join(lines) + "\n", status=500 if failed else 200)

    return page


@asynccontextmanager
async def serve(
    routes: Mapping[str, Page],
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None,
    guard: Guard | None = None,
) -> AsyncIterator[int]:
    """Serve pages while the block runs; the block is given the port. Raises Explained when the address is taken."""
    runner = web.AppRunner(_application(routes, guard), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise Explained(f"cannot listen on {host}:{port}: {error.strerror}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(routes: Mapping[str, Page], guard: Guard | None) -> web.Application:
    @web.middleware
    async def guarded(request: web.Request, handler: Page) -> web.StreamResponse:
        if guard is not None and request.path not in OPEN:
            refusal = await guard.refuse(caller_of(request), request.method, request.path)
            if refusal is not None:
                return web.Response(text=refusal.message + "\n", status=refusal.status)
        return await handler(request)

    application = web.Application(middlewares=[guarded])
    for path, page in routes.items():
        application.router.add_get(path, page)
    return application


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return a server's TLS; with `client_ca`, certificates that it signed are asked for and verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise Explained(f"the serving certificate {certificate} is not usable: {error}") from error
    return context


async def follow_certificate(context: ssl.SSLContext, certificate: Path, key: Path, clock: Clock) -> None:
    """Load the files again whenever they are replaced, until cancelled; connections made after that see it.

    Files that cannot be used leave the certificate as it was.
    """
    seen, lost = certificate.stat().st_mtime_ns, False
    while True:
        await clock.sleep(_CERTIFICATE_PERIOD)
        try:
            now = certificate.stat().st_mtime_ns
            if now != seen:
                # First where it harms nobody: a key that is not the certificate's would leave `context` without one.
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
                context.load_cert_chain(certificate, key)
                _log.info("the serving certificate %s is loaded again", certificate)
            seen, lost = now, False
        except OSError as error:  # ssl.SSLError is one
            if not lost:
                _log.warning("the serving certificate %s stays as it was: %s", certificate, error)
            lost = True
