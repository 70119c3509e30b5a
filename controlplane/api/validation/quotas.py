"""ResourceQuotas and LimitRanges."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from controlplane.api import names, quantity
from controlplane.api.core_v1 import LimitRange, LimitRangeItem, ResourceQuota
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import duplicate, immutable, invalid, not_supported, required
from controlplane.api.validation.resources import validate_amount, validate_amounts, validate_resource_name

_SCOPES = (
    "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
    "VolumeAttributesClass",
)  # fmt: skip
_LIMIT_TYPES = ("Container", "PersistentVolumeClaim", "Pod")


def validate_resource_quota(quota: ResourceQuota) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, amount in quota.spec.hard.items():
        at = f"spec.hard[{name}]"
        errors += validate_resource_name(name, at)
        errors += validate_amount(name, amount, at)
    scopes = set(quota.spec.scopes)
    for scope in quota.spec.scopes:
        if scope not in _SCOPES:
            errors.append(invalid("spec.scopes", quota.spec.scopes, "unsupported scope"))
    for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}):
        if pair <= scopes:
            errors.append(invalid("spec.scopes", quota.spec.scopes, "conflicting scopes"))
    return errors


def validate_resource_quota_update(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    return immutable("spec.scopes", sorted(new.spec.scopes), sorted(old.spec.scopes))


def validate_resource_quota_status(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    errors = list(validate_amounts(new.status.hard, "status.hard"))
    return [*errors, *validate_amounts(new.status.used, "status.used")]


def validate_limit_range(limit_range: LimitRange) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, item in enumerate(limit_range.spec.limits):
        at = f"spec.limits[{index}]"
        if not item.type:
            errors.append(required(f"{at}.type"))
        elif item.type not in _LIMIT_TYPES and "/" not in item.type:
            errors.append(not_supported(f"{at}.type", item.type, _LIMIT_TYPES))
        if names.qualified_name(item.type):
            continue
        if item.type in seen:
            errors.append(duplicate(f"{at}.type", item.type))
        seen.add(item.type)
        errors += _validate_item(item, at)
    return errors


def _validate_item(item: LimitRangeItem, path: str) -> Iterator[FieldError]:
    every = {**item.max, **item.min, **item.default, **item.default_request}
    if item.type == "Pod":
        for field, amounts in (("default", item.default), ("defaultRequest", item.default_request)):
            if amounts:
                yield invalid(f"{path}.{field}", amounts, "may not be specified when `type` is 'Pod'")
    yield from validate_amounts(every, path)
    for name in every:
        yield from _validate_order(item, name, path)


def _validate_order(item: LimitRangeItem, name: str, path: str) -> Iterator[FieldError]:
    """min <= default request <= default <= max, as far as they are given."""
    given = [
        (title, field, amounts[name])
        for title, field, amounts in (
            ("min", "min", item.min),
            ("default request", "defaultRequest", item.default_request),
            ("default", "default", item.default),
            ("max", "max", item.max),
        )
        if name in amounts
    ]
    for (low_title, low_field, low), (high_title, _, high) in pairwise(given):
        if quantity.compare(low, high) > 0:
            why = f"{low_title} value {low} is greater than {high_title} value {high}"
            yield invalid(f"{path}.{low_field}[{name}]", low, why)
