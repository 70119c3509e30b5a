"""Searching text by pattern: `find` and `findAll`."""

from __future__ import annotations

from typing import Any

from controlplane.cel import costs, types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, method
from controlplane.cel.patterns import PatternError, compile_pattern
from controlplane.cel.types import INT, STRING


def _find(text: str, pattern: str) -> str:
    match = _for_find(pattern).search(text)
    return "" if match is None else str(match.group())


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found: list[str] = []
    for match in _for_find(pattern).finditer(text):
        if 0 <= limit <= len(found):
            break
        found.append(match.group())
    return found


def _for_find(pattern: str) -> Any:
    try:
        return compile_pattern(pattern)
    except PatternError as error:
        raise EvaluationError(f"Illegal regex: error parsing regexp: {error}") from error


def add_to(functions: Functions) -> None:
    found = types.list_of(STRING)
    functions.add("find", method(STRING, STRING, gives=STRING), _find, costs.of_regex)
    functions.add("findAll", method(STRING, STRING, gives=found), _find_all, costs.of_regex)
    functions.add("findAll", method(STRING, STRING, INT, gives=found), _find_all, costs.of_regex)
