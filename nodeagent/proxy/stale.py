"""Which UDP flows the kernel still sends the old way: pure.

Connection tracking remembers a UDP flow for as long as it talks, rules or no rules. When an endpoint goes, its flows
must be forgotten; when a service gets its first endpoint, so must those that were let through untranslated before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nodeagent.proxy.endpoints import Endpoint, Usable
from nodeagent.proxy.service_ports import PortName, ServicePort


@dataclass(frozen=True, slots=True)
class Flow:
    """UDP flows to forget: by where the client sent them ("" any address), and who answered ("" whoever)."""

    destination: str
    port: int
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules for one service port were made from."""

    service: ServicePort
    endpoints: Usable


def stale_flows(old: Mapping[PortName, Known], new: Mapping[PortName, Known]) -> list[Flow]:
    """Return the flows that the change from `old` to `new` leaves behind, sorted."""
    found: set[Flow] = set()
    for name, before in old.items():
        if name.protocol == "UDP":
            after = new.get(name)
            found.update(_orphans(before, after))
    for name, after in new.items():
        if name.protocol == "UDP":
            found.update(_black_holes(old.get(name), after))
    return sorted(found, key=lambda flow: (flow.destination, flow.port, flow.answered_by))


def _orphans(before: Known, after: Known | None) -> Iterator[Flow]:
    left = {endpoint.ip for endpoint in _all(after.endpoints)} if after else set()
    for address in {endpoint.ip for endpoint in _all(before.endpoints)} - left:
        for destination, port in _entrances(before.service):
            yield Flow(destination, port, address)


def _black_holes(before: Known | None, after: Known) -> Iterator[Flow]:
    if _all(after.endpoints) and (before is None or not _all(before.endpoints)):
        for destination, port in _entrances(after.service):
            yield Flow(destination, port)


def _all(endpoints: Usable) -> set[Endpoint]:
    return {*endpoints.internal, *endpoints.external}


def _entrances(service: ServicePort) -> Iterator[tuple[str, int]]:
    yield service.cluster_ip, service.port
    for address in service.external_ips:
        yield address, service.port
    if service.node_port:
        yield "", service.node_port
