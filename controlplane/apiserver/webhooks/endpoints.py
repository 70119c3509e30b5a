"""From a Service and a port to an address that answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from controlplane.api.core_v1 import Service, ServicePort
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.api.reader import ObjectReader

_SERVICE_NAME = "kubernetes.io/service-name"


class NoEndpoint(Exception):
    """Nobody answers for a Service, with upstream's words for why."""


def endpoint_of(reader: ObjectReader, random: Random, namespace: str, name: str, port: int) -> tuple[str, int]:
    """Return the address and port of one ready endpoint, any of them. Raises NoEndpoint."""
    service = reader.get(Service, namespace, name)
    if service is None:
        raise NoEndpoint(f'service "{name}" not found')
    wanted = next((one for one in service.spec.ports if one.port == port), None) if service.spec else None
    if wanted is None:
        raise NoEndpoint(f'no service port {port} found for service "{name}"')
    found = list(_addresses(reader, namespace, name, wanted))
    if not found:
        raise NoEndpoint(f'no endpoints available for service "{name}"')
    return random.choice(found)


def _addresses(reader: ObjectReader, namespace: str, name: str, wanted: ServicePort) -> Iterator[tuple[str, int]]:
    for slice_ in reader.list(EndpointSlice, namespace):
        if slice_.metadata.labels.get(_SERVICE_NAME) != name:
            continue
        for port in slice_.ports:
            if (port.name or "") != (wanted.name or "") or not port.port:
                continue
            for endpoint in slice_.endpoints:
                if endpoint.conditions is None or endpoint.conditions.ready is not False:
                    yield from ((address, port.port) for address in endpoint.addresses[:1])
