"""The Endpoints a Service should have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from controlplane.api.core_v1 import (
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    ObjectReference,
    Pod,
    Service,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.pods import is_ready
from controlplane.controllers.service_pods import (
    HEADLESS_LABEL,
    LAST_CHANGE_TRIGGER_TIME,
    address_in,
    can_be_endpoint,
    copied_labels,
    families_of,
    published_hostname,
    target_port,
)

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MAX_ADDRESSES = 1000


def plan(
    service: Service,
    pods: Iterable[Pod],
    existing: Endpoints | None,
    *,
    trigger_time: str = "",
    limit: int = MAX_ADDRESSES,
) -> Endpoints | None:
    """Return the Endpoints to write; None if those there are say it all already."""
    everything = subsets(service, pods)
    shown = truncated(everything, limit)
    current = existing.metadata if existing is not None else ObjectMeta()
    labels = {**copied_labels(service, (MANAGED_BY, HEADLESS_LABEL)), MANAGED_BY: MANAGER}
    annotations = {key: value for key, value in current.annotations.items() if key not in _OURS}
    if shown is not everything:
        annotations[OVER_CAPACITY] = "truncated"
    same_cap = (OVER_CAPACITY in current.annotations) == (OVER_CAPACITY in annotations)
    if existing is not None and existing.subsets == shown and current.labels == labels and same_cap:
        return None
    if trigger_time:
        annotations[LAST_CHANGE_TRIGGER_TIME] = trigger_time
    name, namespace = service.metadata.name, service.metadata.namespace
    metadata = replace(current, name=name, namespace=namespace, labels=labels, annotations=annotations)
    return Endpoints(metadata=metadata, subsets=shown)


_OURS = (LAST_CHANGE_TRIGGER_TIME, OVER_CAPACITY)


def subsets(service: Service, pods: Iterable[Pod]) -> list[EndpointSubset]:
    """Return the Service's pods, those with the same ports together; equal input gives equal output."""
    ready: dict[tuple[EndpointPort, ...], list[EndpointAddress]] = {}
    waiting: dict[tuple[EndpointPort, ...], list[EndpointAddress]] = {}
    publish_all = bool(service.spec.publish_not_ready_addresses)
    for pod in pods:
        address = address_in(pod, families_of(service)[0])
        ports = _ports(service, pod)
        if not address or not can_be_endpoint(pod, terminating_too=publish_all) or (not ports and service.spec.ports):
            continue
        group = ready if publish_all or is_ready(pod) else waiting
        group.setdefault(ports, []).append(_address(service, pod, address))
    return [
        EndpointSubset(
            addresses=_sorted(ready.get(ports, [])),
            not_ready_addresses=_sorted(waiting.get(ports, [])),
            ports=list(ports),
        )
        for ports in sorted({*ready, *waiting}, key=str)
    ]


def _ports(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    return tuple(
        EndpointPort(name=port.name, port=number, protocol=port.protocol, app_protocol=port.app_protocol)
        for port in service.spec.ports
        if (number := target_port(pod, port)) is not None
    )


def _address(service: Service, pod: Pod, address: str) -> EndpointAddress:
    metadata = pod.metadata
    target = ObjectReference(kind="Pod", namespace=metadata.namespace, name=metadata.name, uid=metadata.uid)
    return EndpointAddress(
        ip=address, node_name=pod.spec.node_name, target_ref=target, hostname=published_hostname(service, pod)
    )


def _sorted(addresses: Iterable[EndpointAddress]) -> list[EndpointAddress]:
    return sorted(addresses, key=lambda one: (one.ip, one.target_ref.uid if one.target_ref else ""))


def truncated(everything: list[EndpointSubset], limit: int) -> list[EndpointSubset]:
    """Return at most `limit` addresses, ready ones first; the same list if it is short enough."""
    if _count(everything) <= limit:
        return everything
    ready_left = limit
    waiting_left = max(0, limit - sum(len(one.addresses) for one in everything))
    shown = []
    for one in everything:
        ready, waiting = one.addresses[:ready_left], one.not_ready_addresses[:waiting_left]
        ready_left, waiting_left = ready_left - len(ready), waiting_left - len(waiting)
        if ready or waiting:
            shown.append(replace(one, addresses=ready, not_ready_addresses=waiting))
    return shown


def _count(everything: Sequence[EndpointSubset]) -> int:
    return sum(len(one.addresses) + len(one.not_ready_addresses) for one in everything)
