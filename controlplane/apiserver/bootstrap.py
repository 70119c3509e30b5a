"""What every cluster has before anybody asks for it: system namespaces, priorities and roles, the `kubernetes` Service.

Written by the server to itself at every start, as an outsider would write it; what is there already is brought up to
date without taking anything away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from msgspec.structs import replace

from controlplane.api.base import KubeStruct
from controlplane.api.core_v1 import (
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    Namespace,
    Service,
    ServicePort,
    ServiceSpec,
)
from controlplane.api.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice
from controlplane.api.discovery_v1 import EndpointPort as SlicePort
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.networking_v1 import ServiceCIDR, ServiceCIDRSpec
from controlplane.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from controlplane.api.scheduling_v1 import PriorityClass
from controlplane.api.status import AlreadyExists, NotFound, StatusError
from controlplane.api.system_priorities import SYSTEM_PRIORITIES
from controlplane.auth.bootstrap_policy import default_policy
from controlplane.auth.policy_reconcile import reconcile_binding, reconcile_role
from controlplane.client.client import Client, PatchType
from controlplane.kit.clock import Clock

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")

_log = logging.getLogger(__name__)

_SERVICE_PORT = 443
_KEEP_SECONDS = 10.0  # between looks at the kubernetes Service, as upstream's

_CIDR_MANAGER = "kubernetes-service-cidr-controller"


@dataclass(frozen=True, slots=True)
class Advertised:
    """Where pods find the API server: a Service address that leads to `address`:`port`."""

    cluster_ip: str
    address: str
    port: int
    service_cidrs: tuple[str, ...] = ()


async def write_bootstrap_objects(client: Client, advertised: Advertised, now: str) -> None:
    """Make what is missing; `now` is RFC 3339. Raises StatusError."""
    await _all([_ensure(client, Namespace(metadata=ObjectMeta(name=name))) for name in SYSTEM_NAMESPACES])
    await _all([_ensure(client, one) for one in system_priorities()])
    policy = default_policy()
    roles = [obj for obj in policy if isinstance(obj, ClusterRole | Role)]
    bindings = [obj for obj in policy if isinstance(obj, ClusterRoleBinding | RoleBinding)]
    await _all([_reconcile(client, role, reconcile_role) for role in roles])
    await _all([_reconcile(client, binding, reconcile_binding) for binding in bindings])
    await _ensure_service_cidr(client, advertised.service_cidrs, now)
    await write_own_service(client, advertised)


async def keep_own_service(client: Client, advertised: Advertised, clock: Clock) -> None:
    """Make the Service by which pods find this server again when somebody deletes or changes it, until cancelled."""
    failing = False
    while True:
        await clock.sleep(_KEEP_SECONDS)
        try:
            await write_own_service(client, advertised)
        except StatusError as error:
            if not failing:
                _log.warning("cannot keep the kubernetes Service, trying on: %s", error)
            failing = True
        else:
            failing = False


async def write_own_service(client: Client, advertised: Advertised) -> None:
    """Make the Service `kubernetes` and its endpoints as they should be. Raises StatusError."""
    await _ensure(client, kubernetes_service(advertised))
    if not ip_address(advertised.address).is_loopback:  # nobody else could reach it, and endpoints must be reachable
        await _overwrite(client, kubernetes_endpoints(advertised))
        await _overwrite(client, kubernetes_slice(advertised))


def system_priorities() -> list[PriorityClass]:
    uses = {
        "system-cluster-critical": "Pods that the cluster cannot do without, on whichever node they are.",
        "system-node-critical": "Pods that their node cannot do without.",
    }
    return [
        PriorityClass(metadata=ObjectMeta(name=name), value=value, description=uses[name])
        for name, value in SYSTEM_PRIORITIES.items()
    ]


async def _ensure_service_cidr(client: Client, cidrs: tuple[str, ...], now: str) -> None:
    """Show where Services have their addresses from; the range that a cluster began with may become dual stack."""
    wanted = ServiceCIDR(metadata=ObjectMeta(name="kubernetes"), spec=ServiceCIDRSpec(cidrs=list(cidrs)))
    await _ensure(client, wanted)
    found = await client.get(ServiceCIDR, "kubernetes")
    if len(cidrs) == 2 and found.spec.cidrs == [cidrs[0]]:
        found = await client.update(replace(found, spec=wanted.spec))
    told = any(condition.type == "Ready" for condition in found.status.conditions)
    if found.metadata.deletion_timestamp or found.spec.cidrs != wanted.spec.cidrs or told:
        return
    ready = {"type": "Ready", "status": "True", "message": "Kubernetes default Service CIDR is ready"}
    status = {"conditions": [{**ready, "reason": "", "lastTransitionTime": now}]}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"}}
    await client.patch(
        ServiceCIDR,
        "kubernetes",
        {**body, "status": status},
        kind=PatchType.APPLY,
        subresource="status",
        field_manager=_CIDR_MANAGER,
        force=True,
    )


def kubernetes_service(advertised: Advertised) -> Service:
    port = ServicePort(name="https", protocol="TCP", port=_SERVICE_PORT, target_port=advertised.port)
    return Service(
        metadata=ObjectMeta(
            name="kubernetes", namespace="default", labels={"component": "apiserver", "provider": "kubernetes"}
        ),
        spec=ServiceSpec(cluster_ip=advertised.cluster_ip, ports=[port], session_affinity="None", type="ClusterIP"),
    )


def kubernetes_endpoints(advertised: Advertised) -> Endpoints:
    port = EndpointPort(name="https", port=advertised.port, protocol="TCP")
    return Endpoints(
        metadata=ObjectMeta(
            name="kubernetes", namespace="default", labels={"endpointslice.kubernetes.io/skip-mirror": "true"}
        ),
        subsets=[EndpointSubset(addresses=[EndpointAddress(ip=advertised.address)], ports=[port])],
    )


def kubernetes_slice(advertised: Advertised) -> EndpointSlice:
    family = "IPv6" if ip_address(advertised.address).version == 6 else "IPv4"
    return EndpointSlice(
        metadata=ObjectMeta(
            name="kubernetes", namespace="default", labels={"kubernetes.io/service-name": "kubernetes"}
        ),
        address_type=family,
        endpoints=[Endpoint(addresses=[advertised.address], conditions=EndpointConditions(ready=True))],
        ports=[SlicePort(name="https", port=advertised.port, protocol="TCP")],
    )


async def _all(writes: Sequence[Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for write in writes:
            group.create_task(_awaited(write))


async def _awaited(write: Awaitable[None]) -> None:
    await write


def _metadata(obj: KubeStruct) -> ObjectMeta:
    metadata: ObjectMeta = obj.metadata  # type: ignore[attr-defined]
    return metadata


async def _ensure(client: Client, obj: Any) -> None:
    """Create what is missing; what is there stays as it is, for its owner may have changed it."""
    metadata = _metadata(obj)
    try:
        # Ask first: a Service that is there holds its address, so that creating it again fails for another reason.
        await client.get(type(obj), metadata.name, metadata.namespace)
    except NotFound:
        with suppress(AlreadyExists):
            await client.create(obj)


async def _reconcile(client: Client, expected: Any, reconcile: Callable[[Any, Any], Any]) -> None:
    metadata = _metadata(expected)
    try:
        existing = await client.get(type(expected), metadata.name, metadata.namespace)
    except NotFound:
        await client.create(expected)
        return
    wanted = reconcile(existing, expected)
    if wanted is not None:
        await client.update(wanted)


async def _overwrite(client: Client, obj: Any) -> None:
    metadata = _metadata(obj)
    try:
        existing = await client.get(type(obj), metadata.name, metadata.namespace)
    except NotFound:
        await client.create(obj)
        return
    await client.update(replace(obj, metadata=replace(_metadata(existing), labels=metadata.labels)))
