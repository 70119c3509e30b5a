"""Many requests of one kind: one, then two, then four at once, for as long as all succeed.

A quota or a webhook that refuses the first of five hundred pods refuses them all: it should be asked once, not
five hundred times. When all is well the doubling costs little: fifty take six round trips.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far it went: `succeeded` of those tried, `skipped` never tried, and the first failure."""

    succeeded: int
    skipped: int
    failure: Exception | None = None


async def slow_start(count: int, attempt: Callable[[], Awaitable[None]]) -> Outcome:
    """Call `attempt` up to `count` times, in batches that double, and stop after a batch with a failure."""
    succeeded, size = 0, 1
    left = count
    while left:
        size = min(size, left)
        results = await asyncio.gather(*(attempt() for _ in range(size)), return_exceptions=True)
        left -= size
        failures = [result for result in results if isinstance(result, BaseException)]
        succeeded += size - len(failures)
        if failures:
            return Outcome(succeeded, left, _first(failures))
        size *= 2
    return Outcome(succeeded, 0)


def _first(failures: list[BaseException]) -> Exception:
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure  # cancelled: the process is ending
    first = failures[0]
    assert isinstance(first, Exception)
    return first
