"""All controllers of a cluster in one process, run by whoever holds the Lease kube-system/kube-controller-manager.

    leader election (cmd) ─► run_all()
                               └─ informers (shared) + recorders + one task per controller, all in one TaskGroup

A controller that ends or fails takes the process with it, which systemd starts anew: a cluster whose Deployments
stopped rolling silently is worse than one whose manager restarts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from random import Random

from prometheus_client import CollectorRegistry

from controlplane.auth.jwt import SigningKey
from controlplane.client.client import Client
from controlplane.client.events import EventRecorder
from controlplane.client.informer import Informers
from controlplane.client.metrics import WorkQueueMetrics
from controlplane.controllers.aggregation.controller import ClusterRoleAggregation
from controlplane.controllers.bootstrap.controller import BootstrapSigner, TokenCleaner
from controlplane.controllers.certificates.controller import CsrApprover, CsrCleaner, CsrSigner
from controlplane.controllers.certificates.sign import Signer
from controlplane.controllers.deployment.controller import DeploymentController
from controlplane.controllers.disruption.controller import DisruptionController
from controlplane.controllers.endpoints.controller import EndpointsController
from controlplane.controllers.endpointslice.controller import EndpointSliceController
from controlplane.controllers.environment import Controller, Environment
from controlplane.controllers.garbagecollector.controller import GarbageCollector
from controlplane.controllers.namespace.controller import NamespaceController
from controlplane.controllers.nodeipam.controller import NodeIpamController
from controlplane.controllers.nodeipam.plan import MASK_SIZE, Allocator
from controlplane.controllers.nodelifecycle.controller import NodeLifecycleController
from controlplane.controllers.nodelifecycle.controller import Settings as NodeLifecycleSettings
from controlplane.controllers.podgc.controller import PodGarbageCollector
from controlplane.controllers.policystatus.controller import PolicyStatusController
from controlplane.controllers.replicaset.controller import ReplicaSetController
from controlplane.controllers.replicaset.kinds import REPLICATION_CONTROLLER
from controlplane.controllers.resourcequota.controller import ResourceQuotaController
from controlplane.controllers.rootca.controller import RootCaPublisher
from controlplane.controllers.selection import select
from controlplane.controllers.serviceaccount.controller import ServiceAccountController
from controlplane.controllers.tainteviction.controller import TaintEvictionController
from controlplane.controllers.tokens.controller import TokensController
from controlplane.controllers.volumeprotection.controller import ClaimProtection, VolumeProtection
from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workers:
    """Keys worked on at once: upstream's --concurrent-*-syncs."""

    deployment: int = 5
    replicaset: int = 5
    replication_controller: int = 5
    endpoint: int = 5
    endpoint_slice: int = 5
    namespace: int = 10
    service_account_token: int = 5
    resource_quota: int = 5
    garbage_collector: int = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, files read."""

    controllers: Sequence[str] = ("*",)
    cluster_cidrs: Sequence[str] = ()
    service_cidrs: Sequence[str] = ()
    mask_sizes: Mapping[int, int] = field(default_factory=lambda: dict(MASK_SIZE))  # bits, by IP version
    allocate_node_cidrs: bool = False
    root_ca: str = ""  # PEM
    token_key: SigningKey | None = None  # signs the tokens of token Secrets; None: they are not filled in
    signers: Mapping[str, Signer] = field(default_factory=dict)  # by signerName
    signing_duration: timedelta = timedelta(days=365)
    node_lifecycle: NodeLifecycleSettings = field(default_factory=NodeLifecycleSettings)
    terminated_pod_threshold: int = 12_500
    quota_period: float = 300.0  # seconds: --resource-quota-sync-period
    workers: Workers = field(default_factory=Workers)


_Make = Callable[[Environment, Settings], "Controller | None"]


def _node_ipam(environment: Environment, settings: Settings) -> Controller | None:
    if not settings.allocate_node_cidrs or not settings.cluster_cidrs:
        return None
    networks = [ip_network(cidr) for cidr in settings.cluster_cidrs]
    reserved = [ip_network(cidr) for cidr in settings.service_cidrs]
    return NodeIpamController(environment, Allocator(networks, dict(settings.mask_sizes), reserved))


def _root_ca(environment: Environment, settings: Settings) -> Controller | None:
    return RootCaPublisher(environment, settings.root_ca) if settings.root_ca else None


def _tokens(environment: Environment, settings: Settings) -> Controller | None:
    if settings.token_key is None:
        return None
    workers = settings.workers.service_account_token
    return TokensController(environment, settings.token_key, settings.root_ca.encode(), workers=workers)


def _signer(environment: Environment, settings: Settings) -> Controller | None:
    if not settings.signers:
        return None
    return CsrSigner(environment, settings.signers, settings.signing_duration)


# In the order in which they start; None says that the settings leave a controller nothing to do.
CONTROLLERS: Mapping[str, _Make] = {
    "deployment-controller": lambda env, s: DeploymentController(env, workers=s.workers.deployment),
    "replicaset-controller": lambda env, s: ReplicaSetController(env, workers=s.workers.replicaset),
    "replicationcontroller-controller": lambda env, s: ReplicaSetController(
        env, kind=REPLICATION_CONTROLLER, workers=s.workers.replication_controller
    ),
    "endpointslice-controller": lambda env, s: EndpointSliceController(env, workers=s.workers.endpoint_slice),
    "endpoints-controller": lambda env, s: EndpointsController(env, workers=s.workers.endpoint),
    "serviceaccount-controller": lambda env, s: ServiceAccountController(env),
    "serviceaccount-token-controller": _tokens,
    "root-ca-certificate-publisher-controller": _root_ca,
    "certificatesigningrequest-approving-controller": lambda env, s: CsrApprover(env),
    "certificatesigningrequest-signing-controller": _signer,
    "certificatesigningrequest-cleaner-controller": lambda env, s: CsrCleaner(env),
    "node-ipam-controller": _node_ipam,
    "node-lifecycle-controller": lambda env, s: NodeLifecycleController(env, s.node_lifecycle),
    "taint-eviction-controller": lambda env, s: TaintEvictionController(env),
    "namespace-controller": lambda env, s: NamespaceController(env, workers=s.workers.namespace),
    "garbage-collector-controller": lambda env, s: GarbageCollector(env, workers=s.workers.garbage_collector),
    "pod-garbage-collector-controller": lambda env, s: PodGarbageCollector(
        env, terminated_threshold=s.terminated_pod_threshold
    ),
    "persistentvolumeclaim-protection-controller": lambda env, s: ClaimProtection(env),
    "persistentvolume-protection-controller": lambda env, s: VolumeProtection(env),
    "disruption-controller": lambda env, s: DisruptionController(env),
    "resourcequota-controller": lambda env, s: ResourceQuotaController(
        env, period=s.quota_period, workers=s.workers.resource_quota
    ),
    "clusterrole-aggregation-controller": lambda env, s: ClusterRoleAggregation(env),
    "validatingadmissionpolicy-status-controller": lambda env, s: PolicyStatusController(env),
    "bootstrap-signer-controller": lambda env, s: BootstrapSigner(env),
    "token-cleaner-controller": lambda env, s: TokenCleaner(env),
}


class ControllerStopped(Exception):
    """A controller returned, which none ever should."""


def make(environment: Environment, settings: Settings) -> dict[str, Controller]:
    """Return the controllers that run, by name. Raises UnknownController, Misconfigured, ValueError."""
    made = {name: CONTROLLERS[name](environment, settings) for name in select(settings.controllers, CONTROLLERS)}
    for name in [name for name, controller in made.items() if controller is None]:
        _log.warning("%s has nothing to do: its settings are not given", name)
    return {name: controller for name, controller in made.items() if controller is not None}


async def run_all(
    client: Client,
    client_for: Callable[[str], Client],
    settings: Settings,
    *,
    clock: Clock,
    random: Random,
    registry: CollectorRegistry,
) -> None:
    """Make the controllers and what they share, and run them until cancelled.

    `client` is for what they share, `client_for` gives each one's own. Raises Misconfigured, ControllerStopped.
    """
    recorders: list[EventRecorder] = []

    def recorder_for(component: str, client: Client) -> EventRecorder:
        recorders.append(EventRecorder(client, clock, component))
        return recorders[-1]

    environment = Environment(
        client_for=client_for,
        recorder_for=recorder_for,
        informers=Informers(client, clock, random),
        clock=clock,
        random=random,
        registry=registry,
        queue_metrics=WorkQueueMetrics(registry),
        own=client,
    )
    controllers = make(environment, settings)
    _log.info("running %s", ", ".join(controllers))
    async with running(*(recorder.run() for recorder in recorders)):
        await run(environment, controllers)


async def run(environment: Environment, controllers: Mapping[str, Controller]) -> None:
    """Run informers and controllers until cancelled. Raises ControllerStopped, or what a controller raised."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(environment.informers.run(), name="informers")
        for name, controller in controllers.items():
            tasks.create_task(_for_ever(name, controller), name=name)


async def _for_ever(name: str, controller: Controller) -> None:
    await controller.run()
    raise ControllerStopped(f"{name} stopped")
