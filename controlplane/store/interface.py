"""What a store is: a log of bytes in which every write takes the next revision. It knows keys, not kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """A key's value and the revisions at which it was created and last written."""

    key: str
    value: bytes
    create_revision: int
    revision: int


@dataclass(frozen=True, slots=True)
class Page:
    """Records in key order as they were at `revision`; `remaining` more follow the last one."""

    records: Sequence[Record]
    revision: int
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One write. A deletion has `value` None; `previous` is what was there before (None: nothing)."""

    key: str
    value: bytes | None
    revision: int
    create_revision: int
    previous: bytes | None = None


class StoreError(Exception):
    """A store could not do what it was asked."""


class RevisionMismatch(StoreError):
    """The key is not at the revision the caller expected; `actual` is the record there now, if any."""

    def __init__(self, key: str, expected: int, actual: Record | None):
        super().__init__(f"{key}: expected revision {expected}, found {actual.revision if actual else 0}")
        self.key, self.expected, self.actual = key, expected, actual


class Compacted(StoreError):
    """The history before `revision` is gone."""

    def __init__(self, revision: int):
        super().__init__(f"history up to revision {revision} has been compacted")
        self.revision = revision


class FutureRevision(StoreError):
    """The revision asked for has not been written yet."""


class Store(Protocol):
    """Every implementation passes tests/contract."""

    async def get(self, key: str) -> Record | None: ...

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        """Return what lies below `prefix`, in key order, at `revision` (0: now). Raises Compacted, FutureRevision."""

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        """Write if the key is at revision `expected` (0: absent, None: whatever) and return the new revision.

        With `ttl`, the key is deleted that many seconds after this write. Raises RevisionMismatch.
        """

    async def delete(self, key: str, *, expected: int | None) -> int:
        """Delete if the key is at revision `expected` and return the new revision. Raises RevisionMismatch."""

    async def revision(self) -> int:
        """The revision of the newest write, linearizably: every write acknowledged before the call is included."""

    def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        """Yield, in order, batches of each event below `prefix` newer than `after`. Raises Compacted.

        Closing the iterator ends the watch.
        """

    async def compact(self, revision: int) -> None:
        """Forget the history before `revision`; what each key holds at it stays. Raises FutureRevision."""

    async def close(self) -> None:
        """Finish the writes under way and let go of files and connections."""
