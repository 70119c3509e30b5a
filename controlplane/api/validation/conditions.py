"""Conditions of the type that newer kinds share (metav1.Condition)."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.meta_v1 import Condition
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, duplicate, invalid, not_supported, required, too_long

_STATUSES = ("False", "True", "Unknown")
_REASON_BYTES, _MESSAGE_BYTES = 1024, 32 * 1024


def validate_conditions(conditions: list[Condition], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        if condition.type in seen:
            yield duplicate(f"{path}[{index}]", condition.type)
        seen.add(condition.type)
        yield from _validate_condition(condition, f"{path}[{index}]")


def _validate_condition(condition: Condition, path: str) -> Iterator[FieldError]:
    if not condition.type:
        yield required(f"{path}.type", "is required")
    else:
        yield from checked(f"{path}.type", condition.type, names.qualified_name(condition.type))
    if not condition.status:
        yield required(f"{path}.status")
    elif condition.status not in _STATUSES:
        yield not_supported(f"{path}.status", condition.status, _STATUSES)
    if (condition.observed_generation or 0) < 0:
        why = "must be greater than or equal to zero"
        yield invalid(f"{path}.observedGeneration", condition.observed_generation, why)
    if not condition.last_transition_time:
        yield required(f"{path}.lastTransitionTime")
    if not condition.reason:
        yield required(f"{path}.reason")
    else:
        yield from checked(f"{path}.reason", condition.reason, names.condition_reason(condition.reason))
        if len(condition.reason.encode()) > _REASON_BYTES:
            yield too_long(f"{path}.reason", _REASON_BYTES)
    if len(condition.message.encode()) > _MESSAGE_BYTES:
        yield too_long(f"{path}.message", _MESSAGE_BYTES)
