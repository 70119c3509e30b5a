"""Counts that may be percentages: how many pods may be missing, or be too many, during an update."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.base import IntOrString
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, checked, invalid


def validate_count_or_percent(value: IntOrString | None, path: str) -> Iterator[FieldError]:
    if isinstance(value, str):
        yield from checked(path, value, names.percent(value))
    elif value is not None:
        yield from at_least_zero(path, value)


def validate_at_most_all(value: IntOrString | None, path: str) -> Iterator[FieldError]:
    if isinstance(value, str) and (percent := percent_of(value)) is not None and percent > 100:
        yield invalid(path, value, "must not be greater than 100%")


def percent_of(value: IntOrString | None) -> int | None:
    """Return the number before the percent sign, if there is one."""
    return int(value[:-1]) if isinstance(value, str) and not names.percent(value) else None


def is_zero(value: IntOrString | None) -> bool:
    return value in (None, 0) or percent_of(value) == 0
