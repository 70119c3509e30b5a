"""kubectl get services, endpoints, endpointslices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from controlplane.api import discovery_v1
from controlplane.api.core_v1 import Endpoints, EndpointSubset, Service, ServicePort
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import NONE, UNKNOWN, UNSET, age, host_port, labels, or_none, shortened


def _service(service: Service, now: datetime) -> list[Cell]:
    spec = service.spec
    return [
        service.metadata.name,
        spec.type,
        or_none(spec.cluster_ips[0] if spec.cluster_ips else spec.cluster_ip),
        _external_ip(service),
        or_none(",".join(map(_port, spec.ports))),
        age(service.metadata.creation_timestamp, now),
        labels(spec.selector),
    ]


def _port(port: ServicePort) -> str:
    """80/TCP, or 80:31080/TCP"""
    node_port = f":{port.node_port}" if port.node_port else ""
    return f"{port.port}{node_port}/{port.protocol}"


def _external_ip(service: Service) -> str:
    spec = service.spec
    match spec.type:
        case "ClusterIP" | "NodePort":
            return or_none(",".join(spec.external_ips))
        case "LoadBalancer":
            return ",".join([*_ingresses(service), *spec.external_ips]) or "<pending>"
        case "ExternalName":
            return spec.external_name
    return UNKNOWN


def _ingresses(service: Service) -> list[str]:
    balancer = service.status.load_balancer
    return sorted({one.ip or one.hostname for one in balancer.ingress} - {""}) if balancer else []


def _endpoints(endpoints: Endpoints, now: datetime) -> list[Cell]:
    addresses = [text for subset in endpoints.subsets for text in _subset(subset)]
    return [
        endpoints.metadata.name,
        shortened(addresses) if endpoints.subsets else NONE,
        age(endpoints.metadata.creation_timestamp, now),
    ]


def _subset(subset: EndpointSubset) -> Iterator[str]:
    if not subset.ports:
        yield from (address.ip for address in subset.addresses)
    for port in subset.ports:
        yield from (host_port(address.ip, port.port) for address in subset.addresses)


def _endpoint_slice(slice_: EndpointSlice, now: datetime) -> list[Cell]:
    addresses = [address for endpoint in slice_.endpoints for address in endpoint.addresses]
    return [
        slice_.metadata.name,
        slice_.address_type,
        shortened(map(_slice_port, slice_.ports)) or UNSET,
        shortened(addresses) or UNSET,
        age(slice_.metadata.creation_timestamp, now),
    ]


def _slice_port(port: discovery_v1.EndpointPort) -> str:
    return str(port.port) if port.port is not None else port.name or "*"


SERVICE = Printer(
    (
        NAME,
        Column("Type"),
        Column("Cluster-IP"),
        Column("External-IP"),
        Column("Port(s)"),
        AGE,
        wide("Selector"),
    ),
    _service,
)
ENDPOINTS = Printer((NAME, Column("Endpoints"), AGE), _endpoints)
ENDPOINT_SLICE = Printer(
    (NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE),
    _endpoint_slice,
)
