"""The recent changes of one resource, which every watcher reads at its own pace.

Watchers have no queues: each holds a position in this one list. A watcher that is slower than the list is long
falls off its end and is cut, so no reader can make the server buffer without bound.

    base                                   end
     │  … ADDED web-0 │ MODIFIED web-0 │ …  │      position of a watcher: the next entry it will read
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controlplane.apiserver.cached_object import CachedObject


class TooOld(Exception):
    """The changes asked for are no longer all here; `oldest` is the revision from which they are."""

    def __init__(self, oldest: int):
        super().__init__(f"changes up to revision {oldest} have been dropped")
        self.oldest = oldest


@dataclass(slots=True)
class Change:
    """One write: ADDED, MODIFIED or DELETED.

    A deletion's object is the last state with the deletion's revision; it is `previous`, too, for selectors ask for no
    revision, and so the log holds what is deleted once.
    """

    type: bytes
    object: CachedObject
    previous: CachedObject | None

    @property
    def revision(self) -> int:
        return self.object.revision

    @property
    def versions(self) -> Sequence[CachedObject]:
        return (self.object,) if self.previous is None else (self.object, self.previous)


class EventLog:
    """A list of changes that forgets its oldest ones; positions keep their meaning while it does."""

    def __init__(self, capacity: int, floor: int = 0):
        self._capacity = capacity
        self._changes: list[Change] = []
        self._base = 0  # the position of the first entry
        self.floor = floor  # every change newer than this revision is here

    @property
    def end(self) -> int:
        """The position that the next change will have."""
        return self._base + len(self._changes)

    def append(self, change: Change) -> None:
        self._changes.append(change)
        # Dropping half at a time makes the cost of one append constant.
        if len(self._changes) > 2 * self._capacity:
            self.floor = self._changes[self._capacity - 1].revision
            del self._changes[: self._capacity]
            self._base += self._capacity

    def reset(self, revision: int) -> None:
        """Forget everything: what lies between the last change here and `revision` is unknown."""
        self._base, self._changes, self.floor = self.end + 1, [], revision

    def position_after(self, revision: int) -> int:
        """Return the position of the first change newer than `revision`. Raises TooOld."""
        if revision < self.floor:
            raise TooOld(self.floor)
        low, high = 0, len(self._changes)
        while low < high:
            middle = (low + high) // 2
            if self._changes[middle].revision <= revision:
                low = middle + 1
            else:
                high = middle
        return self._base + low

    def read(self, position: int, limit: int) -> Sequence[Change]:
        """Return up to `limit` changes from `position` on. Raises TooOld when the reader was too slow."""
        start = position - self._base
        if start < 0:
            raise TooOld(self.floor)
        return self._changes[start : start + limit]


Interest = Callable[[Change], bool]
"""Whether a watcher would be sent anything for a change."""
