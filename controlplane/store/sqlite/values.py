"""The values of recent writes: what is written again soon need not be read first."""

from __future__ import annotations

from collections import OrderedDict

_BUDGET = 4 * 1024 * 1024  # bytes of values; one that is missing is read by the thread that writes the next one


class ValueCache:
    """Values by position; the least recently used go first. A written value never changes, so none is stale."""

    def __init__(self, budget: int = _BUDGET):
        self._values: OrderedDict[int, bytes] = OrderedDict()
        self._budget, self._held = budget, 0

    def get(self, position: int) -> bytes | None:
        value = self._values.get(position)
        if value is not None:
            self._values.move_to_end(position)
        return value

    def put(self, position: int, value: bytes) -> None:
        if position in self._values:
            return
        self._values[position] = value
        self._held += len(value)
        while self._held > self._budget:
            self._held -= len(self._values.popitem(last=False)[1])

    def drop(self, position: int) -> None:
        """Forget a write that another has replaced: hardly anybody asks for it again."""
        self._held -= len(self._values.pop(position, b""))
