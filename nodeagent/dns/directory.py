"""The zone's view of the informer caches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.client.informer import Informer

SERVICE, ADDRESS = "service", "address"  # index names


def index_slice_by_service(one: EndpointSlice) -> list[str]:
    service = one.metadata.labels.get("kubernetes.io/service-name")
    return [f"{one.metadata.namespace}/{service}"] if service else []


def index_slice_by_address(one: EndpointSlice) -> list[str]:
    return [address for endpoint in one.endpoints for address in endpoint.addresses]


def index_service_by_address(service: Service) -> list[str]:
    return [ip for ip in service.spec.cluster_ips or [service.spec.cluster_ip] if ip and ip != "None"]


SERVICE_INDEXES: dict[str, Callable[[Service], list[str]]] = {ADDRESS: index_service_by_address}
SLICE_INDEXES: dict[str, Callable[[EndpointSlice], list[str]]] = {
    SERVICE: index_slice_by_service,
    ADDRESS: index_slice_by_address,
}


class CachedDirectory:
    """Looks names up in caches that the service proxy keeps anyway."""

    def __init__(self, services: Informer[Service], slices: Informer[EndpointSlice]):
        self._services, self._slices = services.lister, slices.lister

    def service(self, namespace: str, name: str) -> Service | None:
        return self._services.get(namespace, name)

    def slices(self, namespace: str, service: str) -> Sequence[EndpointSlice]:
        return self._slices.by_index(SERVICE, f"{namespace}/{service}")

    def has_namespace(self, namespace: str) -> bool:
        """Whether any Service lives there: nodes do not follow namespaces, and one without Services has no names."""
        return bool(self._services.list(namespace))

    def services_at(self, address: str) -> Sequence[Service]:
        return self._services.by_index(ADDRESS, address)

    def slices_at(self, address: str) -> Sequence[EndpointSlice]:
        return self._slices.by_index(ADDRESS, address)
