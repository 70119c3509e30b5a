"""Ranges of keys as etcd says them, in bytes, and as the store does, in text.

    key b"/a", range_end b""      the key /a alone      ["/a", "/a\\0")
    key b"/a", range_end b"/b"    from /a, before /b    ["/a", "/b")
    key b"/a", range_end b"\\0"    from /a to the last   ["/a", None)

Text orders by code point as its UTF-8 does by byte, so a bound that is no text has a text in its place: the first that
follows it.
"""

from __future__ import annotations

from typing import NamedTuple

from controlplane.store.keys import prefix_end

_CODE_POINTS = 0x110000
_SURROGATES = range(0xD800, 0xE000)  # have no UTF-8 form


class Bounds(NamedTuple):
    """Keys from `start` on and before `end`; None: to the last."""

    start: str
    end: str | None

    def holds(self, key: str) -> bool:
        return key >= self.start and (self.end is None or key < self.end)

    @property
    def prefix(self) -> str:
        """A prefix of every key within: what a watch of the store can be narrowed to."""
        if self.end is None:
            return ""
        if self.start and prefix_end(self.start) == self.end:
            return self.start
        same = 0
        for one, other in zip(self.start, self.end, strict=False):
            if one != other:
                break
            same += 1
        return self.start[:same]


def bounds(key: bytes, range_end: bytes) -> Bounds:
    """Return the keys that a request means."""
    start = text_from(key) or ""
    if text_from(key) is None:
        return Bounds("", "")  # behind every text: nothing
    if not range_end:
        return Bounds(start, text_from(key + b"\0"))
    return Bounds(start, None if range_end == b"\0" else text_from(range_end))


def text_from(bound: bytes) -> str | None:
    """Return the first text whose UTF-8 is `bound` or follows it; None when there is none."""
    try:
        return bound.decode()
    except UnicodeDecodeError as error:
        stem, rest = bound[: error.start].decode(), bound[error.start :]
    low, high = 0, _CODE_POINTS
    while low < high:
        middle = (low + high) // 2
        if _utf8(middle) >= rest:
            high = middle
        else:
            low = middle + 1
    return stem + chr(low if low not in _SURROGATES else _SURROGATES.stop) if low < _CODE_POINTS else prefix_end(stem)


def _utf8(code_point: int) -> bytes:
    return chr(code_point).encode("utf-8", "surrogatepass")
