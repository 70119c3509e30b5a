"""The agent's ports besides the node's API: health in plain HTTP on loopback, metrics over TLS to whom may see them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry

from controlplane.kit.clock import Clock
from controlplane.kit.explained import Explained
from controlplane.kit.serving import Check, Guard, Page, health_pages, metrics_page, serve
from controlplane.kit.timestamps import format_time
from nodeagent.proxy.proxier import CHECK_SECONDS, Proxier

log = logging.getLogger(__name__)

_BIND_SECONDS = 5.0  # between attempts to listen
_LATE = 2 * CHECK_SECONDS + 10  # seconds without a good look at the rules before the proxy counts as sick
_STUCK = 300.0  # seconds without a look at the runtime after which the agent counts as stuck: upstream's
LOOPBACK = "127.0.0.1"


async def keep_serving(what: str, serve: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Serve until cancelled; while the address is not to be had, say so once and try again, as upstream does.

    Somebody else on a port is a fault to mend, but none to end this node's pods over.
    """
    failing = False
    while True:
        try:
            await serve()
        except* (OSError, Explained) as group:
            if not failing:
                log.error("%s is not served, trying on: %s", what, group.exceptions[0])
            failing = True
        await clock.sleep(_BIND_SECONDS)


async def serve_plain(pages: Mapping[str, Page], host: str, port: int) -> None:
    """Serve pages without TLS until cancelled; port 0 serves nothing."""
    if not port:
        await asyncio.Event().wait()
    async with serve(pages, host, port, tls=None):
        await asyncio.Event().wait()


async def serve_secured(pages: Mapping[str, Page], port: int, tls: ssl.SSLContext, guard: Guard) -> None:
    """Serve pages everywhere, over TLS, to whom the API server lets in, until cancelled; port 0 serves nothing."""
    if not port:
        await asyncio.Event().wait()
    async with serve(pages, "0.0.0.0", port, tls=tls, guard=guard):
        await asyncio.Event().wait()


def node_checks(since_relist: Callable[[], float | None]) -> dict[str, Check]:
    """Return what upstream's kubelet asks of itself, by name; `ping` is always well."""
    return {"ping": lambda: "", "log": logging_check, "syncloop": lambda: sync_loop_check(since_relist())}


def node_health_pages(checks: Mapping[str, Check]) -> dict[str, Page]:
    """Return /healthz, and a page of its own for each check."""
    return {
        "/healthz": health_pages(checks)["/healthz"],
        **{f"/healthz/{name}": health_pages({name: check})["/healthz"] for name, check in checks.items()},
    }


def sync_loop_check(seconds: float | None) -> str:
    """Return what is wrong with the loop that looks at all pods; None seconds: it has not been round yet."""
    if seconds is None or seconds <= _STUCK:
        return ""
    return f"sync Loop took longer than expected: the last one ended {seconds:.0f} s ago"


def logging_check() -> str:
    """Return why nothing can be logged; ""."""
    try:
        for handler in logging.getLogger().handlers:
            handler.flush()
    except (OSError, ValueError) as error:  # ValueError: what it writes to has been closed
        return f"logging blocked: {error}"
    return ""


def proxy_metrics_pages(registry: CollectorRegistry) -> dict[str, Page]:
    """What kube-proxy shows on 10249."""
    return {"/metrics": metrics_page(registry), **health_pages({}), "/proxyMode": _proxy_mode}


async def _proxy_mode(_: web.Request) -> web.Response:
    return web.Response(text="iptables")


def proxy_health_pages(proxier: Proxier, clock: Clock) -> dict[str, Page]:
    """What kube-proxy shows on 10256: whether the rules are known to be right."""

    async def page(_: web.Request) -> web.Response:
        age = clock.monotonic() - proxier.healthy_at
        body = {
            "lastUpdated": format_time(clock.now() - timedelta(seconds=age)),
            "currentTime": format_time(clock.now()),
            "nodeEligible": True,
        }
        return web.json_response(body, status=200 if age < _LATE else 503)

    return {"/healthz": page, "/livez": page}
