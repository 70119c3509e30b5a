"""Ranges of keys, and the index of what each key holds now."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

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


class Entry(NamedTuple):
    """Where the current value of a key is found."""

    revision: int
    create_revision: int


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

    def page(self, prefix: str, start_after: str, limit: int) -> tuple[list[str], int]:
        """Return the keys below `prefix` and behind `start_after`, up to `limit` (0: all), and how many more follow."""
        first = bisect_left(self._order, prefix)
        if start_after:
            first = max(first, bisect_right(self._order, start_after))
        end = prefix_end(prefix)
        last = len(self._order) if end is None else bisect_left(self._order, end)
        stop = min(last, first + limit) if limit else last
        return self._order[first:stop], max(0, last - stop)
