"""What a store is: a log of bytes in which every write takes the next revision. It knows keys, not kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """A key's value and the revisions at which it was created and last written."""

    key: str
    value: bytes
    create_revision: int
    revision: int
    version: int = field(default=1, compare=False)  # how often it was written since it was created
    lease: int = field(default=0, compare=False)  # of those who are served as etcd; see ServedStore


@dataclass(frozen=True, slots=True)
class Page:
    """Records in key order as they were at `revision`; `remaining` more follow the last one."""

    records: Sequence[Record]
    revision: int
    remaining: int = 0


class Entry(NamedTuple):
    """What is known of a key without its value."""

    revision: int
    create_revision: int
    version: int = 1
    lease: int = 0
    place: int = 0  # among the writes of its revision


@dataclass(frozen=True, slots=True)
class Event:
    """One write. A deletion has `value` None; `previous` is what was there before (None: nothing).

    An event without a key is no write: it says that nothing below the prefix is missing up to its revision.
    """

    key: str
    value: bytes | None
    revision: int
    create_revision: int
    previous: bytes | None = None
    entry: Entry | None = field(default=None, compare=False)  # of the key now; None: deleted, or not known
    before: Entry | None = field(default=None, compare=False)  # and what `previous` was the value of


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


class Write(NamedTuple):
    """One of the writes of a transaction; `value` None deletes."""

    key: str
    value: bytes | None
    lease: int = 0


class Index(Protocol):
    """The keys that there are at the moment a transaction is decided."""

    @property
    def revision(self) -> int:
        """The newest; what the transaction writes takes the next."""

    def get(self, key: str) -> Entry | None: ...

    def range(self, start: str, end: str | None) -> Sequence[str]:
        """Return the keys from `start` on and before `end` (None: to the last), in order."""


Decision = Callable[[Index], Sequence[Write]]


class ServedStore(Store, Protocol):
    """What a store must be able to do besides, to be served to others as etcd."""

    async def scan(self, start: str, end: str | None, *, limit: int = 0, revision: int = 0) -> Page:
        """Return what lies from `start` on and before `end`, as `list` does. Raises Compacted, FutureRevision."""

    async def commit(self, decide: Decision) -> int:
        """Make all the writes that `decide` returns, at one revision, and return it; without any, the newest one.

        `decide` is called once, when every write before it is decided and none after it is. It names a key at most
        once and deletes only what is there. What it raises is raised here, and nothing is written.
        """

    async def compacted(self) -> int:
        """Return the revision before which the history is gone; 0: nothing is."""

    async def size(self) -> int:
        """Return how many bytes it takes on the disk, or in memory where there is none."""

    async def deadlines(self) -> Mapping[str, float]:
        """Return when keys that were put with a `ttl` expire, in seconds since 1970."""

    async def leases(self) -> Mapping[int, int]:
        """Return the time to live, in seconds, of each lease that is kept, by id."""

    async def keep_lease(self, lease: int, ttl: int) -> None:
        """Keep a lease durably; `ttl` 0 forgets it. What happens to its keys is for the caller to decide."""
