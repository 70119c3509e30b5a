"""Conditions of the common type, as the status of newer kinds holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from controlplane.api import names
from controlplane.api.meta_v1 import Condition
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, duplicate, invalid, not_supported, required, too_long

_STATUSES = ("False", "True", "Unknown")
_REASON = r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_BYTES, _MESSAGE_BYTES = 1024, 32 * 1024
_REASON_MESSAGE = names.pattern(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    _REASON, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB",
)  # fmt: skip


def validate_conditions(conditions: Sequence[Condition], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        if condition.type in seen:
            errors.append(duplicate(f"{path}[{index}]", condition.type))
        seen.add(condition.type)
        errors += _validate_condition(condition, f"{path}[{index}]")
    return errors


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
    yield from _validate_texts(condition, path)


def _validate_texts(condition: Condition, path: str) -> Iterator[FieldError]:
    reason = condition.reason
    if not reason:
        yield required(f"{path}.reason")
    else:
        if not re.fullmatch(_REASON, reason):
            yield invalid(f"{path}.reason", reason, _REASON_MESSAGE)
        if len(reason.encode()) > _REASON_BYTES:
            yield too_long(f"{path}.reason", _REASON_BYTES)
    if len(condition.message.encode()) > _MESSAGE_BYTES:
        yield too_long(f"{path}.message", _MESSAGE_BYTES)
