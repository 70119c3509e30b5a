"""The agent's plain HTTP ports: health and metrics, for this machine only (the proxy's health: for load balancers)."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from controlplane.kit.clock import Clock
from controlplane.kit.metrics import CONTENT_TYPE, render
from controlplane.kit.serving import Ask, Handler, Reply, Server, health
from controlplane.kit.timestamps import format_time
from nodeagent.proxy.proxier import CHECK_SECONDS, Proxier

_LATE = 2 * CHECK_SECONDS + 10  # seconds without a good look at the rules before the proxy counts as sick


def metrics_handler(registry: CollectorRegistry) -> Handler:
    async def handler(_: Ask) -> Reply:
        return Reply(200, render(registry), CONTENT_TYPE)

    return handler


def proxy_servers(
    registry: CollectorRegistry, proxier: Proxier, clock: Clock, metrics_port: int, healthz_port: int
) -> list[Coroutine[Any, Any, None]]:
    """Return kube-proxy's two servers, as coroutines to run."""
    found = []
    if metrics_port:
        routes = {
            "/metrics": metrics_handler(registry),
            "/healthz": health(lambda: ""),
            "/proxyMode": _proxy_mode,
        }
        found.append(Server("127.0.0.1", metrics_port, routes).run())
    if healthz_port:
        answer = _proxy_health(proxier, clock)
        found.append(Server("", healthz_port, {"/healthz": answer, "/livez": answer}).run())
    return found


async def _proxy_mode(_: Ask) -> Reply:
    return Reply(body=b"iptables")


def _proxy_health(proxier: Proxier, clock: Clock) -> Handler:
    async def handler(_: Ask) -> Reply:
        age = clock.monotonic() - proxier.healthy_at
        body = {
            "lastUpdated": format_time(clock.now() - timedelta(seconds=age)),
            "currentTime": format_time(clock.now()),
            "nodeEligible": True,
        }
        return Reply(200 if age < _LATE else 503, json.dumps(body).encode(), "application/json")

    return handler


def loopback_server(port: int, problem: Callable[[], str]) -> list[Coroutine[Any, Any, None]]:
    """Return the kubelet's health port."""
    return [Server("127.0.0.1", port, {"/healthz": health(problem)}).run()] if port else []


def metrics_server(port: int, registry: CollectorRegistry) -> list[Coroutine[Any, Any, None]]:
    """Return a port that shows one registry."""
    return [Server("127.0.0.1", port, {"/metrics": metrics_handler(registry)}).run()] if port else []
