"""Optional values: `optional.of(x)`, `a.?b`, `orValue`; none rather than an error for what is absent."""

from __future__ import annotations

from typing import Any

from controlplane.cel import types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import BOOL, LIST_A, A
from controlplane.cel.values import NONE, Optional

_OPTIONAL_A = types.optional_of(A)


def add_to(functions: Functions) -> None:
    add = functions.add
    add("optional.of", function(A, gives=_OPTIONAL_A), Optional)
    add("optional.ofNonZeroValue", function(A, gives=_OPTIONAL_A), lambda value: Optional(value) if value else NONE)
    add("optional.none", function(gives=_OPTIONAL_A), lambda: NONE)
    add("optional.unwrap", function(types.list_of(_OPTIONAL_A), gives=LIST_A), _unwrap)
    add("unwrapOpt", method(types.list_of(_OPTIONAL_A), gives=LIST_A), _unwrap)
    add("hasValue", method(_OPTIONAL_A, gives=BOOL), lambda optional: optional.present)
    add("value", method(_OPTIONAL_A, gives=A), _value)
    add("or", method(_OPTIONAL_A, _OPTIONAL_A, gives=_OPTIONAL_A), lambda one, other: one if one.present else other)
    add("orValue", method(_OPTIONAL_A, A, gives=A), lambda one, other: one.inner if one.present else other)


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise EvaluationError("optional.none() dereference")
    return optional.inner


def _unwrap(optionals: list[Any]) -> list[Any]:
    if any(type(one) is not Optional for one in optionals):
        raise EvaluationError("no such overload")
    return [one.inner for one in optionals if one.present]
