"""`"%s is %d".format([...])`: the clauses of cel-go's string formatting."""

from __future__ import annotations

import math
import re
from typing import Any

from controlplane.cel.errors import EvaluationError
from controlplane.cel.library.standard import show_float, to_string
from controlplane.cel.types import Type
from controlplane.cel.values import Duration, Timestamp, UInt, type_of_value

_CLAUSE = re.compile(r"%(?:(%)|(?:\.(\d+))?([sdfebxXo])|(.?))", re.DOTALL)


def render(text: str, arguments: list[Any]) -> str:
    """Return the text with its clauses filled in. Raises EvaluationError."""
    remaining = iter(enumerate(arguments))

    def fill(match: re.Match[str]) -> str:
        percent, precision, clause, wrong = match.groups()
        if percent:
            return "%"
        if wrong is not None:
            raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{wrong}"')
        index, value = next(remaining, (len(arguments), None))
        if index >= len(arguments):
            raise EvaluationError(f"index {index} out of range")
        return _clause(clause, None if precision is None else int(precision), value)

    return _CLAUSE.sub(fill, text)


def _clause(clause: str, precision: int | None, value: Any) -> str:
    if clause == "s":
        return _text(value)
    if clause == "d":
        return _decimal(value)
    if clause in "fe":
        return _float(clause, 6 if precision is None else precision, value)
    if clause == "b" and isinstance(value, bool):
        return "1" if value else "0"
    if clause in "xX" and isinstance(value, str | bytes):
        digits = (value.encode() if isinstance(value, str) else value).hex()
        return digits.upper() if clause == "X" else digits
    if isinstance(value, int) and not isinstance(value, bool):
        return format(int(value), clause)
    raise _refused(clause, value)


def _refused(clause: str, value: Any) -> EvaluationError:
    allowed = {
        "d": "decimal clause can only be used on integers",
        "f": "fixed-point clause can only be used on doubles",
        "e": "scientific clause can only be used on doubles",
        "b": "only integers and bools can be formatted as binary",
        "o": "octal clause can only be used on integers",
        "s": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, "
        "and timestamps",
    }.get(clause, "only integers, byte buffers, and strings can be formatted as hex")
    return EvaluationError(f"error during formatting: {allowed}, was given {type_of_value(value)}")


def _decimal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return show_float(value).replace("+Inf", "Infinity").replace("-Inf", "-Infinity")
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refused("d", value)
    return str(int(value))


def _float(clause: str, precision: int, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(clause, value)
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return f"{number:.{precision}{clause}}"


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            return "{" + ", ".join(sorted(f"{_text(key)}: {_text(one)}" for key, one in value.items())) + "}"
        case str() | bool() | int() | UInt() | float() | bytes() | Timestamp() | Duration():
            return to_string(value)
        case Type():
            return str(value)
        case _:
            raise _refused("s", value)
