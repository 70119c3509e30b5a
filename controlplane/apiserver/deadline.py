"""How long a request may take: as its `timeout` parameter says, but no longer than the server allows."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType

from controlplane.api.status import BadRequest, Timeout
from controlplane.apiserver.messages import Query

_PART = re.compile(r"([0-9]*\.?[0-9]*)([^0-9.]*)", re.ASCII)
# Seconds by unit, as Go's time.ParseDuration has them.
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Deadline:
    """Cancels what the current task does within the block after some seconds, which then raises Timeout; None: never.

    `asyncio.timeout` for a block that nobody reschedules, at half its price: every request has one.
    """

    __slots__ = ("_alarm", "_cancelled_before", "_rang", "_seconds", "_task")

    def __init__(self, seconds: float | None):
        self._seconds, self._rang = seconds, False
        self._alarm: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        task = asyncio.current_task()
        assert task is not None, "only a task can be cancelled"
        self._task, self._cancelled_before = task, task.cancelling()
        self._alarm = asyncio.get_running_loop().call_later(self._seconds, self._ring)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._alarm is None:
            return
        self._alarm.cancel()
        # Whoever else cancelled the task meanwhile is not to be kept from it.
        if self._rang and self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise Timeout("Timeout: request did not complete within the allotted timeout") from error

    def _ring(self) -> None:
        self._rang = True
        self._task.cancel()


def seconds_of(query: Query, longest: float) -> float:
    """Return the seconds a request may take; zero and less mean that the caller does not mind. Raises BadRequest."""
    text = query.get("timeout") if query.pairs else ""
    if not text:
        return longest
    try:
        wanted = parse_duration(text)
    except ValueError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from error
    return wanted if 0 < wanted < longest else longest


def parse_duration(text: str) -> float:
    """Return the seconds of a duration as Go writes it: 1h15m, -1.5s. Raises ValueError, in Go's words."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    seconds, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        assert part is not None, "the pattern matches nothing, too"
        number, unit = part.groups()
        if not number.strip("."):
            break
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        seconds += float(number) * _UNITS[unit]
        position = part.end()
    if not rest or position < len(rest):
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * seconds
