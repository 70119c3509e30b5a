"""What every component besides the API server does alike: lead or wait, and serve its own health and metrics."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from controlplane.cmd.settings import duration, port

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from controlplane.client.client import Client
    from controlplane.client.leader_election import LeaderElector
    from controlplane.kit.clock import Clock
    from controlplane.kit.serving import Check

_log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def elector(values: Values, client: Client, clock: Clock, random: Random, lease: str) -> LeaderElector | None:
    """Return who waits for the lead, or None where nobody else could have it (--leader-elect=false)."""
    from controlplane.client.leader_election import LeaderElector, Timing

    if not values["leader-elect"]:
        return None
    timing = Timing(
        lease_duration=duration(values, "leader-elect-lease-duration"),
        renew_deadline=duration(values, "leader-elect-renew-deadline"),
        retry_period=duration(values, "leader-elect-retry-period"),
    )
    identity = f"{socket.gethostname()}_{random.getrandbits(64):016x}"
    return LeaderElector(client, clock, random, name=lease, identity=identity, timing=timing)


@asynccontextmanager
async def pages(
    values: Values, client: Client, clock: Clock, registry: CollectorRegistry, checks: Mapping[str, Check]
) -> AsyncIterator[None]:
    """Serve health to everybody and metrics to whom the API server lets in, over HTTPS. Raises Explained."""
    from controlplane.client.delegated import DelegatedGuard
    from controlplane.kit.serving import follow_certificate, health_pages, metrics_page, serve, server_context
    from controlplane.kit.tasks import running

    certificate, key = Path(values["tls-cert-file"]), Path(values["tls-private-key-file"])
    authority = Path(values["client-ca-file"]) if values["client-ca-file"] else None
    context = server_context(certificate, key, authority)
    routes = {"/metrics": metrics_page(registry), **health_pages(checks)}
    guard = DelegatedGuard(client, clock)
    async with (
        serve(routes, values["bind-address"], port(values), tls=context, guard=guard) as bound,
        running(follow_certificate(context, certificate, key, clock)),
    ):
        _log.info("serving on %s:%d", values["bind-address"], bound)
        yield


def settle_memory() -> None:
    """Keep the garbage collector away from what lives as long as the process."""
    gc.collect()
    gc.freeze()
