"""The values of recent revisions: what is written again soon need not be read first."""

from __future__ import annotations

from collections import OrderedDict

_BUDGET = 16 * 1024 * 1024  # bytes of values


class ValueCache:
    """Values by revision; the least recently used go first. A revision's value never changes, so none is ever stale."""

    def __init__(self, budget: int = _BUDGET):
        self._values: OrderedDict[int, bytes] = OrderedDict()
        self._budget, self._held = budget, 0

    def get(self, revision: int) -> bytes | None:
        value = self._values.get(revision)
        if value is not None:
            self._values.move_to_end(revision)
        return value

    def put(self, revision: int, value: bytes) -> None:
        if revision in self._values:
            return
        self._values[revision] = value
        self._held += len(value)
        while self._held > self._budget:
            self._held -= len(self._values.popitem(last=False)[1])

    def drop(self, revision: int) -> None:
        """Forget a revision that another has replaced: hardly anybody asks for it again."""
        self._held -= len(self._values.pop(revision, b""))
