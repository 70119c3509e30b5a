"""Where requests to a Service go: pure, over a Service and its EndpointSlices.

Aggregated APIs and webhooks name a port by its number; the proxy subresource may name it by its name. Webhooks are
always called at an endpoint, aggregated APIs with --enable-aggregator-routing.

    by_cluster_ip(service, 443)                     10.96.3.7:443      the node's service rules choose the endpoint
    by_endpoint(service, slices, "https", random)   10.244.1.7:8443    chosen here, any that is ready
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from controlplane.api.core_v1 import Service, ServicePort
from controlplane.api.discovery_v1 import Endpoint, EndpointSlice
from controlplane.api.reader import ObjectReader
from controlplane.api.status import NotFound, ServiceUnavailable

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_ROUTED = frozenset({"ClusterIP", "LoadBalancer", "NodePort"})


class Unresolvable(Exception):
    """The Service is of a kind that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to."""

    host: str
    port: int


def by_cluster_ip(service: Service, port: int) -> Address:
    """Return the Service's own address, or its external name. Raises Unresolvable, ServiceUnavailable."""
    spec, kind = service.spec, _kind(service)
    if kind == "ExternalName" and spec is not None:
        return Address(spec.external_name, port)
    if kind not in _ROUTED or spec is None:
        raise Unresolvable(f'unsupported service type "{kind}"')
    if spec.cluster_ip in ("", "None"):
        raise Unresolvable('cannot route to service with ClusterIP "None"')
    return Address(spec.cluster_ip, port_of(service, port).port or port)


def by_endpoint(service: Service, slices: Iterable[EndpointSlice], port: str | int, random: Random) -> Address:
    """Return a ready endpoint behind a port, given by number or name. Raises Unresolvable, ServiceUnavailable."""
    if _kind(service) not in _ROUTED:
        raise Unresolvable(f'unsupported service type "{_kind(service)}"')
    name = port_of(service, port).name if isinstance(port, int) else port
    found = list(ready_addresses(service, slices, name))
    if not found:
        raise ServiceUnavailable(f'no endpoints available for service "{service.metadata.name}"')
    return random.choice(found)


def ready_addresses(service: Service, slices: Iterable[EndpointSlice], port_name: str) -> Sequence[Address]:
    """Return every ready endpoint behind a port of the Service, of its first address family if there are any."""
    families = service.spec.ip_families if service.spec else []
    by_family: dict[str, list[Address]] = {}
    for one in slices:
        numbers = [port.port for port in one.ports if port.name == port_name and port.port]
        ready = [endpoint.addresses[0] for endpoint in one.endpoints if is_ready(endpoint) and endpoint.addresses]
        by_family.setdefault(one.address_type, []).extend(Address(host, n) for n in numbers[:1] for host in ready)
    preferred = by_family.get(families[0], []) if families else []
    return preferred or [address for addresses in by_family.values() for address in addresses]


def slices_of(service: Service, slices: Iterable[EndpointSlice]) -> list[EndpointSlice]:
    """Return those of a namespace's slices that belong to a Service."""
    return [one for one in slices if one.metadata.labels.get(SERVICE_NAME_LABEL) == service.metadata.name]


def port_of(service: Service, number: int) -> ServicePort:
    """Return a port of a Service. Raises ServiceUnavailable."""
    for port in service.spec.ports if service.spec else ():
        if port.port == number:
            return port
    raise ServiceUnavailable(f'no service port {number} found for service "{service.metadata.name}"')


def is_ready(endpoint: Endpoint) -> bool:
    """Return whether an endpoint takes traffic; one that does not say does."""
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def _kind(service: Service) -> str:
    return (service.spec.type if service.spec else "") or "ClusterIP"


Resolve = Callable[[str, str, int], Address]
"""From namespace, name and port of a Service to where to connect. Raises NotFound, Unresolvable, ServiceUnavailable."""


class ServiceResolver:
    """A Resolve over the objects this process knows of."""

    def __init__(self, reader: ObjectReader, random: Random, own: Address, *, to_endpoints: bool = False):
        """`own` is where this server listens; `to_endpoints` is `by_endpoint` rather than `by_cluster_ip`."""
        self._reader, self._random, self._own, self._to_endpoints = reader, random, own, to_endpoints

    def __call__(self, namespace: str, name: str, port: int) -> Address:
        if (namespace, name, port) == ("default", "kubernetes", 443):
            return self._own  # a webhook or API of this server itself needs no way around
        service = self._reader.get(Service, namespace, name)
        if service is None:
            raise NotFound(f'service "{name}" not found')  # in the singular, as upstream's resolvers have it
        if not self._to_endpoints:
            return by_cluster_ip(service, port)
        slices = slices_of(service, self._reader.list(EndpointSlice, namespace))
        return by_endpoint(service, slices, port, self._random)
