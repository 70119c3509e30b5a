"""Device classes, and rules that taint devices."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.resource_v1 import (
    DeviceClass,
    DeviceClassConfiguration,
    DeviceTaint,
    DeviceTaintRule,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.csi import validate_driver_name
from controlplane.api.validation.devices import (
    each,
    validate_label,
    validate_opaque,
    validate_pool_name,
    validate_selectors,
    validate_taint,
)
from controlplane.api.validation.errors import (
    invalid,
    too_many,
)
from controlplane.api.validation.resources import is_extended

_CONFIGS = 32
_CONDITIONS = 8


def validate_device_class(device_class: DeviceClass) -> list[FieldError]:
    spec = device_class.spec
    errors = list(validate_selectors(spec.selectors, "spec.selectors"))
    errors += each(spec.config, _CONFIGS, "spec.config", _validate_class_config)
    name = spec.extended_resource_name
    if name and not is_extended(name):
        errors.append(invalid("spec.extendedResourceName", name, "must be a valid extended resource name"))
    return errors


def _validate_class_config(config: DeviceClassConfiguration, path: str) -> Iterator[FieldError]:
    yield from validate_opaque(config.opaque, f"{path}.opaque")


def validate_taint_rule(rule: DeviceTaintRule) -> list[FieldError]:
    selector, taint = rule.spec.device_selector, rule.spec.taint
    errors: list[FieldError] = []
    if selector is not None:
        if selector.driver:
            errors += validate_driver_name(selector.driver, "spec.deviceSelector.driver")
        if selector.pool:
            errors += validate_pool_name(selector.pool, "spec.deviceSelector.pool")
        if selector.device:
            errors += validate_label(selector.device, "spec.deviceSelector.device")
    return [*errors, *validate_taint(taint or DeviceTaint(), "spec.taint")]


def validate_taint_rule_status(new: DeviceTaintRule, old: DeviceTaintRule) -> list[FieldError]:
    conditions = new.status.conditions
    errors = validate_conditions(conditions, "status.conditions")
    if len(conditions) > _CONDITIONS:
        errors.append(too_many("status.conditions", len(conditions), _CONDITIONS))
    return errors
