"""Values of expressions. JSON-like Python as it is; these classes are for what JSON does not have.

bool int float str bytes None list dict     themselves
uint                                        UInt
timestamp, duration                         Timestamp, Duration: nanoseconds
optional, type(x)                           Optional, types.Type
URLs, quantities, IP addresses...           classes with a `cel_type`, kept by the library that makes them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from controlplane.cel import types
from controlplane.cel.errors import EvaluationError
from controlplane.cel.types import Type

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
_SECOND = 1_000_000_000  # nanoseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_ONE, _YEAR_9999 = -62135596800 * _SECOND, 253402300800 * _SECOND - 1


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, in nanoseconds; at most 292 years, as Go's."""

    nanoseconds: int
    cel_type: ClassVar[Type] = types.DURATION

    @classmethod
    def checked(cls, nanoseconds: int) -> Duration:
        if not INT_MIN <= nanoseconds <= INT_MAX:
            raise EvaluationError("duration overflow")
        return cls(nanoseconds)

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read "1h2m3.5s", "-300ms". Raises EvaluationError."""
        if text in ("0", "+0", "-0"):
            return cls(0)
        if not _DURATION.fullmatch(text):
            raise EvaluationError(f'time: invalid duration "{text}"')
        total = 0
        for number, unit in _DURATION_PART.findall(text):
            whole, _, fraction = number.partition(".")
            scale = _UNITS[unit]
            total += int(whole or 0) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)
        return cls.checked(-total if text.startswith("-") else total)

    def __str__(self) -> str:
        sign, rest = ("-", -self.nanoseconds) if self.nanoseconds < 0 else ("", self.nanoseconds)
        seconds, fraction = divmod(rest, _SECOND)
        return f"{sign}{seconds}{_fraction(fraction)}s"


_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": _SECOND, "m": 60 * _SECOND,
          "h": 3600 * _SECOND}  # fmt: skip
_DURATION = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment: nanoseconds since 1970 UTC, years 1 to 9999."""

    nanoseconds: int
    cel_type: ClassVar[Type] = types.TIMESTAMP

    @classmethod
    def checked(cls, nanoseconds: int) -> Timestamp:
        if not _YEAR_ONE <= nanoseconds <= _YEAR_9999:
            raise EvaluationError("timestamp overflow")
        return cls(nanoseconds)

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Read RFC 3339, with fractions up to nanoseconds. Raises EvaluationError."""
        match = _TIMESTAMP.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            *date, fraction, zone = match.groups()
            moment = datetime(*(int(one) for one in date), tzinfo=UTC)  # type: ignore[misc,arg-type]
            if zone not in "Zz":
                shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
                moment = moment + shift if zone[0] == "-" else moment - shift
        except (ValueError, OverflowError) as error:
            raise EvaluationError(f'invalid timestamp "{text}": it is not RFC 3339') from error
        since = moment - _EPOCH
        return cls.checked((since.days * 86400 + since.seconds) * _SECOND + int((fraction or "0")[:9].ljust(9, "0")))

    def moment(self) -> datetime:
        """Return the same as a datetime in UTC, to the microsecond below."""
        return _EPOCH + timedelta(microseconds=self.nanoseconds // 1000)

    def __str__(self) -> str:
        return f"{self.moment():%Y-%m-%dT%H:%M:%S}{_fraction(self.nanoseconds % _SECOND)}Z".rjust(20, "0")


@dataclass(frozen=True, slots=True)
class Optional:
    """A value, or none; `Optional.none` has nothing inside."""

    inner: Any = None
    present: bool = True
    cel_type: ClassVar[Type] = types.optional_of(types.DYN)


NONE = Optional(None, False)


class ObjectValue(dict[str, Any]):
    """An object that an expression has written, `Name{field: value}`."""

    def __init__(self, name: str, fields: Mapping[str, Any]):
        super().__init__(fields)
        self.cel_type = Type(name)


class LazyFields:
    """An object whose fields are made when first read, as `variables.x` is."""

    cel_type = types.map_of(types.STRING, types.DYN)

    def __init__(self, makers: Mapping[str, Callable[[], Any]]):
        self._makers, self._made = makers, dict[str, Any]()

    def has(self, name: str) -> bool:
        return name in self._makers

    def get(self, name: str) -> Any:
        """Return a field. Raises EvaluationError, again each time for a field that could not be made."""
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]


_KINDS: dict[type, Type] = {
    bool: types.BOOL,
    int: types.INT,
    UInt: types.UINT,
    float: types.DOUBLE,
    str: types.STRING,
    bytes: types.BYTES,
    type(None): types.NULL,
    list: types.list_of(types.DYN),
    dict: types.map_of(types.DYN, types.DYN),
    Type: types.type_of(types.DYN),
}


def type_of_value(value: Any) -> Type:
    """Return what `type(value)` is."""
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if isinstance(value, Type):
        return types.type_of(types.DYN)
    found: Type = value.cel_type
    return found


def equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal: numbers by value whatever their type, others only within their type."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind is list:
            return len(left) == len(right) and all(map(equal, left, right))
        if kind is dict:
            return len(left) == len(right) and all(
                key in right and equal(value, right[key]) for key, value in left.items()
            )
        if kind is Optional:
            return left.present == right.present and equal(left.inner, right.inner)
        return bool(left == right)
    if kind is bool or other is bool:
        return False
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return False


def plain(value: Any) -> Any:
    """Return a value as JSON-like Python: what the caller of a program is given."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, UInt):
        return int(value)
    if isinstance(value, Timestamp | Duration):
        return str(value)
    return value
