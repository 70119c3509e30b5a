"""ServiceCIDRs, from which Services have their addresses, and IPAddresses, each of them one that is taken."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import addresses, names
from controlplane.api.networking_v1 import IPAddress, ServiceCIDR
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import IMMUTABLE, checked, immutable, invalid, required

_CIDRS = "spec.cidrs"


def validate_ip_address(address: IPAddress) -> list[FieldError]:
    parent, path = address.spec.parent_ref, "spec.parentRef"
    if parent is None:
        return [required(path)]
    errors = checked(f"{path}.group", parent.group, names.dns1123_subdomain(parent.group)) if parent.group else []
    for field, value in (("resource", parent.resource), ("name", parent.name)):
        if not value:
            errors.append(required(f"{path}.{field}"))
        else:
            errors += checked(f"{path}.{field}", value, names.path_segment(value))
    return errors + checked(f"{path}.namespace", parent.namespace, names.path_segment(parent.namespace))


def validate_ip_address_update(new: IPAddress, old: IPAddress) -> list[FieldError]:
    return immutable("spec.parentRef", new.spec.parent_ref, old.spec.parent_ref)


def validate_service_cidr(service_cidr: ServiceCIDR) -> list[FieldError]:
    return list(_validate_cidrs(service_cidr))


def _validate_cidrs(service_cidr: ServiceCIDR) -> Iterator[FieldError]:
    cidrs = service_cidr.spec.cidrs
    if not cidrs:
        yield required(_CIDRS, "at least one CIDR required")
        return
    if len(cidrs) > 2:
        yield invalid(_CIDRS, service_cidr.spec, "may only hold up to 2 values")
        return
    for index, cidr in enumerate(cidrs):
        yield from checked(f"{_CIDRS}[{index}]", cidr, addresses.canonical_cidr(cidr))
    families = [network.version for cidr in cidrs if (network := addresses.parse_cidr(cidr)) is not None]
    if len(families) == 2 and families[0] == families[1]:
        why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        yield invalid(_CIDRS, cidrs, why)


def validate_service_cidr_update(new: ServiceCIDR, old: ServiceCIDR) -> list[FieldError]:
    """The CIDRs stay, but a second one may come when the cluster becomes dual stack."""
    ours, theirs = new.spec.cidrs, old.spec.cidrs
    if len(ours) == len(theirs) or (len(theirs), len(ours)) == (1, 2):
        pairs = enumerate(zip(ours, theirs, strict=False))
        return [invalid(f"{_CIDRS}[{index}]", cidr, IMMUTABLE) for index, (cidr, was) in pairs if cidr != was]
    return [invalid(_CIDRS, ours, IMMUTABLE)]
