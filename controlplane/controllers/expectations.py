"""Creations and deletions that were asked for and that the cache has not shown yet.

A controller that counts objects in a cache would create them twice if it looked before the cache heard of the first.
So it notes what it is about to do and does not count again until the watch has told of all of it:

    expect_creations("default/web", 3) ─► POST, POST, POST          satisfied? no
    watch: ADDED web-a, web-b, web-c   ─► creation_observed, 3 times   satisfied? yes, count again
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from controlplane.kit.clock import Clock

K = TypeVar("K", bound=Hashable)

# Seconds after which an expectation is given up: a watch event this late never comes. Upstream's number.
_GIVE_UP_AFTER = 300.0


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations(Generic[K]):
    """By key of the owner; deletions by UID, because a deletion is told twice (marked, then gone)."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._expected: dict[K, _Expected] = {}

    def satisfied(self, key: K) -> bool:
        """Whether the cache has caught up with what was asked for `key`, or never will."""
        expected = self._expected.get(key)
        if expected is None:
            return True
        if expected.creations <= 0 and not expected.deletions:
            return True
        return self._clock.monotonic() - expected.since > _GIVE_UP_AFTER

    def expect_creations(self, key: K, count: int) -> None:
        self._expected[key] = _Expected(self._clock.monotonic(), creations=count)

    def expect_deletions(self, key: K, uids: Iterable[str]) -> None:
        self._expected[key] = _Expected(self._clock.monotonic(), deletions=set(uids))

    def creation_observed(self, key: K, count: int = 1) -> None:
        """`count` creations were seen, or turned out not to happen."""
        if expected := self._expected.get(key):
            expected.creations -= count

    def deletion_observed(self, key: K, uid: str) -> None:
        if expected := self._expected.get(key):
            expected.deletions.discard(uid)

    def forget(self, key: K) -> None:
        self._expected.pop(key, None)
