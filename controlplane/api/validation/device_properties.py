"""Attributes and capacities of devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.resource_v1 import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    DeviceAttribute,
    DeviceCapacity,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import duplicate, forbidden, invalid, required, too_long, too_many

_OPTIONS = 10
_VALUE_BYTES = 64
_SEMVER = re.compile(
    r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)


def validate_attribute(attribute: DeviceAttribute, path: str) -> Iterator[FieldError]:
    given = [
        attribute.bool_ is not None, attribute.int_ is not None, bool(attribute.string), bool(attribute.version),
        bool(attribute.bools), bool(attribute.ints), bool(attribute.strings), bool(attribute.versions),
    ]  # fmt: skip
    places = [(f"{path}.strings[{index}]", text) for index, text in enumerate(attribute.strings)]
    for at, text in [(f"{path}.string", attribute.string), *places]:
        if len(text.encode()) > _VALUE_BYTES:
            yield too_long(at, _VALUE_BYTES)
    versions = [(f"{path}.versions[{index}]", text) for index, text in enumerate(attribute.versions)]
    for at, text in [(f"{path}.version", attribute.version)] * bool(attribute.version) + versions:
        if not _SEMVER.fullmatch(text):
            yield invalid(at, text, "must be a string compatible with semver.org spec 2.0.0")
        if len(text.encode()) > _VALUE_BYTES:
            yield too_long(at, _VALUE_BYTES)
    if sum(given) != 1:
        yield invalid(path, attribute if any(given) else "", "exactly one value must be specified")


def validate_capacity(capacity: DeviceCapacity, path: str, shared: bool) -> Iterator[FieldError]:
    policy, at = capacity.request_policy, f"{path}.requestPolicy"
    if policy is None:
        return
    if not shared:
        yield forbidden(at, "allowMultipleAllocations must be true")
    elif policy.valid_values and policy.valid_range is not None:
        why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        yield forbidden(at, why)
    else:
        yield from _validate_policy(policy, at, capacity.value or 0)


def _validate_policy(policy: CapacityRequestPolicy, path: str, most: Quantity) -> Iterator[FieldError]:
    for field, there in (("validValues", bool(policy.valid_values)), ("validRange", policy.valid_range is not None)):
        if there and policy.default is None:
            yield required(f"{path}.default", f"required when {field} is defined")
            return
    if policy.valid_values and policy.default is not None:
        yield from _validate_options(policy.valid_values, policy.default, most, f"{path}.validValues")
    elif policy.valid_range is not None and policy.default is not None:
        yield from _validate_range(policy.valid_range, policy.default, most, f"{path}.validRange")


def _validate_options(options: list[Quantity], default: Quantity, most: Quantity, path: str) -> Iterator[FieldError]:
    numbers = [quantity.parse(option) for option in options]
    for index in range(1, len(options)):
        if numbers[index - 1] > numbers[index]:
            yield invalid(f"{path}[{index}]", str(options[index]), "values must be sorted in ascending order")
    if len(options) > _OPTIONS:
        yield too_many(path, len(options), _OPTIONS)
    else:
        for index, number in enumerate(numbers):
            if number > quantity.parse(most):
                yield invalid(f"{path}[{index}]", str(options[index]), f"option is larger than capacity value: {most}")
        for index, number in enumerate(numbers):
            if number in numbers[:index]:
                yield duplicate(f"{path}[{index}]", str(options[index]))
    if quantity.parse(default) not in numbers:
        yield invalid(path, str(default), "default value is not valid according to the requestPolicy")


def _validate_range(
    range_: CapacityRequestPolicyRange, default: Quantity, most: Quantity, path: str
) -> Iterator[FieldError]:
    least, highest, step = range_.min, range_.max, range_.step
    if least is None:
        yield required(f"{path}.min", "required when validRange is defined")
        return
    compare = quantity.compare
    if compare(least, most) > 0:
        yield invalid(f"{path}.min", str(least), f"min is larger than capacity value: {most}")
    if compare(default, least) < 0:
        yield invalid(f"{path}.default", str(default), f"default is less than min: {least}")
    if highest is not None:
        if compare(least, highest) > 0:
            yield invalid(f"{path}.max", str(least), f"min is larger than max: {highest}")
        if compare(highest, most) > 0:
            yield invalid(f"{path}.max", str(highest), f"max is larger than capacity value: {most}")
        if compare(default, highest) > 0:
            yield invalid(f"{path}.default", str(default), f"default is more than max: {highest}")
    if step is not None:
        yield from _validate_step(step, least, (default, highest), most, f"{path}.step")


def _validate_step(
    step: Quantity, least: Quantity, values: tuple[Quantity | None, ...], most: Quantity, path: str
) -> Iterator[FieldError]:
    size = quantity.parse(step)
    if size <= 0:
        yield invalid(path, str(step), "must be greater than zero")
        return
    after_one = quantity.add(least, step)
    if quantity.compare(after_one, most) > 0:
        yield invalid(path, str(step), f"one step {after_one} is larger than capacity value: {most}")
    for value in values:
        if value is not None and (quantity.parse(value) - quantity.parse(least)) % size:
            why = f"value is not a multiple of a given step ({step}) from ({least})"
            yield invalid(path, str(value), why)
