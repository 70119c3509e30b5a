"""The functions of the language itself: arithmetic, comparison, conversion, size, text tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from controlplane.cel import costs, types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.patterns import compiled
from controlplane.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST_A,
    MAP_AB,
    STRING,
    TIMESTAMP,
    UINT,
    A,
    Type,
)
from controlplane.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    Timestamp,
    UInt,
    type_of_value,
)

_SECOND = 1_000_000_000


def add_to(functions: Functions) -> None:
    _add_operators(functions)
    _add_comparisons(functions)
    _add_conversions(functions)
    for argument in (STRING, BYTES, LIST_A, MAP_AB):
        functions.add("size", function(argument, gives=INT), len)
        functions.add("size", method(argument, gives=INT), len)
    functions.add("contains", method(STRING, STRING, gives=BOOL), lambda text, part: part in text, costs.of_product)
    functions.add("startsWith", method(STRING, STRING, gives=BOOL), str.startswith, costs.of_second)
    functions.add("endsWith", method(STRING, STRING, gives=BOOL), str.endswith, costs.of_second)
    for signature in (function(STRING, STRING, gives=BOOL), method(STRING, STRING, gives=BOOL)):
        functions.add(
            "matches", signature, lambda text, pattern: compiled(pattern).search(text) is not None, costs.of_regex
        )


# --- arithmetic


def _int(number: int) -> int:
    if not INT_MIN <= number <= INT_MAX:
        raise EvaluationError("integer overflow")
    return number


def _uint(number: int) -> UInt:
    if not 0 <= number <= UINT_MAX:
        raise EvaluationError("unsigned integer overflow")
    return UInt(number)


def _divide(left: int, right: int) -> int:
    """Divide as Go does, towards zero."""
    if right == 0:
        raise EvaluationError("division by zero")
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("modulus by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _divide_floats(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right


def _add_operators(functions: Functions) -> None:
    add = functions.add
    whole: dict[str, Callable[[int, int], int]] = {
        "_+_": lambda a, b: int(a) + int(b),
        "_-_": lambda a, b: int(a) - int(b),
        "_*_": lambda a, b: int(a) * int(b),
        "_/_": _divide,
        "_%_": _modulo,
    }
    for name, work in whole.items():
        add(name, function(INT, INT, gives=INT), lambda a, b, work=work: _int(work(a, b)))
        add(name, function(UINT, UINT, gives=UINT), lambda a, b, work=work: _uint(work(a, b)))
    add("_+_", function(DOUBLE, DOUBLE, gives=DOUBLE), lambda a, b: a + b)
    add("_-_", function(DOUBLE, DOUBLE, gives=DOUBLE), lambda a, b: a - b)
    add("_*_", function(DOUBLE, DOUBLE, gives=DOUBLE), lambda a, b: a * b)
    add("_/_", function(DOUBLE, DOUBLE, gives=DOUBLE), _divide_floats)
    add("_+_", function(STRING, STRING, gives=STRING), lambda a, b: a + b, costs.of_sum)
    add("_+_", function(BYTES, BYTES, gives=BYTES), lambda a, b: a + b, costs.of_sum)
    add("_+_", function(LIST_A, LIST_A, gives=LIST_A), lambda a, b: a + b)
    add(
        "_+_",
        function(DURATION, DURATION, gives=DURATION),
        lambda a, b: Duration.checked(a.nanoseconds + b.nanoseconds),
    )
    add(
        "_+_",
        function(TIMESTAMP, DURATION, gives=TIMESTAMP),
        lambda a, b: Timestamp.checked(a.nanoseconds + b.nanoseconds),
    )
    add(
        "_+_",
        function(DURATION, TIMESTAMP, gives=TIMESTAMP),
        lambda a, b: Timestamp.checked(a.nanoseconds + b.nanoseconds),
    )
    add(
        "_-_",
        function(DURATION, DURATION, gives=DURATION),
        lambda a, b: Duration.checked(a.nanoseconds - b.nanoseconds),
    )
    add(
        "_-_",
        function(TIMESTAMP, DURATION, gives=TIMESTAMP),
        lambda a, b: Timestamp.checked(a.nanoseconds - b.nanoseconds),
    )
    add(
        "_-_",
        function(TIMESTAMP, TIMESTAMP, gives=DURATION),
        lambda a, b: Duration.checked(a.nanoseconds - b.nanoseconds),
    )
    add("-_", function(INT, gives=INT), lambda a: _int(-a))
    add("-_", function(DOUBLE, gives=DOUBLE), lambda a: -a)
    add("-_", function(DURATION, gives=DURATION), lambda a: Duration.checked(-a.nanoseconds))
    add("!_", function(BOOL, gives=BOOL), lambda a: not a)
    # What is special to evaluation (`plan.py`) is declared for the checker.
    for name in ("_==_", "_!=_"):
        add(name, function(A, A, gives=BOOL), _special)
    for name in ("_&&_", "_||_"):
        add(name, function(BOOL, BOOL, gives=BOOL), _special)
    add("@in", function(A, LIST_A, gives=BOOL), _special)
    add("@in", function(A, MAP_AB, gives=BOOL), _special)


def _special(*_: Any) -> Any:
    raise AssertionError("evaluated by its own step")


# --- comparison


def _add_comparisons(functions: Functions) -> None:
    orders: dict[str, Callable[[Any, Any], bool]] = {
        "_<_": lambda a, b: bool(a < b),
        "_<=_": lambda a, b: bool(a <= b),
        "_>_": lambda a, b: bool(a > b),
        "_>=_": lambda a, b: bool(a >= b),
    }
    numbers = (INT, UINT, DOUBLE)
    for name, order in orders.items():
        for one in (BOOL, STRING, BYTES, TIMESTAMP, DURATION):
            functions.add(name, function(one, one, gives=BOOL), order, costs.of_smaller)
        for left in numbers:
            for right in numbers:
                functions.add(name, function(left, right, gives=BOOL), order)


# --- conversion


def _no_conversion(value: Any, wanted: str) -> EvaluationError:
    kind = str(type_of_value(value))
    return EvaluationError(f"type conversion error from '{kind}' to '{wanted}'")


def _to_int(value: Any) -> int:
    if isinstance(value, float):
        if not -(2**63) < value < 2**63:  # also refuses what is no number
            raise EvaluationError("integer overflow")
        return int(value)
    if isinstance(value, Timestamp | Duration):
        return value.nanoseconds // _SECOND if isinstance(value, Timestamp) else value.nanoseconds
    if isinstance(value, str):
        return _int(_digits(value, "int"))
    return _int(int(value))


def _to_uint(value: Any) -> UInt:
    if isinstance(value, float):
        if not 0 <= value < 2**64:
            raise EvaluationError("unsigned integer overflow")
        return UInt(value)
    return _uint(_digits(value, "uint") if isinstance(value, str) else int(value))


def _digits(text: str, wanted: str) -> int:
    digits = text[1:] if text[:1] in ("-", "+") and wanted == "int" else text
    if not (digits.isascii() and digits.isdigit()):
        raise _no_conversion(text, wanted)
    return int(text)


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _no_conversion(value, "double") from error


_TRUTHS = {"true": True, "True": True, "TRUE": True, "t": True, "T": True, "1": True,
           "false": False, "False": False, "FALSE": False, "f": False, "F": False, "0": False}  # fmt: skip


def _to_bool(value: Any) -> bool:
    if value in _TRUTHS:
        return _TRUTHS[value]
    raise _no_conversion(value, "bool")


def to_string(value: Any) -> str:
    """Return what `string(value)` gives."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return show_float(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from error
    return str(value)


def show_float(value: float) -> str:
    """Return a number as Go's strconv writes it with the fewest digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].rjust(2, '0')}"


def _add_conversions(functions: Functions) -> None:
    conversions: list[tuple[str, tuple[Type, ...], Type, Callable[[Any], Any]]] = [
        ("int", (INT, UINT, DOUBLE, STRING, TIMESTAMP, DURATION), INT, _to_int),
        ("uint", (UINT, INT, DOUBLE, STRING), UINT, _to_uint),
        ("double", (DOUBLE, INT, UINT, STRING), DOUBLE, _to_double),
        ("string", (STRING, BOOL, INT, UINT, DOUBLE, BYTES, TIMESTAMP, DURATION), STRING, to_string),
        ("bytes", (BYTES, STRING), BYTES, lambda value: value.encode() if isinstance(value, str) else value),
        ("bool", (BOOL, STRING), BOOL, _to_bool),
        ("timestamp", (TIMESTAMP, STRING, INT), TIMESTAMP, _to_timestamp),
        ("duration", (DURATION, STRING, INT), DURATION, _to_duration),
        ("dyn", (A,), DYN, lambda value: value),
    ]
    for name, arguments, result, convert in conversions:
        for argument in arguments:
            cost = costs.of_first if argument in (STRING, BYTES) else None
            functions.add(name, function(argument, gives=result), convert, cost)
    functions.add("type", function(A, gives=types.type_of(A)), type_of_value)


def _to_timestamp(value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    return Timestamp.parse(value) if isinstance(value, str) else Timestamp.checked(value * _SECOND)


def _to_duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    return Duration.parse(value) if isinstance(value, str) else Duration.checked(value)
