"""The tree of an expression, macros already recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """`offset` is where messages point to."""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Any


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`operand.field`; `test` for `has(operand.field)`, `optional` for `operand.?field`."""

    operand: Node
    field: str
    test: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`operand[index]`, or `operand[?index]`."""

    operand: Node
    index: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class CallNode(Node):
    """A function or an operator (`_+_`); `target` is what is before the dot of a method."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    elements: tuple[Node, ...]
    optional: frozenset[int] = frozenset()  # which elements are written ?x


@dataclass(frozen=True, slots=True)
class Entry:
    key: Node
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MapNode(Node):
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    offset: int
    field: str
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ObjectNode(Node):
    """`Name{field: value}`."""

    name: str
    entries: tuple[ObjectEntry, ...]


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """A macro that walks a list or the keys of a map, or with two variables also their values.

    `macro`: all, exists, exists_one, filter, map, transformList, transformMap, transformMapEntry, optMap, optFlatMap,
    sortBy. `condition` decides, or chooses what is transformed (None: everything); `result` is what becomes of it.
    """

    macro: str
    range: Node
    variable: str
    second: str
    condition: Node | None
    result: Node | None
