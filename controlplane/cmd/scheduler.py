"""`controlplane scheduler`: from settings to pods that get their nodes."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from controlplane.cmd.component import Values, elector, pages, settle_memory
from controlplane.cmd.tables import SCHEDULER
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from controlplane.client.client import Client
    from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_EPILOG = """examples:
  controlplane scheduler --config /etc/sampan/scheduler.yaml
  controlplane scheduler --kubeconfig /etc/sampan/scheduler.conf --leader-elect=false --v=4
"""

_LEASE = "kube-scheduler"
# client-go's: up to the first slash it is the field manager, as `kubectl get --show-managed-fields` shows it.
_USER_AGENT = "kube-scheduler/v1.37"


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "scheduler",
        help="run the scheduler",
        description="Chooses a node for every pod that has none.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    SCHEDULER.add_flags(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit.logs import set_up
    from controlplane.kit.run import run as run_until_told

    values, warnings = SCHEDULER.resolve(options)
    set_up(values["v"])
    for warning in warnings:
        _log.warning(warning)
    return run_until_told(lambda: serve_and_schedule(values, os.environ))


async def serve_and_schedule(values: Values, environ: Mapping[str, str]) -> None:
    """Run until cancelled. Raises Explained."""
    from controlplane.api.release import VERSION
    from controlplane.client.leader_election import LeadershipLost
    from controlplane.kit.clock import SystemClock
    from controlplane.kit.metrics import new_registry
    from controlplane.kit.systemd import Notifier
    from controlplane.kit.tasks import running
    from controlplane.scheduler.run import run_all

    clock, notifier = SystemClock(), Notifier(environ)
    registry = new_registry(VERSION)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_connect(values, clock, registry))
        waiting = elector(values, client, clock, SystemRandom(), _LEASE)
        await stack.enter_async_context(pages(values, client, clock, registry, {}))
        await stack.enter_async_context(running(notifier.keep_alive(clock)))
        settle_memory()
        notifier.ready("waiting for the lead")

        async def lead() -> None:
            notifier.status("scheduling")
            await run_all(client, clock=clock, random=SystemRandom(), registry=registry)

        try:
            await (waiting.run(lead) if waiting is not None else lead())
        except LeadershipLost as error:
            raise Explained(f"{error}: starting anew") from error
        finally:
            notifier.stopping()


@asynccontextmanager
async def _connect(values: Values, clock: Clock, registry: CollectorRegistry) -> AsyncIterator[Client]:
    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.metrics import RestClientMetrics

    connection = kubeconfig.load(Path(values["kubeconfig"])).connection()
    async with connection.open(clock, metrics=RestClientMetrics(registry)) as transport:
        yield Client(transport, user_agent=_USER_AGENT)
