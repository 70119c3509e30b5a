"""From Services to the addresses and ports this node answers for: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from controlplane.api.core_v1 import Service
from controlplane.api.core_v1 import ServicePort as ApiServicePort

DEFAULT_AFFINITY_SECONDS = 10800
PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"  # another proxy takes care of it
HEADLESS_LABEL = "service.kubernetes.io/headless"


@dataclass(frozen=True, slots=True, order=True)
class PortName:
    """Identifies one port of one Service."""

    namespace: str
    service: str
    port: str  # "" for a Service with one unnamed port
    protocol: str  # TCP, UDP or SCTP

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.service}"
        return f"{name}:{self.port}" if self.port else name


@dataclass(frozen=True, slots=True)
class ServicePort:
    """What a node does for one port of a Service, in one IP version."""

    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()  # spec.externalIPs and load balancer addresses
    affinity_seconds: int = 0  # 0: every connection chooses anew
    internal_local: bool = False  # internalTrafficPolicy: Local
    external_local: bool = False  # externalTrafficPolicy: Local

    @property
    def externally_reachable(self) -> bool:
        return bool(self.node_port or self.external_ips)


def service_ports(
    service: Service, ip_version: int, answered_here: frozenset[str] = frozenset()
) -> dict[PortName, ServicePort]:
    """Return a Service's ports; none for headless and ExternalName ones, and for addresses this node itself answers."""
    cluster_ip = _cluster_ip(service, ip_version)
    labels = service.metadata.labels
    if not cluster_ip or cluster_ip in answered_here or PROXY_NAME_LABEL in labels or HEADLESS_LABEL in labels:
        return {}
    found = {}
    for port in service.spec.ports:
        name = PortName(service.metadata.namespace, service.metadata.name, port.name, port.protocol or "TCP")
        found[name] = _port(service, port, cluster_ip)
    return found


def _port(service: Service, port: ApiServicePort, cluster_ip: str) -> ServicePort:
    spec = service.spec
    version = ip_address(cluster_ip).version
    return ServicePort(
        cluster_ip=cluster_ip,
        port=port.port or 0,
        node_port=(port.node_port or 0) if spec.type in ("NodePort", "LoadBalancer") else 0,
        external_ips=tuple(dict.fromkeys(_of_version([*spec.external_ips, *_load_balancer_ips(service)], version))),
        affinity_seconds=_affinity(service),
        internal_local=spec.internal_traffic_policy == "Local",
        external_local=spec.external_traffic_policy == "Local",
    )


def _cluster_ip(service: Service, ip_version: int) -> str:
    spec = service.spec
    if spec.type == "ExternalName" or spec.cluster_ip == "None":
        return ""
    return next(_of_version(spec.cluster_ips or [spec.cluster_ip], ip_version), "")


def _load_balancer_ips(service: Service) -> list[str]:
    balancer = service.status.load_balancer
    if service.spec.type != "LoadBalancer" or balancer is None:
        return []
    return [ingress.ip for ingress in balancer.ingress if ingress.ip and ingress.ip_mode != "Proxy"]


def _of_version(addresses: Iterable[str], version: int) -> Iterator[str]:
    return iter([address for address in addresses if address and ip_address(address).version == version])


def _affinity(service: Service) -> int:
    if service.spec.session_affinity != "ClientIP":
        return 0
    config = service.spec.session_affinity_config
    client_ip = config.client_ip if config else None
    return (client_ip.timeout_seconds if client_ip else None) or DEFAULT_AFFINITY_SECONDS
