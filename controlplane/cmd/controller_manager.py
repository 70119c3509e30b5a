"""`controlplane controller-manager`: from settings to running controllers."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from controlplane.cmd.component import Values, elector, pages, settle_memory
from controlplane.cmd.settings import SettingsError, duration, networks, read_file
from controlplane.cmd.tables import CONTROLLER_MANAGER
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from controlplane.auth.jwt import SigningKey
    from controlplane.client.client import Client
    from controlplane.client.transport import Transport
    from controlplane.controllers.certificates.sign import Signer
    from controlplane.controllers.manager import Settings
    from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

_EPILOG = """examples:
  controlplane controller-manager --config /etc/sampan/controller-manager.yaml
  # everything but the eviction of pods from silent nodes
  controlplane controller-manager --config /etc/sampan/controller-manager.yaml '--controllers=*,-nodelifecycle'
"""

_LEASE = "kube-controller-manager"
# client-go's: up to the first slash it is the field manager, as `kubectl get --show-managed-fields` shows it.
_USER_AGENT = "kube-controller-manager/v1.37"


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "controller-manager",
        help="run the controllers",
        description="Runs the loops that make the cluster become what its objects say.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    CONTROLLER_MANAGER.add_flags(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit.logs import set_up
    from controlplane.kit.run import run as run_until_told

    values, warnings = CONTROLLER_MANAGER.resolve(options)
    set_up(values["v"])
    for warning in warnings:
        _log.warning(warning)
    return run_until_told(lambda: manage(values, os.environ))


async def manage(values: Values, environ: Mapping[str, str]) -> None:
    """Run until cancelled. Raises Explained."""
    from controlplane.api.release import VERSION
    from controlplane.client.leader_election import LeadershipLost
    from controlplane.kit.clock import SystemClock
    from controlplane.kit.metrics import new_registry
    from controlplane.kit.systemd import Notifier
    from controlplane.kit.tasks import running

    clock, notifier = SystemClock(), Notifier(environ)
    registry = new_registry(VERSION)
    settings = manager_settings(values, clock)
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(connect(values, clock, registry))
        waiting = elector(values, connections.client, clock, SystemRandom(), _LEASE)
        await stack.enter_async_context(pages(values, connections.client, clock, registry, {}))
        await stack.enter_async_context(running(notifier.keep_alive(clock)))
        settle_memory()
        notifier.ready("waiting for the lead")

        async def lead() -> None:
            notifier.status("leading")
            await run_controllers(connections, settings, clock, registry)

        try:
            await (waiting.run(lead) if waiting is not None else lead())
        except LeadershipLost as error:
            raise Explained(f"{error}: starting anew") from error
        finally:
            notifier.stopping()


@dataclass(frozen=True, slots=True)
class Connections:
    """The ways to the API server: as ourselves, and as the service account of each controller."""

    client: Client
    client_for: Callable[[str], Client]


@asynccontextmanager
async def connect(values: Values, clock: Clock, registry: CollectorRegistry) -> AsyncIterator[Connections]:
    """Open transports as the kubeconfig says. Raises Explained."""
    from dataclasses import replace

    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.credentials import NOTHING
    from controlplane.client.metrics import RestClientMetrics
    from controlplane.controllers.accounts import AccountToken, AccountTransport

    metrics = RestClientMetrics(registry)
    connection = kubeconfig.load(Path(values["kubeconfig"])).connection()
    anonymous = replace(connection, certificate=NOTHING, key=NOTHING, token="", token_file="")
    async with connection.open(clock, metrics=metrics) as own, anonymous.open(clock, metrics=metrics) as bare:
        client = Client(own, user_agent=_USER_AGENT)

        def client_for(account: str) -> Client:
            transport: Transport = own
            if values["use-service-account-credentials"]:
                transport = AccountTransport(bare, AccountToken(client, clock, account))
            return Client(transport, user_agent=f"{_USER_AGENT} {account}")

        yield Connections(client, _remembering(client_for))


def _remembering(make: Callable[[str], Client]) -> Callable[[str], Client]:
    made: dict[str, Client] = {}

    def get(account: str) -> Client:
        if account not in made:
            made[account] = make(account)
        return made[account]

    return get


async def run_controllers(
    connections: Connections, settings: Settings, clock: Clock, registry: CollectorRegistry
) -> None:
    """Run the controllers and what they share until cancelled. Raises Explained."""
    from controlplane.controllers import manager
    from controlplane.controllers.nodeipam.plan import Misconfigured

    try:
        await manager.run_all(
            connections.client, connections.client_for, settings, clock=clock, random=SystemRandom(), registry=registry
        )
    except Misconfigured as error:
        raise SettingsError(f"--cluster-cidr, --node-cidr-mask-size: {error}") from error


def manager_settings(values: Values, clock: Clock) -> Settings:
    """Return what the controllers need, files read. Raises SettingsError."""
    from controlplane.controllers.manager import CONTROLLERS, Settings, Workers
    from controlplane.controllers.selection import UnknownController, missing, select

    try:
        select(values["controllers"], CONTROLLERS)  # now, not when we come to lead
    except UnknownController as error:
        raise SettingsError(f"--controllers: {error}") from error
    for name in missing(values["controllers"]):
        _log.warning("--controllers: %s is not part of Sampan yet", name)
    return Settings(
        controllers=values["controllers"],
        cluster_cidrs=networks(values, "cluster-cidr"),
        service_cidrs=networks(values, "service-cluster-ip-range"),
        mask_sizes={4: values["node-cidr-mask-size"], 6: values["node-cidr-mask-size-ipv6"]},
        allocate_node_cidrs=values["allocate-node-cidrs"],
        root_ca=read_file("root-ca-file", values["root-ca-file"]).decode() if values["root-ca-file"] else "",
        token_key=_token_key(values),
        signers=_signers(values, clock),
        signing_duration=timedelta(seconds=duration(values, "cluster-signing-duration")),
        node_lifecycle=_node_lifecycle(values),
        terminated_pod_threshold=values["terminated-pod-gc-threshold"],
        quota_period=duration(values, "resource-quota-sync-period"),
        workers=Workers(
            deployment=values["concurrent-deployment-syncs"],
            replicaset=values["concurrent-replicaset-syncs"],
            replication_controller=values["concurrent-rc-syncs"],
            endpoint=values["concurrent-endpoint-syncs"],
            endpoint_slice=values["concurrent-service-endpoint-syncs"],
            namespace=values["concurrent-namespace-syncs"],
            resource_quota=values["concurrent-resource-quota-syncs"],
            service_account_token=values["concurrent-serviceaccount-token-syncs"],
            garbage_collector=values["concurrent-gc-syncs"],
        ),
    )


def _node_lifecycle(values: Values) -> Any:
    from controlplane.controllers.nodelifecycle.controller import Settings
    from controlplane.controllers.nodelifecycle.health import Grace
    from controlplane.controllers.nodelifecycle.zones import Rates

    return Settings(
        period=duration(values, "node-monitor-period"),
        grace=Grace(
            running=duration(values, "node-monitor-grace-period"),
            starting=duration(values, "node-startup-grace-period"),
        ),
        rates=Rates(
            normal=values["node-eviction-rate"],
            reduced=values["secondary-node-eviction-rate"],
            large_zone=values["large-cluster-size-threshold"],
            unhealthy_share=values["unhealthy-zone-threshold"],
        ),
    )


def _token_key(values: Values) -> SigningKey | None:
    from controlplane.auth.jwt import SigningKey

    name = "service-account-private-key-file"
    file = values[name]
    if not file or (file == CONTROLLER_MANAGER.defaults[name] and not Path(file).exists()):
        return None  # as upstream has it: without a key, token Secrets stay empty
    try:
        return SigningKey.from_pem(read_file(name, values[name]))
    except ValueError as error:
        raise SettingsError(f"--{name}: {file} holds no private key in PEM") from error


def _signers(values: Values, clock: Clock) -> dict[str, Signer]:
    from controlplane.controllers.certificates.authority import signers_of
    from controlplane.pki.issue import load_pair

    names = ("cluster-signing-cert-file", "cluster-signing-key-file")
    if not all(values[name] for name in names):
        return {}
    certificate, key = (read_file(name, values[name]) for name in names)
    try:
        return signers_of(load_pair(certificate, key), clock)
    except ValueError as error:
        raise SettingsError(f"--cluster-signing-cert-file, --cluster-signing-key-file: {error}") from error
