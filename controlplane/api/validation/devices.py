"""What requests, classes, claims and slices of devices share: names, taints, configurations, sets of bounded size.

Expressions are checked for their length only: compiling them is not this room's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from controlplane.api import names
from controlplane.api.resource_v1 import DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration
from controlplane.api.status import FieldError
from controlplane.api.validation.csi import validate_driver_name
from controlplane.api.validation.errors import checked, duplicate, invalid, not_supported, required, too_long, too_many

T = TypeVar("T")

_EFFECTS = ("NoExecute", "NoSchedule", "None")
_OPERATORS = ("Equal", "Exists")
_IDENTIFIER = 32
_POOL = 253
_EXPRESSION = _PARAMETERS = 10 * 1024  # bytes
_SELECTORS = 32
_BINDING_CONDITIONS = 4
_C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_C_MESSAGE = names.pattern(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_'",
    "[A-Za-z_][A-Za-z0-9_]*", "my_name", "MY_NAME", "MyName",
)  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_MESSAGE = (
    "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal "
    "characters"
)


def each(
    items: Sequence[T], limit: int, path: str, check: Callable[[T, str], Iterable[FieldError]]
) -> Iterator[FieldError]:
    """Check a list of at most `limit` items; of one that is too long nothing else is said."""
    if 0 <= limit < len(items):
        yield too_many(path, len(items), limit)
        return
    for index, item in enumerate(items):
        yield from check(item, f"{path}[{index}]")


def each_once(
    items: Sequence[T],
    limit: int,
    path: str,
    check: Callable[[T, str], Iterable[FieldError]],
    key: Callable[[T], Any],
) -> Iterator[FieldError]:
    """Check a list whose items differ in their key."""
    yield from each(items, limit, path, check)
    if 0 <= limit < len(items):
        return
    seen: set[Any] = set()
    for index, item in enumerate(items):
        if key(item) in seen:
            yield duplicate(f"{path}[{index}]", key(item))
        seen.add(key(item))


def validate_label(name: str, path: str) -> list[FieldError]:
    return checked(path, name, names.dns1123_label(name))


def validate_class_name(name: str, path: str) -> list[FieldError]:
    return checked(path, name, names.dns1123_subdomain(name)) if name else [required(path)]


def validate_node_name(name: str, path: str) -> list[FieldError]:
    return checked(path, name, names.dns1123_subdomain(name))


def validate_pool_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    errors = [too_long(path, _POOL)] if len(name.encode()) > _POOL else []
    for part in name.split("/"):
        errors += checked(path, part, names.dns1123_subdomain(part))
    return errors


def validate_uuid(text: str, path: str) -> list[FieldError]:
    return [] if _UUID.fullmatch(text) else [invalid(path, text, _UUID_MESSAGE)]


def validate_qualified_name(name: str, path: str) -> list[FieldError]:
    domain, slash, rest = name.partition("/")
    if not slash:
        return _validate_identifier(name, path)
    if "/" in rest:
        return [invalid(path, name, "must not contain more than one slash")]
    errors = validate_driver_name(domain, path) if domain else [invalid(path, "", "the domain must not be empty")]
    return errors + (_validate_identifier(rest, path) if rest else [invalid(path, "", "the name must not be empty")])


def validate_full_name(name: str, path: str) -> list[FieldError]:
    errors = validate_qualified_name(name, path)
    if "/" not in name:
        why = "a fully qualified name must be a domain and a name separated by a slash"
        errors.append(invalid(path, name, why))
    return errors


def _validate_identifier(text: str, path: str) -> list[FieldError]:
    errors = [too_long(path, _IDENTIFIER)] if len(text.encode()) > _IDENTIFIER else []
    if not _C_IDENTIFIER.fullmatch(text):
        errors.append(invalid(path, text, _C_MESSAGE))
    return errors


def validate_selectors(selectors: Sequence[DeviceSelector], path: str) -> Iterator[FieldError]:
    yield from each(selectors, _SELECTORS, path, _validate_selector)


def _validate_selector(selector: DeviceSelector, path: str) -> Iterator[FieldError]:
    if selector.cel is None:
        yield required(f"{path}.cel")
    else:
        yield from validate_expression(selector.cel.expression, f"{path}.cel.expression")


def validate_expression(expression: str, path: str) -> list[FieldError]:
    return [too_long(path, _EXPRESSION)] if len(expression.encode()) > _EXPRESSION else []


def validate_opaque(opaque: OpaqueDeviceConfiguration | None, path: str) -> Iterator[FieldError]:
    if opaque is None:
        yield required(path)
        return
    yield from validate_driver_name(opaque.driver, f"{path}.driver")
    yield from validate_raw(opaque.parameters, f"{path}.parameters")


def validate_raw(value: Any, path: str) -> list[FieldError]:
    """Check an object that only a driver understands: that it is there, and not large."""
    if value is None:
        return [required(path)]
    return [too_long(path, _PARAMETERS)] if len(msgspec.json.encode(value)) > _PARAMETERS else []


def validate_taint(taint: DeviceTaint, path: str) -> Iterator[FieldError]:
    yield from checked(f"{path}.key", taint.key, names.qualified_name(taint.key))
    yield from checked(f"{path}.value", taint.value, names.label_value(taint.value))
    if not taint.effect:
        yield required(f"{path}.effect")
    elif taint.effect not in _EFFECTS:
        yield not_supported(f"{path}.effect", taint.effect, _EFFECTS)


def validate_toleration(toleration: DeviceToleration, path: str) -> Iterator[FieldError]:
    key, value, operator = toleration.key, toleration.value, toleration.operator
    if key:
        yield from checked(f"{path}.key", key, names.qualified_name(key))
    if operator == "Exists":
        if value:
            yield invalid(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        yield from checked(f"{path}.value", value, names.label_value(value))
    else:
        yield not_supported(f"{path}.operator", operator, _OPERATORS) if operator else required(f"{path}.operator")
    if toleration.effect not in ("", *_EFFECTS):
        yield not_supported(f"{path}.effect", toleration.effect, _EFFECTS)


def validate_binding_conditions(good: list[str], bad: list[str], path: str) -> Iterator[FieldError]:
    """Check what must hold before a pod is bound, and what tells that it never will: both or neither."""
    for field, conditions in (("bindingConditions", good), ("bindingFailureConditions", bad)):
        at = f"{path}.{field}"
        yield from each(conditions, _BINDING_CONDITIONS, at, _validate_condition_name)
    for field, conditions in (("bindingConditions", good), ("bindingFailureConditions", bad)):
        for index, condition in enumerate(conditions):
            at = f"{path}.{field}[{index}]"
            if condition in conditions[:index]:
                yield duplicate(at, condition)
            if conditions is bad and condition in good:
                yield invalid(at, condition, "bindingFailureConditions must not overlap with bindingConditions")
    if bad and not good:
        why = "bindingConditions are required to use bindingFailureConditions"
        yield invalid(f"{path}.bindingConditions", good or None, why)
    if good and not bad:
        why = "bindingFailureConditions are required to use bindingConditions"
        yield invalid(f"{path}.bindingFailureConditions", bad or None, why)


def _validate_condition_name(name: str, path: str) -> list[FieldError]:
    return checked(path, name, names.qualified_name(name))


def validate_skipped_operations(operations: list[str], path: str) -> Iterator[FieldError]:
    skipped = set(operations)
    if "NodePrepareResources" in skipped and not skipped & {"NodeUnprepareResources", "*"}:
        why = "NodePrepareResources cannot be skipped unless NodeUnprepareResources is also skipped"
        yield invalid(path, operations, why)
