"""From EndpointSlices to who answers for a service port, by readiness, place and policy: pure.

The rules are kube-proxy's: ready endpoints first; when there are none, those that still serve while they terminate
(KEP-1669); with a Local policy only this node's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controlplane.api.discovery_v1 import Endpoint as ApiEndpoint
from controlplane.api.discovery_v1 import EndpointSlice
from nodeagent.proxy.service_ports import PortName, ServicePort

SERVICE_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address that may answer."""

    ip: str
    port: int
    local: bool = False  # on this node
    ready: bool = True
    serving: bool = True
    terminating: bool = False

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Usable:
    """The endpoints that traffic may go to: from inside the cluster, and from outside of it.

    `external_elsewhere` says that an empty `external` has endpoints on other nodes: such packets are dropped in
    silence, for the sender is to try another node, while those of a service with no endpoints at all are rejected.
    """

    internal: tuple[Endpoint, ...] = ()
    external: tuple[Endpoint, ...] = ()
    internal_elsewhere: bool = False
    external_elsewhere: bool = False


def endpoints_of(slices: Iterable[EndpointSlice], node: str, ip_version: int) -> dict[PortName, tuple[Endpoint, ...]]:
    """Return every endpoint of one Service's slices by port, sorted, each once."""
    family = "IPv4" if ip_version == 4 else "IPv6"
    found: dict[PortName, dict[tuple[str, int], Endpoint]] = {}
    for one in slices:
        if one.address_type != family:
            continue
        service = one.metadata.labels.get(SERVICE_LABEL, "")
        for port in one.ports:
            if port.port is None:
                continue
            name = PortName(one.metadata.namespace, service, port.name, port.protocol or "TCP")
            known = found.setdefault(name, {})
            for endpoint in one.endpoints:
                made = _endpoint(endpoint, port.port, node)
                if made is not None:
                    known[made.ip, made.port] = _better(made, known.get((made.ip, made.port)))
    return {name: tuple(sorted(known.values())) for name, known in found.items()}


def _endpoint(endpoint: ApiEndpoint, port: int, node: str) -> Endpoint | None:
    if not endpoint.addresses:
        return None
    conditions = endpoint.conditions
    ready = conditions is None or conditions.ready is not False
    serving = ready if conditions is None or conditions.serving is None else conditions.serving
    return Endpoint(
        ip=endpoint.addresses[0],
        port=port,
        local=bool(node) and endpoint.node_name == node,
        ready=ready,
        serving=serving,
        terminating=bool(conditions and conditions.terminating),
    )


def _better(new: Endpoint, old: Endpoint | None) -> Endpoint:
    """Two slices may name one endpoint while it moves between them: the readier wins."""
    return new if old is None or (new.ready, new.serving) >= (old.ready, old.serving) else old


def usable(service: ServicePort, endpoints: tuple[Endpoint, ...]) -> Usable:
    """Choose who may answer."""
    everywhere = _ready_or_serving(endpoints)
    here = _ready_or_serving(tuple(endpoint for endpoint in endpoints if endpoint.local))
    return Usable(
        internal=here if service.internal_local else everywhere,
        external=here if service.external_local else everywhere,
        internal_elsewhere=service.internal_local and bool(everywhere),
        external_elsewhere=service.external_local and bool(everywhere),
    )


def _ready_or_serving(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    ready = tuple(endpoint for endpoint in endpoints if endpoint.ready)
    return ready or tuple(endpoint for endpoint in endpoints if endpoint.serving and endpoint.terminating)
