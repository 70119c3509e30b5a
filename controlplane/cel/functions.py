"""Functions that expressions can call: their overloads for the checker, their code for the evaluator.

    functions.add("startsWith", method(STRING, STRING, gives=BOOL), str.startswith)

A function of two kinds of caller is declared twice: `size(x)` and `x.size()`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controlplane.cel import types, values
from controlplane.cel.errors import EvaluationError
from controlplane.cel.types import Type

Cost = Callable[..., int]
"""From the arguments to what a call costs, in units; see `costs.py`."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and what comes out; of a method the first is what is before the dot."""

    parameters: tuple[Type, ...]
    result: Type
    member: bool = False


def function(*parameters: Type, gives: Type) -> Signature:
    return Signature(parameters, gives)


def method(*parameters: Type, gives: Type) -> Signature:
    return Signature(parameters, gives, member=True)


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function."""

    signature: Signature
    implementation: Callable[..., Any]
    cost: Cost | None = None  # None: one unit
    _kinds: tuple[frozenset[type] | None, ...] = field(default=())

    def takes(self, kinds: tuple[type, ...]) -> bool:
        """Return whether values of these Python types fit."""
        return len(kinds) == len(self._kinds) and all(
            wanted is None or kind in wanted for wanted, kind in zip(self._kinds, kinds, strict=True)
        )


@dataclass(slots=True)
class Function:
    """The overloads of one name, as a function or as a method."""

    name: str
    overloads: list[Overload] = field(default_factory=list)
    _found: dict[tuple[type, ...], Overload | None] = field(default_factory=dict)

    def overload(self, kinds: tuple[type, ...]) -> Overload:
        """Return the overload for values of these Python types. Raises EvaluationError."""
        try:
            found = self._found[kinds]
        except KeyError:
            found = next((one for one in self.overloads if one.takes(kinds)), None)
            self._found[kinds] = found
        if found is None:
            raise EvaluationError("no such overload")
        return found


_PYTHON_TYPES: dict[str, frozenset[type]] = {
    "bool": frozenset({bool}),
    "int": frozenset({int}),
    "uint": frozenset({values.UInt}),
    "double": frozenset({float}),
    "string": frozenset({str}),
    "bytes": frozenset({bytes}),
    "null": frozenset({type(None)}),
    "list": frozenset({list}),
    "map": frozenset({dict, values.LazyFields}),
    "timestamp": frozenset({values.Timestamp}),
    "duration": frozenset({values.Duration}),
    "optional_type": frozenset({values.Optional}),
    "type": frozenset({Type, types.ObjectType}),
}


class Functions:
    """A library of functions; another may be put on top of it."""

    def __init__(self) -> None:
        self._functions: dict[tuple[str, bool], Function] = {}
        self._kinds = dict(_PYTHON_TYPES)
        self.names: dict[str, Type] = {}  # of types that expressions may mention

    def knows(self, type_: Type, python_type: type) -> None:
        """Say which Python class holds the values of a library's own type."""
        self._kinds[type_.name] = frozenset({python_type})
        self.names[type_.name] = type_

    def add(
        self, name: str, signature: Signature, implementation: Callable[..., Any], cost: Cost | None = None
    ) -> None:
        found = self._functions.setdefault((name, signature.member), Function(name))
        kinds = tuple(self._kind(parameter) for parameter in signature.parameters)
        found.overloads.append(Overload(signature, implementation, cost, kinds))

    def find(self, name: str, member: bool) -> Function | None:
        return self._functions.get((name, member))

    def _kind(self, type_: Type) -> frozenset[type] | None:
        return None if type_ == types.DYN or types.is_parameter(type_) else self._kinds[type_.name]
