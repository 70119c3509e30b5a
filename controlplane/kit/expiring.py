"""A memory of what was found out, for as long as it may be believed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from controlplane.kit.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Keeps up to `capacity` values, each for its own time; the one that was asked for longest ago goes first."""

    def __init__(self, capacity: int, clock: Clock):
        self._capacity, self._clock = capacity, clock
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found[1] <= self._clock.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, seconds: float) -> None:
        if seconds <= 0:
            return
        self._kept[key] = value, self._clock.monotonic() + seconds
        self._kept.move_to_end(key)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
