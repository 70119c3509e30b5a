"""CSI drivers, what nodes say of them, and the capacity they report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from controlplane.api import names, quantity
from controlplane.api.status import FieldError
from controlplane.api.storage_v1 import CSIDriver, CSINode, CSINodeDriver, CSIStorageCapacity, TokenRequest
from controlplane.api.validation.errors import (
    at_least_zero,
    checked,
    duplicate,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)
from controlplane.api.validation.selectors import validate_selector

_DRIVER_NAME = 63  # bytes, so that the name fits into a label
_NODE_ID = 256  # bytes
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 1 << 32  # seconds
_SHORTEST_PERIOD = 10  # seconds
_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES = ("Persistent", "Ephemeral")


def validate_driver_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    errors = [too_long(path, _DRIVER_NAME)] if len(name.encode()) > _DRIVER_NAME else []
    return errors + checked(path, name, names.dns1123_subdomain(name.lower()))


def validate_csi_driver(driver: CSIDriver) -> list[FieldError]:
    spec = driver.spec
    errors = []
    if spec.fs_group_policy not in ("", *_GROUP_POLICIES):
        errors.append(not_supported("spec.fsGroupPolicy", spec.fs_group_policy, _GROUP_POLICIES))
    errors += _validate_token_requests(spec.token_requests)
    errors += [
        not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLES)
        for mode in spec.volume_lifecycle_modes
        if mode not in _LIFECYCLES
    ]
    period = spec.node_allocatable_update_period_seconds
    if period is not None and period < _SHORTEST_PERIOD:
        why = "must be greater than or equal to 10 seconds"
        errors.append(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why))
    return errors


def _validate_token_requests(requests: Iterable[TokenRequest]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, request in enumerate(requests):
        path, seconds = f"spec.tokenRequests[{index}]", request.expiration_seconds
        if request.audience in seen:
            yield duplicate(f"{path}.audience", request.audience)
            continue
        seen.add(request.audience)
        if seconds is not None and seconds < _SHORTEST_TOKEN:
            yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > _LONGEST_TOKEN:
            why = "may not specify a duration larger than 2^32 seconds"
            yield invalid(f"{path}.expirationSeconds", seconds, why)


def validate_csi_driver_update(new: CSIDriver, old: CSIDriver) -> list[FieldError]:
    return [
        *immutable("spec.attachedRequired", new.spec.attach_required, old.spec.attach_required),  # upstream's spelling
        *immutable("spec.volumeLifecycleModes", new.spec.volume_lifecycle_modes, old.spec.volume_lifecycle_modes),
    ]


def validate_csi_node(node: CSINode) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, driver in enumerate(node.spec.drivers):
        path = f"spec.drivers[{index}]"
        errors += _validate_node_driver(driver, path)
        if driver.name in seen:
            errors.append(duplicate(f"{path}.name", driver.name))
        seen.add(driver.name)
        errors += _validate_topology_keys(driver.topology_keys, path)
    return errors


def _validate_node_driver(driver: CSINodeDriver, path: str) -> Iterator[FieldError]:
    yield from validate_driver_name(driver.name, f"{path}.name")
    if not driver.node_id:
        yield required(f"{path}.nodeID")
    if len(driver.node_id.encode()) > _NODE_ID:
        yield invalid(f"{path}.nodeID", driver.node_id, f"must be {_NODE_ID} characters or less")
    if driver.allocatable is not None:
        yield from at_least_zero(f"{path}.allocatable.count", driver.allocatable.count)


def _validate_topology_keys(keys: Iterable[str], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for key in keys:
        if not key:
            yield required(path)
        if key in seen:
            yield duplicate(path, key)
        seen.add(key)
        yield from checked(path, key, names.qualified_name(key))


def validate_csi_node_update(new: CSINode, old: CSINode) -> list[FieldError]:
    """A driver that stays says the same as before, but for how many volumes it can attach."""
    was = {driver.name: replace(driver, allocatable=None) for driver in old.spec.drivers}
    now = [replace(driver, allocatable=None) for driver in new.spec.drivers if driver.name in was]
    return [error for driver in now for error in immutable("spec.drivers", driver, was[driver.name])]


def validate_storage_capacity(capacity: CSIStorageCapacity) -> list[FieldError]:
    errors = list(validate_selector(capacity.node_topology, "nodeTopology"))
    name = capacity.storage_class_name or ""
    errors += checked("storageClassName", name, names.dns1123_subdomain(name))
    if capacity.capacity is not None and quantity.parse(capacity.capacity) < 0:
        errors.append(invalid("capacity", str(capacity.capacity), "must be greater than or equal to 0"))
    return errors


def validate_storage_capacity_update(new: CSIStorageCapacity, old: CSIStorageCapacity) -> list[FieldError]:
    return [
        *immutable("nodeTopology", new.node_topology, old.node_topology),
        *immutable("storageClassName", new.storage_class_name, old.storage_class_name),
    ]
