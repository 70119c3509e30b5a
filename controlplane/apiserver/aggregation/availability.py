"""Whether an APIService can be used, as far as the objects say, and how that is told: pure, with upstream's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.apiregistration_v1 import APIService, APIServiceCondition, ServiceReference
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.apiserver.service_resolver import is_ready
from controlplane.kit.timestamps import format_time

AVAILABLE = "Available"
DEFAULT_PORT = 443


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the condition is to say."""

    status: str  # True, False, Unknown
    reason: str
    message: str


LOCAL = Verdict("True", "Local", "Local APIServices are always available")
PASSED = Verdict("True", "Passed", "all checks passed")


def failed_check(error: str) -> Verdict:
    return Verdict("False", "FailedDiscoveryCheck", error)


def judge(reference: ServiceReference, service: Service | None, slices: Iterable[EndpointSlice]) -> Verdict | None:
    """Return why an APIService cannot work; None: the objects are as they should be, so ask its server."""
    name = f'service/{reference.name} in "{reference.namespace}"'
    if service is None:
        return Verdict("False", "ServiceNotFound", f"{name} is not present")
    if ((service.spec.type if service.spec else "") or "ClusterIP") != "ClusterIP":
        return None
    number = reference.port or DEFAULT_PORT
    ports = [port for port in (service.spec.ports if service.spec else ()) if port.port == number]
    if not ports:
        return Verdict("False", "ServicePortError", f"{name} is not listening on port {number}")
    slices = list(slices)
    if not slices:
        return Verdict("False", "EndpointsNotFound", f"cannot find endpointslices for {name}")
    if not any(_serves(one, ports[0].name) for one in slices):
        why = f'endpointslices for {name} have no addresses with port name "{ports[0].name}"'
        return Verdict("False", "MissingEndpoints", why)
    return None


def _serves(one: EndpointSlice, port_name: str) -> bool:
    return any(map(is_ready, one.endpoints)) and any(p.name == port_name and p.port for p in one.ports)


def is_available(service: APIService) -> bool:
    return any(one.type == AVAILABLE and one.status == "True" for one in service.status.conditions)


def with_verdict(service: APIService, verdict: Verdict, now: datetime) -> APIService | None:
    """Return the APIService with the verdict as its condition; None if it says that already.

    The transition time only moves when the status does.
    """
    old = next((one for one in service.status.conditions if one.type == AVAILABLE), None)
    since = old.last_transition_time if old is not None and old.status == verdict.status else format_time(now)
    new = APIServiceCondition(
        type=AVAILABLE,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        last_transition_time=since,
    )
    if new == old:
        return None
    others = [one for one in service.status.conditions if one.type != AVAILABLE]
    return replace(service, status=replace(service.status, conditions=[*others, new]))
