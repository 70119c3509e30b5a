"""Resource slices: the devices that a driver offers on a node, or to several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controlplane.api.core_v1 import NodeSelector
from controlplane.api.resource_v1 import (
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCounterConsumption,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.csi import validate_driver_name
from controlplane.api.validation.device_properties import validate_attribute, validate_capacity
from controlplane.api.validation.devices import (
    each,
    each_once,
    validate_binding_conditions,
    validate_full_name,
    validate_label,
    validate_node_name,
    validate_pool_name,
    validate_qualified_name,
    validate_skipped_operations,
    validate_taint,
)
from controlplane.api.validation.errors import immutable, invalid, required, too_many
from controlplane.api.validation.scheduling import validate_node_selector

_DEVICES, _ADVANCED_DEVICES = 128, 64
_PROPERTIES, _VALUES = 32, 48
_COUNTER_SETS, _COUNTERS, _CONSUMPTIONS = 8, 32, 2
_TAINTS = 16
_PLACES = "`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`"
_DEVICE_PLACES = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to "
    "true in the ResourceSlice spec"
)
_NOT_FALSE = "must be either unset or set to true"


def validate_resource_slice(slice_: ResourceSlice) -> list[FieldError]:
    spec = slice_.spec
    return [
        *validate_driver_name(spec.driver, "spec.driver"),
        *_validate_pool(spec.pool or ResourcePool(), "spec.pool"),
        *_validate_place(spec),
        *_validate_content(spec),
        *validate_skipped_operations(spec.skip_node_operations, "spec.skipNodeOperations"),
    ]


def validate_resource_slice_update(new: ResourceSlice, old: ResourceSlice) -> list[FieldError]:
    ours, theirs = new.spec, old.spec
    return [
        *immutable("spec.pool.name", (ours.pool or ResourcePool()).name, (theirs.pool or ResourcePool()).name),
        *immutable("spec.driver", ours.driver, theirs.driver),
        *immutable("spec.nodeName", ours.node_name, theirs.node_name),
    ]


def _validate_pool(pool: ResourcePool, path: str) -> Iterator[FieldError]:
    yield from validate_pool_name(pool.name, f"{path}.name")
    slices, generation = pool.resource_slice_count or 0, pool.generation or 0
    if slices <= 0:
        yield invalid(f"{path}.resourceSliceCount", slices, "must be greater than zero")
    if generation < 0:
        yield invalid(f"{path}.generation", generation, "must be greater than or equal to zero")


def _validate_place(spec: ResourceSliceSpec) -> Iterator[FieldError]:
    said = []
    if spec.node_name:
        said.append("`nodeName`")
        yield from validate_node_name(spec.node_name, "spec.nodeName")
    if spec.node_selector is not None:
        said.append("`nodeSelector`")
        yield from _validate_one_term(spec.node_selector, "spec.nodeSelector")
    for field, value in (("allNodes", spec.all_nodes), ("perDeviceNodeSelection", spec.per_device_node_selection)):
        if value:
            said.append(f"`{field}`")
        elif value is not None:
            yield invalid(f"spec.{field}", value, _NOT_FALSE)
    if not said:
        yield required("spec", f"exactly one of {_PLACES} is required")
    elif len(said) > 1:
        why = f"exactly one of {_PLACES} is required, but multiple fields are set"
        yield invalid("spec", f"{{{', '.join(said)}}}", why)


def _validate_one_term(selector: NodeSelector, path: str) -> Iterator[FieldError]:
    yield from validate_node_selector(selector, path)
    terms = selector.node_selector_terms
    if len(terms) != 1:
        yield invalid(f"{path}.nodeSelectorTerms", terms, "must have exactly one node selector term")


def _validate_content(spec: ResourceSliceSpec) -> Iterator[FieldError]:
    if spec.shared_counters and spec.devices:
        yield invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    per_device = bool(spec.per_device_node_selection)

    def device(value: Device, path: str) -> Iterator[FieldError]:
        return _validate_device(value, path, per_device)

    most = _ADVANCED_DEVICES if any(map(_is_advanced, spec.devices)) else _DEVICES
    yield from each_once(spec.devices, most, "spec.devices", device, lambda one: one.name)
    counters = spec.shared_counters
    yield from each_once(counters, _COUNTER_SETS, "spec.sharedCounters", _validate_counter_set, lambda one: one.name)
    if spec.partition_type_attribute:
        yield from _validate_partition_type(spec, spec.partition_type_attribute)


def _is_advanced(device: Device) -> bool:
    lists = any(one.bools or one.ints or one.strings or one.versions for one in device.attributes.values())
    return bool(device.taints or device.consumes_counters or lists)


def _validate_partition_type(spec: ResourceSliceSpec, name: str) -> Iterator[FieldError]:
    path = "spec.partitionTypeAttribute"
    if not any(device.consumes_counters for device in spec.devices):
        yield invalid(path, name, "may only be set on a slice which declares devices that consume counters")
        return
    if errors := validate_full_name(name, path):
        yield from errors
        return
    for index, device in enumerate(spec.devices):
        if not device.consumes_counters:
            continue
        at, attributes = f"spec.devices[{index}].attributes[{name}]", device.attributes
        attribute = attributes.get(name) or attributes.get(name.removeprefix(f"{spec.driver}/"))
        if attribute is None:
            why = "device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set"
            yield required(at, why)
        elif not attribute.string:
            why = "must be a string value because `partitionTypeAttribute` names this attribute"
            yield invalid(at, attribute, why)


def _validate_counter_set(counters: CounterSet, path: str) -> Iterator[FieldError]:
    yield from _validate_counters(counters.name, counters.counters, f"{path}.name", f"{path}.counters")


def _validate_consumption(consumption: DeviceCounterConsumption, path: str) -> Iterator[FieldError]:
    names = f"{path}.counterSet"
    yield from _validate_counters(consumption.counter_set, consumption.counters, names, f"{path}.counters")


def _validate_counters(name: str, counters: Mapping[str, object], name_path: str, path: str) -> Iterator[FieldError]:
    yield from validate_label(name, name_path) if name else [required(name_path)]
    if not counters:
        yield required(path)
    elif len(counters) > _COUNTERS:
        yield too_many(path, len(counters), _COUNTERS)
    else:
        for key in counters:
            yield from validate_label(key, path)


def _validate_device(device: Device, path: str, per_device: bool) -> Iterator[FieldError]:
    yield from validate_label(device.name, f"{path}.name")
    properties = len(device.attributes) + len(device.capacity)
    if properties > _PROPERTIES:
        why = f"the total number of attributes and capacities must not exceed {_PROPERTIES}"
        yield invalid(path, properties, why)
    values = sum(map(_count_values, device.attributes.values()))
    if values > _VALUES:
        yield invalid(path, values, f"the total number of attribute values must not exceed {_VALUES}")
    for key, attribute in device.attributes.items():
        yield from validate_qualified_name(key, f"{path}.attributes")
        yield from validate_attribute(attribute, f"{path}.attributes[{key}]")
    for key, capacity in device.capacity.items():
        yield from validate_qualified_name(key, f"{path}.capacity")
        yield from validate_capacity(capacity, f"{path}.capacity[{key}]", bool(device.allow_multiple_allocations))
    yield from each(device.taints, _TAINTS, f"{path}.taints", validate_taint)
    consumed, at = device.consumes_counters, f"{path}.consumesCounters"
    yield from each_once(consumed, _CONSUMPTIONS, at, _validate_consumption, lambda one: one.counter_set)
    yield from _validate_device_place(device, path, per_device)
    yield from validate_binding_conditions(device.binding_conditions, device.binding_failure_conditions, path)


def _count_values(attribute: DeviceAttribute) -> int:
    several = len(attribute.bools) + len(attribute.ints) + len(attribute.strings) + len(attribute.versions)
    return several or 1


def _validate_device_place(device: Device, path: str, per_device: bool) -> Iterator[FieldError]:
    if not per_device:
        if device.node_name or device.node_selector is not None or device.all_nodes is not None:
            why = (
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true "
                "in the ResourceSlice spec"
            )
            yield invalid(path, None, why)
        return
    said = []
    if device.node_name:
        said.append("`nodeName`")
        yield from validate_node_name(device.node_name, f"{path}.nodeName")
    if device.node_selector is not None:
        said.append("`nodeSelector`")
        yield from validate_node_selector(device.node_selector, f"{path}.nodeSelector")
    if device.all_nodes:
        said.append("`allNodes`")
    elif device.all_nodes is not None:
        yield invalid(f"{path}.allNodes", device.all_nodes, _NOT_FALSE)
    if not said:
        yield required(path, _DEVICE_PLACES)
    elif len(said) > 1:
        yield invalid(path, f"{{{', '.join(said)}}}", _DEVICE_PLACES)
