"""Lists: Kubernetes' own functions and those of cel-go's lists extension (version 3)."""

from __future__ import annotations

from typing import Any

from controlplane.cel import costs, types
from controlplane.cel.access import contains
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST_A,
    STRING,
    TIMESTAMP,
    UINT,
    A,
)
from controlplane.cel.values import NONE, Duration, Optional, UInt, equal

_COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
_ZEROS = {INT: 0, UINT: UInt(0), DOUBLE: 0.0, DURATION: Duration(0)}
_NUMBERS = frozenset({int, UInt, float})


def add_to(functions: Functions) -> None:
    add = functions.add
    for one in _COMPARABLE:
        of_one = types.list_of(one)
        add("isSorted", method(of_one, gives=BOOL), _is_sorted, costs.of_elements)
        add("min", method(of_one, gives=one), lambda list_: _extreme("min", list_), costs.of_elements)
        add("max", method(of_one, gives=one), lambda list_: _extreme("max", list_), costs.of_elements)
        add("sort", method(of_one, gives=of_one), lambda list_: sorted(list_, key=_keys(list_)), costs.of_squared)
    for one in _ZEROS:
        add(
            "sum",
            method(types.list_of(one), gives=one),
            lambda list_, one=one: _sum(functions, list_, one),
            costs.of_elements,
        )
    add("indexOf", method(LIST_A, A, gives=INT), _index_of, costs.of_elements)
    add("lastIndexOf", method(LIST_A, A, gives=INT), _last_index_of, costs.of_elements)
    add("includes", method(DYN, DYN, gives=BOOL), _includes, costs.of_elements)
    add("slice", method(LIST_A, INT, INT, gives=LIST_A), _slice, costs.of_elements)
    add("flatten", method(types.list_of(LIST_A), gives=LIST_A), lambda list_: _flatten(list_, 1), costs.of_elements)
    add("flatten", method(types.list_of(DYN), INT, gives=types.list_of(DYN)), _flatten, costs.of_elements)
    add("distinct", method(LIST_A, gives=LIST_A), _distinct, costs.of_squared)
    add("reverse", method(LIST_A, gives=LIST_A), lambda list_: list_[::-1], costs.of_elements)
    add("first", method(LIST_A, gives=types.optional_of(A)), lambda list_: Optional(list_[0]) if list_ else NONE)
    add("last", method(LIST_A, gives=types.optional_of(A)), lambda list_: Optional(list_[-1]) if list_ else NONE)
    add(
        "lists.range", function(INT, gives=types.list_of(INT)), _range, lambda count: max(1, min(count, costs.PER_CALL))
    )


def sort_key(value: Any) -> Any:
    """Return what a value is sorted by. Raises EvaluationError for values without an order."""
    if isinstance(value, list | dict) or value is None:
        raise EvaluationError("list elements must be comparable")
    return value


def _keys(values: list[Any]) -> Any:
    _comparable(values)
    return sort_key


def _comparable(values: list[Any]) -> list[Any]:
    """Return a list whose elements can be compared with each other. Raises EvaluationError."""
    kinds = {type(value) for value in values}
    if len(kinds) > 1 and not kinds <= _NUMBERS:
        raise EvaluationError("no such overload")
    for value in values:
        sort_key(value)
    return values


def _is_sorted(values: list[Any]) -> bool:
    _comparable(values)
    return all(values[at] <= values[at + 1] for at in range(len(values) - 1))


def _extreme(name: str, values: list[Any]) -> Any:
    if not values:
        raise EvaluationError(f"{name} called on empty list")
    return (min if name == "min" else max)(_comparable(values))


def _sum(functions: Functions, values: list[Any], type_: types.Type) -> Any:
    add = functions.find("_+_", False)
    assert add is not None
    total: Any = _ZEROS[_type_of(values, type_)]
    for value in values:
        total = add.overload((type(total), type(value))).implementation(total, value)
    return total


def _type_of(values: list[Any], declared: types.Type) -> types.Type:
    """Evaluation does not know which list was declared: the first element tells."""
    return {UInt: UINT, float: DOUBLE, Duration: DURATION}.get(type(values[0]), INT) if values else declared


def _index_of(values: list[Any], wanted: Any) -> int:
    return next((at for at, value in enumerate(values) if equal(value, wanted)), -1)


def _last_index_of(values: list[Any], wanted: Any) -> int:
    return next((at for at in reversed(range(len(values))) if equal(values[at], wanted)), -1)


def _includes(target: Any, wanted: Any) -> bool:
    return contains(target, wanted) if isinstance(target, list) else equal(target, wanted)


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(values):
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return values[start:end]


def _flatten(values: list[Any], depth: int) -> list[Any]:
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    out: list[Any] = []
    for value in values:
        out += _flatten(value, depth - 1) if depth and isinstance(value, list) else [value]
    return out


def _distinct(values: list[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        if not contains(out, value):
            out.append(value)
    return out


def _range(count: int) -> list[int]:
    return list(range(count))
