"""The endpoints a Service should have: by address family and by the port numbers its pods use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from controlplane.api.core_v1 import Node, ObjectReference, Pod, Service
from controlplane.api.discovery_v1 import (
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    ForNode,
    ForZone,
)
from controlplane.controllers.pods import is_ready, is_terminating
from controlplane.controllers.service_pods import (
    address_in,
    can_be_endpoint,
    families_of,
    published_hostname,
    target_port,
)

ZONE_LABEL = "topology.kubernetes.io/zone"

Ports = tuple[EndpointPort, ...]
Group = tuple[str, Ports]
"""What all endpoints of one slice share: the address family and the ports."""


@dataclass(slots=True)
class Desired:
    """Endpoints by group. `nodes_missing`: pods were left out because their node is not known (yet)."""

    groups: dict[Group, list[Endpoint]] = field(default_factory=dict)
    nodes_missing: bool = False


def desired(service: Service, pods: Iterable[Pod], node_of: Callable[[str], Node | None]) -> Desired:
    """Return the endpoints of every pod of the Service, in every family of the Service."""
    result = Desired()
    for pod in pods:
        if not can_be_endpoint(pod, terminating_too=True):
            continue
        node = node_of(pod.spec.node_name)
        if node is None and not service.spec.publish_not_ready_addresses:
            # The node may be too new for our cache, or gone and its pods with it.
            result.nodes_missing = True
            continue
        ports = ports_for(service, pod)
        for family in families_of(service):
            if address := address_in(pod, family):
                endpoint = render_endpoint(service, pod, node, address)
                result.groups.setdefault((family, ports), []).append(endpoint)
    return result


def ports_for(service: Service, pod: Pod) -> Ports:
    """Return the pod's ports behind the Service's, leaving out those that the pod does not name."""
    found = (
        EndpointPort(name=port.name, port=number, protocol=port.protocol, app_protocol=port.app_protocol)
        for port in service.spec.ports
        if (number := target_port(pod, port)) is not None
    )
    return tuple(sorted(found, key=lambda port: (port.name, port.port or 0, port.protocol)))


def render_endpoint(service: Service, pod: Pod, node: Node | None, address: str) -> Endpoint:
    serving, terminating = is_ready(pod), is_terminating(pod)
    ready = bool(service.spec.publish_not_ready_addresses) or (serving and not terminating)
    metadata = pod.metadata
    endpoint = Endpoint(
        addresses=[address],
        conditions=EndpointConditions(ready=ready, serving=serving, terminating=terminating),
        target_ref=ObjectReference(kind="Pod", namespace=metadata.namespace, name=metadata.name, uid=metadata.uid),
        hostname=published_hostname(service, pod),
        node_name=pod.spec.node_name,
        zone=node.metadata.labels.get(ZONE_LABEL, "") if node is not None else "",
    )
    return replace(endpoint, hints=_hints(service.spec.traffic_distribution, endpoint))


def _hints(distribution: str, endpoint: Endpoint) -> EndpointHints | None:
    """Return for whom the endpoint is meant, if the Service wants its traffic to stay close."""
    zones = [ForZone(name=endpoint.zone)] if endpoint.zone else []
    if distribution in ("PreferClose", "PreferSameZone") and zones:
        return EndpointHints(for_zones=zones)
    if distribution == "PreferSameNode" and endpoint.node_name:
        return EndpointHints(for_zones=zones, for_nodes=[ForNode(name=endpoint.node_name)])
    return None


def identity(endpoint: Endpoint) -> tuple[object, ...]:
    """What makes two endpoints the same one, whatever became of its readiness."""
    target = endpoint.target_ref or ObjectReference()
    return tuple(endpoint.addresses), endpoint.hostname, target.namespace, target.name


NO_PORTS: Mapping[Ports, list[Endpoint]] = {(): []}
"""A Service without endpoints still has one empty slice, so that watchers know that there are none."""
