"""Schedules of CronJobs: the five fields of crontab, and the words that stand for them.

    parse("*/15 0-6 * * mon-fri")      minutes {0, 15, 30, 45}, hours {0, ..., 6}, weekdays {1, ..., 5}
    parse("@daily")                    the same as "0 0 * * *"
    parse("@every 1h30m")              5400 seconds from the last time

Upstream reads them with robfig/cron v3 (`ParseStandard`); refusals are in that library's words, since users meet them.
A schedule here has no time zone of its own: CronJobs have a field for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@dataclass(frozen=True, slots=True)
class _Field:
    """The bounds of one field and the names its values may have."""

    low: int
    high: int
    names: Mapping[str, int]


_FIELDS = (
    _Field(0, 59, {}),
    _Field(0, 23, {}),
    _Field(1, 31, {}),
    _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    _Field(0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"[+-]?((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")
_AMOUNT = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_ZONE = re.compile(r"(?:CRON_)?TZ=[^ ]* +")


class CronError(ValueError):
    """A schedule that cannot be read, with robfig's words for why."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a CronJob runs: at the times that match every field, or every so many seconds.

    If both the day of the month and the weekday are restricted, either may match: `any_day`, `any_weekday` say which
    of them was written as a star.
    """

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()  # 0 is Sunday
    any_day: bool = False
    any_weekday: bool = False
    every: int = 0  # seconds


def parse(text: str) -> Schedule:
    """Return the schedule of a text. Raises CronError."""
    if not text:
        raise CronError("empty spec string")
    text = _ZONE.sub("", text, count=1) if text.startswith(("TZ=", "CRON_TZ=")) else text
    if text.startswith("@"):
        return _word(text)
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise CronError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    values = [_field(one, bounds) for one, bounds in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = (frozenset(numbers) for numbers, _ in values)
    return Schedule(minutes, hours, days, months, weekdays, any_day=values[2][1], any_weekday=values[4][1])


def _word(text: str) -> Schedule:
    if text in _WORDS:
        return parse(_WORDS[text])
    if text.startswith(_EVERY):
        return Schedule(every=max(1, int(_seconds(text))))  # below a second is rounded up to one, fractions are dropped
    raise CronError(f"unrecognized descriptor: {text}")


def _seconds(text: str) -> float:
    duration = text.removeprefix(_EVERY)
    if duration in ("0", "+0", "-0"):
        return 0
    if not _DURATION.fullmatch(duration):
        raise CronError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
    total = sum(float(number) * _UNITS[unit] for number, unit in _AMOUNT.findall(duration))
    return -total if duration.startswith("-") else total


def _field(text: str, bounds: _Field) -> tuple[set[int], bool]:
    """Return the values of a comma-separated field, and whether one of its parts is a plain star."""
    numbers: set[int] = set()
    star = False
    for part in text.split(","):
        if part:  # robfig drops empty ones
            more, is_star = _range(part, bounds)
            numbers |= more
            star = star or is_star
    return numbers, star


def _range(text: str, bounds: _Field) -> tuple[set[int], bool]:
    """Read `*`, `?`, `5`, `5-10`, each with or without a `/step`."""
    span, *steps = text.split("/")
    low_text, *high_texts = span.split("-")
    star = low_text in ("*", "?")
    if star:
        low, high = bounds.low, bounds.high
    else:
        low = _value(low_text, bounds.names)
        if len(high_texts) > 1:
            raise CronError(f"too many hyphens: {text}")
        high = _value(high_texts[0], bounds.names) if high_texts else low
    if len(steps) > 1:
        raise CronError(f"too many slashes: {text}")
    step = _number(steps[0]) if steps else 1
    if steps and not star and not high_texts:
        high = bounds.high  # "5/15" begins at 5 and goes on to the end
    _check(text, bounds, low, high, step)
    return set(range(low, high + 1, step)), star and step == 1


def _check(text: str, bounds: _Field, low: int, high: int, step: int) -> None:
    if low < bounds.low:
        raise CronError(f"beginning of range ({low}) below minimum ({bounds.low}): {text}")
    if high > bounds.high:
        raise CronError(f"end of range ({high}) above maximum ({bounds.high}): {text}")
    if low > high:
        raise CronError(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {text}")


def _value(text: str, names: Mapping[str, int]) -> int:
    return names[text.lower()] if text.lower() in names else _number(text)


def _number(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]+", text, re.ASCII):
        raise CronError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number
