"""The types of expressions: what the checker reasons with, and what `type(x)` returns.

Primitive types are constants (INT, STRING, DYN...); the others are made: `list_of(STRING)`, `map_of(STRING, INT)`,
`ObjectType("name", {"field": Field(STRING)})`. They print as upstream's checker prints them in its messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Type:
    """A type by name, with the types it is made of: `Type("list", (INT,))`."""

    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(map(str, self.parameters))})"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object type; `name` is its key in the document, where it differs from the name in expressions."""

    type: Type
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectType(Type):
    """An object with known fields. Two are the same type if they have the same name."""

    fields: Mapping[str, Field] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectType) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


DYN = Type("dyn")
ERROR = Type("!error!")  # of an expression that has been reported already
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
NULL = Type("null")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
A, B = Type("<A>"), Type("<B>")  # whatever is given, the same in every place of one declaration
LIST_A, MAP_AB = Type("list", (A,)), Type("map", (A, B))


def list_of(element: Type) -> Type:
    return Type("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def optional_of(inner: Type) -> Type:
    return Type("optional_type", (inner,))


def type_of(inner: Type) -> Type:
    return Type("type", (inner,))


def is_parameter(type_: Type) -> bool:
    return type_.name.startswith("<")


_PRIMITIVES = frozenset({"bool", "int", "uint", "double", "string", "bytes"})


class Substitution(dict[Type, Type]):
    """What the parameters of declarations stand for, found while types are compared."""

    def resolve(self, type_: Type) -> Type:
        """Return `type_` with every parameter that is known replaced."""
        while is_parameter(type_) and type_ in self:
            type_ = self[type_]
        if not type_.parameters or isinstance(type_, ObjectType):
            return type_
        return Type(type_.name, tuple(self.resolve(one) for one in type_.parameters))

    def settle(self, type_: Type) -> Type:
        """Return the same; what is still unknown is dyn."""
        type_ = self.resolve(type_)
        if is_parameter(type_):
            return DYN
        if not type_.parameters or isinstance(type_, ObjectType):
            return type_
        return Type(type_.name, tuple(self.settle(one) for one in type_.parameters))

    def accepts(self, expected: Type, given: Type) -> bool:
        """Return whether a `given` value may stand where `expected` is asked for; learns what parameters are."""
        expected, given = self.resolve(expected), self.resolve(given)
        if expected == given:
            return True
        if is_parameter(expected):
            return self._learn(expected, given)
        if is_parameter(given):
            return self._learn(given, expected)
        if DYN in (expected, given) or ERROR in (expected, given):
            return True
        if given == NULL:
            return expected.name not in _PRIMITIVES and expected.name not in ("list", "map", "type")
        if expected.name == "type" and given.name == "type" and not (expected.parameters and given.parameters):
            return True
        if expected.name != given.name or len(expected.parameters) != len(given.parameters):
            return False
        return all(self.accepts(e, g) for e, g in zip(expected.parameters, given.parameters, strict=True))

    def _learn(self, parameter: Type, type_: Type) -> bool:
        if _mentions(type_, parameter):
            return False
        self[parameter] = type_
        return True


def _mentions(type_: Type, parameter: Type) -> bool:
    return type_ == parameter or any(_mentions(one, parameter) for one in type_.parameters)


def join(left: Type, right: Type, known: Substitution) -> Type | None:
    """Return the type that holds both, or None: there is only dyn."""
    attempt = Substitution(known)
    if attempt.accepts(left, right):
        known.update(attempt)
        return DYN if DYN in (known.resolve(left), known.resolve(right)) else left
    attempt = Substitution(known)
    if attempt.accepts(right, left):
        known.update(attempt)
        return right
    return None
