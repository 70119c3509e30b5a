"""Ranges of keys, and the index of what each key holds now."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from controlplane.store.interface import Entry

_LAST = "\U0010ffff"


def prefix_end(prefix: str) -> str | None:
    """Return the first text after everything that starts with `prefix`; None when there is none.

    Text compares by code point here and by UTF-8 bytes in SQLite, which is the same order.
    """
    stem = prefix.rstrip(_LAST)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:  # surrogates have no UTF-8 form
        following = 0xE000
    return stem[:-1] + chr(following)


class Keyspace:
    """Every key there is now, in order, and its entry: the part of a store that is kept in memory."""

    def __init__(self, entries: dict[str, Entry] | None = None) -> None:
        self._entries = entries or {}
        self._order = sorted(self._entries)

    def __len__(self) -> int:
        return len(self._order)

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def set(self, key: str, entry: Entry) -> None:
        if key not in self._entries:
            self._append(key)
        self._entries[key] = entry

    def _append(self, key: str) -> None:
        if not self._order or key > self._order[-1]:
            self._order.append(key)
        else:
            insort(self._order, key)

    def remove(self, key: str) -> None:
        del self._entries[key]
        del self._order[bisect_left(self._order, key)]

    def expiring(self, deadlines: Iterable[tuple[float, str, int]]) -> dict[str, float]:
        """Return the deadlines, given with key and revision, of keys that are still at that revision."""
        return {
            key: deadline
            for deadline, key, revision in deadlines
            if (entry := self._entries.get(key)) and entry.revision == revision
        }

    def page(self, start: str, start_after: str, end: str | None, limit: int) -> tuple[list[str], int]:
        """Return the keys from `start` on, behind `start_after` and before `end`, and how many follow the `limit`th.

        No `start_after`, `end` or `limit` is no bound.
        """
        first = bisect_left(self._order, start)
        if start_after:
            first = max(first, bisect_right(self._order, start_after))
        last = len(self._order) if end is None else bisect_left(self._order, end)
        stop = min(last, first + limit) if limit else last
        return self._order[first:stop], max(0, last - stop)


class Overlay:
    """The keyspace as it will be once the writes that were decided, but not made yet, are made: an `Index`."""

    def __init__(self, keys: Keyspace, revision: int):
        self._keys, self.revision = keys, revision
        self.changed: dict[str, Entry | None] = {}  # None: deleted

    def get(self, key: str) -> Entry | None:
        return self.changed[key] if key in self.changed else self._keys.get(key)

    def range(self, start: str, end: str | None) -> list[str]:
        found, _ = self._keys.page(start, "", end, 0)
        touched = {key for key in self.changed if key >= start and (end is None or key < end)}
        if not touched:
            return found
        return sorted(key for key in {*found, *touched} if self.get(key) is not None)
