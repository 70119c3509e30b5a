"""The indexes of an Indexed Job as its status and its policies write them: "1,3-5,7".

parse("1,3-5", 10) == [(1, 1), (3, 5)]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""First and last index, both included."""


class IndexesError(ValueError):
    """Indexes that cannot be read, in upstream's words."""


def parse(text: str, completions: int) -> list[Interval]:
    """Return the intervals of a text, in order. Raises IndexesError."""
    intervals: list[Interval] = []
    for part in text.split(",") if text else ():
        first, last = _interval(part, completions)
        if intervals and intervals[-1][1] >= first:
            raise IndexesError(f"non-increasing order, previous: {intervals[-1][1]}, current: {first}")
        intervals.append((first, last))
    return intervals


def count(intervals: Sequence[Interval]) -> int:
    return sum(last - first + 1 for first, last in intervals)


def overlap(some: Sequence[Interval], others: Sequence[Interval]) -> int | None:
    """Return the first index that is in both."""
    shared = [max(a, c) for a, b in some for c, d in others if a <= d and c <= b]
    return min(shared, default=None)


def _interval(text: str, completions: int) -> Interval:
    parts = text.split("-")
    if len(parts) > 2:
        raise IndexesError(
            f'the fragment "{text}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    numbers = [_index(part, completions) for part in parts]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise IndexesError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"\+?[0-9]+", text, re.ASCII):
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise IndexesError(f'too large index: "{text}"')
    return int(text)
