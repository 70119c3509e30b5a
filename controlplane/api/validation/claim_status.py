"""The status of resource claims: which devices were allocated, to whom, and how they are."""

from __future__ import annotations

from collections.abc import Iterator, Set
from ipaddress import ip_interface

from controlplane.api.resource_v1 import (
    AllocatedDeviceStatus,
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceClaim,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimStatus,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.csi import validate_driver_name
from controlplane.api.validation.devices import (
    each,
    each_once,
    validate_binding_conditions,
    validate_label,
    validate_opaque,
    validate_pool_name,
    validate_raw,
    validate_skipped_operations,
    validate_toleration,
    validate_uuid,
)
from controlplane.api.validation.errors import (
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from controlplane.api.validation.resource_claims import Names, names_of, validate_reference, validate_references
from controlplane.api.validation.scheduling import validate_node_selector

_CONFIGS = _RESULTS = 32
_CONSUMERS = 256
_ADDRESSES = 16
_CONDITIONS = 8
_INTERFACE, _HARDWARE = 256, 128  # bytes
_SOURCES = ("FromClaim", "FromClass")


def validate_claim_status(new: ResourceClaim, old: ResourceClaim) -> list[FieldError]:
    status, known = new.status, names_of(new.spec.devices or DeviceClaim())
    errors = list(
        each_once(status.reserved_for, _CONSUMERS, "status.reservedFor", _validate_consumer, lambda one: one.uid)
    )
    errors += _validate_device_statuses(status)
    errors += _validate_reservation(new, old)
    if status.allocation is not None and old.status.allocation is not None:
        errors += immutable("status.allocation", status.allocation, old.status.allocation)
    elif status.allocation is not None:
        errors += _validate_allocation(status.allocation, "status.allocation", known)
    return errors


def _validate_consumer(consumer: ResourceClaimConsumerReference, path: str) -> Iterator[FieldError]:
    for field, value in (("resource", consumer.resource), ("name", consumer.name), ("uid", consumer.uid)):
        if not value:
            yield required(f"{path}.{field}")


def _validate_reservation(new: ResourceClaim, old: ResourceClaim) -> Iterator[FieldError]:
    path, reserved = "status.reservedFor", new.status.reserved_for
    if not reserved:
        return
    if new.status.allocation is None:
        yield forbidden(path, "may not be specified when `allocated` is not set")
    elif new.metadata.deletion_timestamp and any(one not in old.status.reserved_for for one in reserved):
        why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        yield forbidden(path, why)


def _device_id(device: AllocatedDeviceStatus | DeviceRequestAllocationResult) -> str:
    share = f"/{device.share_id}" if device.share_id else ""
    return f"{device.driver}/{device.pool}/{device.device}{share}"


def _validate_device_statuses(status: ResourceClaimStatus) -> Iterator[FieldError]:
    results = status.allocation.devices.results if status.allocation and status.allocation.devices else []
    allocated = {_device_id(result) for result in results}

    def device(value: AllocatedDeviceStatus, path: str) -> Iterator[FieldError]:
        return _validate_device_status(value, path, allocated)

    yield from each_once(status.devices, -1, "status.devices", device, _device_id)


def _validate_device_status(device: AllocatedDeviceStatus, path: str, allocated: Set[str]) -> Iterator[FieldError]:
    yield from validate_driver_name(device.driver, f"{path}.driver")
    yield from validate_pool_name(device.pool, f"{path}.pool")
    yield from validate_label(device.device, f"{path}.device")
    if device.share_id:
        yield from validate_uuid(device.share_id, f"{path}.shareID")
    if _device_id(device) not in allocated:
        yield invalid(path, _device_id(device), "must be an allocated device in the claim")
    if len(device.conditions) > _CONDITIONS:
        yield too_many(f"{path}.conditions", len(device.conditions), _CONDITIONS)
    yield from validate_conditions(device.conditions, f"{path}.conditions")
    if device.data is not None:
        yield from validate_raw(device.data, f"{path}.data")
    network = device.network_data
    if network is not None:
        if len(network.interface_name.encode()) > _INTERFACE:
            yield too_long(f"{path}.networkData.interfaceName", _INTERFACE)
        if len(network.hardware_address.encode()) > _HARDWARE:
            yield too_long(f"{path}.networkData.hardwareAddress", _HARDWARE)
        yield from each_once(network.ips, _ADDRESSES, f"{path}.networkData.ips", _validate_address, str)


def _validate_address(address: str, path: str) -> list[FieldError]:
    """An interface has an address and the length of its network's prefix."""
    try:
        interface = ip_interface(address)
    except ValueError:
        interface = None
    if interface is None or "/" not in address:
        return [invalid(path, address, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")]
    if str(interface) != address:
        return [invalid(path, address, f'must be in canonical form ("{interface}")')]
    return []


def _validate_allocation(allocation: AllocationResult, path: str, known: Names) -> Iterator[FieldError]:
    devices = allocation.devices

    def result(value: DeviceRequestAllocationResult, at: str) -> Iterator[FieldError]:
        return _validate_result(value, at, known)

    def config(value: DeviceAllocationConfiguration, at: str) -> Iterator[FieldError]:
        if value.source not in _SOURCES:
            yield not_supported(f"{at}.source", value.source, _SOURCES) if value.source else required(f"{at}.source")
        yield from validate_references(value.requests, f"{at}.requests", known)
        yield from validate_opaque(value.opaque, f"{at}.opaque")

    if devices is not None:
        yield from each(devices.results, _RESULTS, f"{path}.devices.results", result)
        yield from each(devices.config, 2 * _CONFIGS, f"{path}.devices.config", config)
    if allocation.node_selector is not None:
        yield from validate_node_selector(allocation.node_selector, f"{path}.nodeSelector")


def _validate_result(result: DeviceRequestAllocationResult, path: str, known: Names) -> Iterator[FieldError]:
    yield from validate_reference(result.request, f"{path}.request", known)
    yield from validate_driver_name(result.driver, f"{path}.driver")
    yield from validate_pool_name(result.pool, f"{path}.pool")
    yield from validate_label(result.device, f"{path}.device")
    yield from validate_binding_conditions(result.binding_conditions, result.binding_failure_conditions, path)
    for index, toleration in enumerate(result.tolerations):
        yield from validate_toleration(toleration, f"{path}.tolerations[{index}]")
    if result.share_id:
        yield from validate_uuid(result.share_id, f"{path}.shareID")
    yield from validate_skipped_operations(result.skip_node_operations, f"{path}.skipNodeOperations")
