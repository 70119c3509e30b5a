"""Parts of timestamps and durations, in UTC or in a named time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo

from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, method
from controlplane.cel.types import DURATION, INT, STRING, TIMESTAMP
from controlplane.cel.values import Duration, Timestamp

_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}
_LENGTHS = {"getHours": 3_600_000_000_000, "getMinutes": 60_000_000_000, "getSeconds": 1_000_000_000}


def add_to(functions: Functions) -> None:
    for name, part in _PARTS.items():
        functions.add(name, method(TIMESTAMP, gives=INT), lambda time, part=part: part(time.moment()))
        functions.add(name, method(TIMESTAMP, STRING, gives=INT), lambda time, zone, part=part: part(_in(time, zone)))
    functions.add("getMilliseconds", method(TIMESTAMP, gives=INT), _milliseconds)
    functions.add("getMilliseconds", method(TIMESTAMP, STRING, gives=INT), lambda time, _: _milliseconds(time))
    for name, length in _LENGTHS.items():
        functions.add(
            name, method(DURATION, gives=INT), lambda lasting, length=length: _whole(lasting.nanoseconds, length)
        )
    functions.add("getMilliseconds", method(DURATION, gives=INT), _rest)


def _milliseconds(time: Timestamp) -> int:
    return time.nanoseconds % 1_000_000_000 // 1_000_000


def _rest(lasting: Duration) -> int:
    return _whole(lasting.nanoseconds, 1_000_000)


def _whole(nanoseconds: int, unit: int) -> int:
    return abs(nanoseconds) // unit * (-1 if nanoseconds < 0 else 1)


def _in(time: Timestamp, zone: str) -> datetime:
    return time.moment().astimezone(_zone(zone))


def _zone(name: str) -> tzinfo:
    import zoneinfo

    sign, digits = (-1 if name[:1] == "-" else 1), name.lstrip("+-")
    hours, colon, minutes = digits.partition(":")
    try:
        if colon:
            return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise EvaluationError(f"unknown time zone {name}") from error
    except KeyError as error:
        raise EvaluationError(f"unknown time zone {name}") from error
