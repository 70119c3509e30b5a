r"""JSON paths as definitions use them: printer columns, selectable fields, scale.

    parse_path('.status.conditions[?(@.type=="Ready")].status')(document)      ["True"]

A key with a dot in it is written `foo\.bar` or `['foo.bar']`; `[*]` is every element, `[0]`, `[-1]`, `[1:3]` some. What
is not there is no mistake: nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

Step: TypeAlias = Callable[[Any], Iterator[Any]]
Find: TypeAlias = Callable[[Any], list[Any]]

_KEY = re.compile(r"\.?((?:\\.|[^.\[\\])+)")
_BRACKET = re.compile(r"\[(?:'((?:\\.|[^'])*)'|\"((?:\\.|[^\"])*)\"|(\*)|(-?\d+)|(-?\d*):(-?\d*)|\?\((.*?)\))\]")
_FILTER = re.compile(r"\s*@((?:\.[^=<>!\s]+|\[[^\]]*\])*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class PathError(ValueError):
    """No path that is understood here."""


def parse_path(path: str) -> Find:
    """Return what finds the values at a path. Raises PathError."""
    steps = list(_steps(path))

    def find(value: Any) -> list[Any]:
        found = [value]
        for step in steps:
            found = [inner for one in found for inner in step(one)]
        return found

    return find


def _steps(path: str) -> Iterator[Step]:
    position = 0
    while position < len(path) and path[position:] != ".":
        if match := _BRACKET.match(path, position):
            yield _bracket(match)
        elif (match := _KEY.match(path, position)) and not path.startswith("..", position):
            name = re.sub(r"\\(.)", r"\1", match[1])
            yield _every if name == "*" else _key(name)
        else:
            raise PathError(f"unrecognized path: {path[position:]}")
        position = match.end()


def _key(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, list | dict):
        yield from value.values() if isinstance(value, dict) else value


def _bracket(match: re.Match[str]) -> Step:
    single, double, every, index, start, end, condition = match.groups()
    if single is not None or double is not None:
        return _key(re.sub(r"\\(.)", r"\1", single if single is not None else double))
    if every:
        return _every
    if condition is not None:
        return _filter(condition)
    if index is not None:
        return _slice(int(index), int(index) + 1 or None)
    return _slice(int(start) if start else None, int(end) if end else None)


def _slice(start: int | None, end: int | None) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[start:end]

    return step


def _filter(condition: str) -> Step:
    match = _FILTER.fullmatch(condition)
    if match is None:
        raise PathError(f"unrecognized filter: {condition}")
    find, operator = parse_path(match[1]), match[2]
    wanted = _literal(match[3]) if operator else None

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from (one for one in value if _fits(find(one), operator, wanted))

    return step


def _fits(found: Iterable[Any], operator: str | None, wanted: Any) -> bool:
    for one in found:
        if not operator:
            return True
        try:
            return _COMPARISONS[operator](one, wanted)
        except TypeError:
            return False
    return False


def _literal(text: str) -> Any:
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise PathError(f"unrecognized literal: {text}") from error
