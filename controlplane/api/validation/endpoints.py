"""Endpoints and EndpointSlices."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from controlplane.api import names
from controlplane.api.core_v1 import EndpointAddress, Endpoints, EndpointSubset
from controlplane.api.core_v1 import EndpointPort as OldPort
from controlplane.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    immutable,
    invalid,
    not_supported,
    one_of,
    required,
    too_many,
)

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MOST_ENDPOINTS, _MOST_ADDRESSES, _MOST_PORTS = 1000, 100, 20000


def validate_endpoints(endpoints: Endpoints) -> list[FieldError]:
    return [
        error
        for index, subset in enumerate(endpoints.subsets)
        for error in _validate_subset(subset, f"subsets[{index}]")
    ]


def _validate_subset(subset: EndpointSubset, path: str) -> Iterator[FieldError]:
    if not subset.addresses and not subset.not_ready_addresses:
        yield required(path, "must specify `addresses` or `notReadyAddresses`")
    for field, addresses in (("addresses", subset.addresses), ("notReadyAddresses", subset.not_ready_addresses)):
        for index, address in enumerate(addresses):
            yield from _validate_address(address, f"{path}.{field}[{index}]")
    for index, port in enumerate(subset.ports):
        yield from _validate_old_port(port, f"{path}.ports[{index}]", named=len(subset.ports) > 1)


def _validate_address(address: EndpointAddress, path: str) -> Iterator[FieldError]:
    problems = names.ip_address(address.ip)
    yield from checked(f"{path}.ip", address.ip, problems)
    if not problems:
        yield from validate_reachable(address.ip, f"{path}.ip")
    if address.hostname:
        yield from checked(f"{path}.hostname", address.hostname, names.dns1123_label(address.hostname))
    if address.node_name:
        yield from checked(f"{path}.nodeName", address.node_name, names.dns1123_subdomain(address.node_name))


def validate_reachable(text: str, path: str) -> Iterator[FieldError]:
    """An endpoint is somewhere else: an address that means "here" or "nobody" would open a way around the network."""
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        yield invalid(path, text, f"may not be unspecified ({text})")
    if address.is_loopback:
        yield invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address.is_multicast and (int(address) >> 8 == 0xE00000 if address.version == 4 else text.startswith("ff02")):
        yield invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _validate_old_port(port: OldPort, path: str, *, named: bool) -> Iterator[FieldError]:
    if port.name:
        yield from checked(f"{path}.name", port.name, names.dns1123_label(port.name))
    elif named:
        yield required(f"{path}.name")
    yield from checked(f"{path}.port", port.port or 0, names.port_number(port.port or 0))
    yield from one_of(f"{path}.protocol", port.protocol, _PROTOCOLS)


def validate_endpoint_slice(endpoint_slice: EndpointSlice) -> list[FieldError]:
    errors = one_of("addressType", endpoint_slice.address_type, _ADDRESS_TYPES)
    if len(endpoint_slice.endpoints) > _MOST_ENDPOINTS:
        errors.append(too_many("endpoints", len(endpoint_slice.endpoints), _MOST_ENDPOINTS))
        return errors
    for index, endpoint in enumerate(endpoint_slice.endpoints):
        errors += _validate_endpoint(endpoint, endpoint_slice.address_type, f"endpoints[{index}]")
    errors += _validate_ports(endpoint_slice.ports)
    return errors


def _validate_endpoint(endpoint: Endpoint, kind: str, path: str) -> Iterator[FieldError]:
    if not endpoint.addresses:
        yield required(f"{path}.addresses", "must contain at least 1 address")
    elif len(endpoint.addresses) > _MOST_ADDRESSES:
        yield too_many(f"{path}.addresses", len(endpoint.addresses), _MOST_ADDRESSES)
    for index, address in enumerate(endpoint.addresses):
        yield from _validate_slice_address(address, kind, f"{path}.addresses[{index}]")
    if endpoint.node_name:
        yield from checked(f"{path}.nodeName", endpoint.node_name, names.dns1123_subdomain(endpoint.node_name))
    if endpoint.zone:
        yield from checked(f"{path}.zone", endpoint.zone, names.label_value(endpoint.zone))
    if endpoint.hostname:
        yield from checked(f"{path}.hostname", endpoint.hostname, names.dns1123_label(endpoint.hostname))


def _validate_slice_address(address: str, kind: str, path: str) -> Iterator[FieldError]:
    if kind == "FQDN":
        yield from checked(path, address, names.dns1123_subdomain(address))
        return
    if kind not in ("IPv4", "IPv6"):
        return
    try:
        matches = ipaddress.ip_address(address).version == int(kind[3])
    except ValueError:
        yield from checked(path, address, names.ip_address(address))
        return
    if not matches:
        yield invalid(path, address, f"must be a valid {kind} address")
    else:
        yield from validate_reachable(address, path)


def _validate_ports(ports: Sequence[EndpointPort]) -> Iterator[FieldError]:
    if len(ports) > _MOST_PORTS:
        yield too_many("ports", len(ports), _MOST_PORTS)
        return
    taken: set[str] = set()
    for index, port in enumerate(ports):
        if port.name:
            yield from checked(f"ports[{index}].name", port.name, names.dns1123_label(port.name))
        if port.name in taken:
            yield duplicate(f"ports[{index}].name", port.name)
        taken.add(port.name)
        if port.protocol not in _PROTOCOLS:
            yield not_supported(f"ports[{index}].protocol", port.protocol, _PROTOCOLS)


def validate_endpoint_slice_update(new: EndpointSlice, old: EndpointSlice) -> list[FieldError]:
    return immutable("addressType", new.address_type, old.address_type)
