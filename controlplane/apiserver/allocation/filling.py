"""One Service being given what it lacks, and what has been promised to whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from controlplane.api.codec import Document
from controlplane.api.status import FieldError, InternalError
from controlplane.api.validation.errors import invalid
from controlplane.apiserver.allocation.families import settle_families
from controlplane.apiserver.allocation.ranges import AddressRange, AllocationError, PortRange

_WITH_ADDRESS = ("ClusterIP", "NodePort", "LoadBalancer")


@dataclass(slots=True)
class Reservation:
    """What one write has been given, until the Service itself can be seen to have it."""

    key: tuple[str, str]
    started: int
    finished: int = 0  # 0: the write is under way
    acknowledged: bool = False  # the store has said that it is written
    addresses: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Taken:
    """What cannot be given any more."""

    addresses: set[str]
    ports: set[int]


@dataclass(frozen=True, slots=True)
class Filling:
    """One Service being given what it lacks."""

    ranges: Sequence[AddressRange]
    port_range: PortRange
    random: Random
    taken: Taken
    reservation: Reservation
    old: Document

    def fill(self, spec: Document) -> list[FieldError]:
        if spec.get("type", "ClusterIP") not in _WITH_ADDRESS:
            return []
        return self._fill_addresses(spec) or self._fill_ports(spec)

    def _fill_addresses(self, spec: Document) -> list[FieldError]:
        _agree_on_address(spec)
        if errors := settle_families(spec, [one.family for one in self.ranges], narrowing=bool(self.old)):
            return errors
        wanted = list(spec.get("clusterIPs") or ())
        if wanted[:1] == ["None"]:
            return []
        kept = set(self.old.get("clusterIPs") or ())
        for index, family in enumerate(spec["ipFamilies"]):
            if index >= len(wanted):
                wanted.append(self._give(family))
            elif why := self._claim(wanted[index], family, kept):
                return [invalid("spec.clusterIPs", wanted, f"failed to allocate IP {wanted[index]}: {why}")]
        spec["clusterIP"], spec["clusterIPs"] = wanted[0], wanted
        return []

    def _claim(self, text: str, family: str, kept: set[str]) -> str:
        """Reserve the address asked for, or return why not; validation has better words for what is no address."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return ""
        if text not in kept:
            try:
                self._range(family).check(address, self.taken.addresses)
            except AllocationError as error:
                return str(error)
            self.reservation.addresses.add(text)
        return ""

    def _give(self, family: str) -> str:
        try:
            address = self._range(family).pick(self.taken.addresses, self.random)
        except AllocationError as error:
            raise InternalError(f"Internal error occurred: failed to allocate a serviceIP: {error}") from error
        self.reservation.addresses.add(address)
        return address

    def _range(self, family: str) -> AddressRange:
        return next((one for one in self.ranges if one.family == family), self.ranges[0])

    def _fill_ports(self, spec: Document) -> list[FieldError]:
        errors = []
        kind, kept = spec.get("type"), set(_ports_in(self.old))
        if kind == "NodePort" or kind == "LoadBalancer":
            numbers = {port.get("port"): port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
            for index, port in enumerate(spec.get("ports", ())):
                if port.get("nodePort"):
                    errors += self._claim_port(f"spec.ports[{index}].nodePort", port["nodePort"], kept)
                elif kind == "NodePort" or spec.get("allocateLoadBalancerNodePorts") is not False:
                    self._give_port(port, numbers)
        if kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            errors += self._fill_health_check(spec, kept)
        return errors

    def _claim_port(self, path: str, number: int, kept: set[int]) -> list[FieldError]:
        if number in kept or number in self.reservation.ports:
            return []  # TCP and UDP of one Service may share a number
        try:
            self.port_range.check(number, self.taken.ports)
        except AllocationError as error:
            return [invalid(path, number, str(error))]
        self.reservation.ports.add(number)
        return []

    def _give_port(self, port: Document, numbers: dict[object, int]) -> None:
        """The same port of another protocol gets the same number."""
        number = numbers.get(port.get("port")) or self._next_port("nodePort")
        numbers[port.get("port")] = port["nodePort"] = number

    def _fill_health_check(self, spec: Document, kept: set[int]) -> list[FieldError]:
        if spec.get("healthCheckNodePort"):
            return self._claim_port("spec.healthCheckNodePort", spec["healthCheckNodePort"], kept)
        spec["healthCheckNodePort"] = self._next_port("HealthCheckNodePort")
        return []

    def _next_port(self, what: str) -> int:
        try:
            number = self.port_range.pick(self.taken.ports | self.reservation.ports, self.random)
        except AllocationError as error:
            raise InternalError(f"Internal error occurred: failed to allocate a {what}: {error}") from error
        self.reservation.ports.add(number)
        return number


def _ports_in(spec: Document) -> Iterator[int]:
    yield from (port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort"))
    if spec.get("healthCheckNodePort"):
        yield spec["healthCheckNodePort"]


def _agree_on_address(spec: Document) -> None:
    """The single address is the first of the list: whichever was given makes the other."""
    one, many = spec.get("clusterIP"), spec.get("clusterIPs")
    if one and not many:
        spec["clusterIPs"] = [one]
    elif many and not one:
        spec["clusterIP"] = many[0]
