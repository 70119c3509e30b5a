"""Amounts: requests and limits of containers, capacities, quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controlplane.api import names, quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import ResourceRequirements
from controlplane.api.quantity import QuantityError
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, invalid, required

_CONTAINER = frozenset(("cpu", "memory", "ephemeral-storage"))
_STANDARD = _CONTAINER | {
    "configmaps", "limits.cpu", "limits.ephemeral-storage", "limits.memory", "persistentvolumeclaims", "pods",
    "replicationcontrollers", "requests.cpu", "requests.ephemeral-storage", "requests.memory", "requests.storage",
    "resourcequotas", "secrets", "services", "services.loadbalancers", "services.nodeports", "storage",
}  # fmt: skip
_WHOLE = frozenset((
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
    "services.loadbalancers", "services.nodeports",
))  # fmt: skip
_HUGEPAGES = "hugepages-"


def is_extended(name: str) -> bool:
    """Whether a resource is somebody's own, such as example.com/gpu: counted in ones and never overcommitted."""
    return "/" in name and not name.startswith(("kubernetes.io/", "requests.")) and ".kubernetes.io/" not in name


def validate_requirements(resources: ResourceRequirements | None, path: str) -> Iterator[FieldError]:
    """Check what a container asks for and may have at most."""
    if resources is None:
        return
    limits, requests = resources.limits, resources.requests
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            yield from validate_container_resource(name, f"{path}.{field}")
            yield from validate_amount(name, amount, f"{path}.{field}[{name}]")
    for name, amount in requests.items():
        yield from _validate_against_limit(name, amount, limits.get(name), f"{path}.requests")


def validate_container_resource(name: str, path: str) -> Iterator[FieldError]:
    if name in _CONTAINER or name.startswith(_HUGEPAGES):
        return
    yield from validate_resource_name(name, path)
    if "/" not in name:
        yield invalid(path, name, "must be a standard resource for containers")


def validate_resource_name(name: str, path: str) -> Iterator[FieldError]:
    problems = names.qualified_name(name)
    yield from checked(path, name, problems)
    if not problems and "/" not in name and name not in _STANDARD and not name.startswith(_HUGEPAGES):
        yield invalid(path, name, "must be a standard resource type or fully qualified")


def validate_amount(name: str, amount: Quantity, path: str) -> Iterator[FieldError]:
    try:
        nanos = quantity.amount(amount).nanos
    except QuantityError as error:
        yield invalid(path, amount, str(error))
        return
    if nanos < 0:
        yield invalid(path, quantity.canonical(amount), "must be greater than or equal to 0")
    if nanos % 10**9 and (is_extended(name) or name in _WHOLE or name.startswith("count/")):
        yield invalid(path, quantity.canonical(amount), "must be an integer")


def _validate_against_limit(name: str, request: Quantity, limit: Quantity | None, path: str) -> Iterator[FieldError]:
    if limit is None:
        if is_extended(name) or name.startswith(_HUGEPAGES):
            yield required(
                f"{path.removesuffix('requests')}limits", "Limit must be set for non overcommitable resources"
            )
        return
    try:
        order = quantity.compare(request, limit)
    except QuantityError:
        return  # said above
    shown = quantity.canonical(request)
    if order and (is_extended(name) or name.startswith(_HUGEPAGES)):
        yield invalid(path, shown, f"must be equal to {name} limit of {quantity.canonical(limit)}")
    elif order > 0:
        yield invalid(path, shown, f"must be less than or equal to {name} limit of {quantity.canonical(limit)}")


def validate_amounts(amounts: Mapping[str, Quantity], path: str) -> Iterator[FieldError]:
    """Check a list of any resources: a node's capacity, a quota."""
    for name, amount in amounts.items():
        yield from validate_resource_name(name, f"{path}[{name}]")
        yield from validate_amount(name, amount, f"{path}[{name}]")
