"""Lists of conditions: the state of an object as a handful of True, False and Unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec


class Condition(Protocol):
    """What every kind's condition type has in common."""

    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def last_transition_time(self) -> str | None: ...


C = TypeVar("C", bound=Condition)


def find(conditions: Iterable[C], type_: str) -> C | None:
    return next((condition for condition in conditions if condition.type == type_), None)


def without(conditions: Iterable[C], type_: str) -> list[C]:
    return [condition for condition in conditions if condition.type != type_]


def put(conditions: Iterable[C], condition: C) -> list[C]:
    """Return the list with `condition` in it; one that says the same already stays as it is.

    The transition time only moves when the status does, so that it says since when.
    """
    conditions = list(conditions)
    old = find(conditions, condition.type)
    if old is not None and (old.status, old.reason) == (condition.status, condition.reason):
        return conditions
    if old is not None and old.status == condition.status:
        condition = msgspec.structs.replace(condition, last_transition_time=old.last_transition_time)  # type: ignore[type-var]
    return [*without(conditions, condition.type), condition]
