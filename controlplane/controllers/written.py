"""Our own writes that the cache has not shown yet: reading it now would undo or repeat them.

The server's answer to a write carries the new resource version. Until the watch has brought that version or a later
one, the cache is stale for us. Resource versions of one kind compare as numbers: the API promises so since 1.35.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from controlplane.client.keys import Key, key_of
from controlplane.client.lister import Lister
from controlplane.kit.clock import Clock

K = TypeVar("K", bound=Hashable)

# Seconds after which the cache is believed again whatever it shows: the object was created and deleted unseen.
_GIVE_UP_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class _Write:
    version: int  # 0: the object was deleted
    uid: str
    since: float


class Written(Generic[K]):
    """The last write to each object, by the key of the work that wrote it."""

    def __init__(self, lister: Lister[Any], clock: Clock):
        self._lister, self._clock = lister, clock
        self._writes: dict[K, dict[Key, _Write]] = {}
        self._waiting: set[K] = set()  # work that found the cache stale and wants to be woken

    def record(self, work: K, obj: Any) -> None:
        """Note the server's answer to a write."""
        self._note(work, obj, version_of(obj))

    def deleted(self, work: K, obj: Any) -> None:
        """Note that we deleted the object."""
        self._note(work, obj, 0)

    def is_news(self, work: K, obj: Any) -> bool:
        """Whether what the watch brings is more than our own write, or somebody waits for just that."""
        write = self._writes.get(work, {}).get(key_of(obj))
        ours = write is not None and 0 < version_of(obj) <= write.version
        return not ours or work in self._waiting

    def removed(self, work: K, obj: Any) -> bool:
        """Note that the watch told of a deletion; return whether that is news."""
        write = self._writes.get(work, {}).pop(key_of(obj), None)
        ours = write is not None and write.version == 0
        return not ours or work in self._waiting

    def forget(self, work: K) -> None:
        self._writes.pop(work, None)
        self._waiting.discard(work)

    def unseen(self, work: K) -> bool:
        """Whether the cache still lacks something that was written for `work`, which then waits for it."""
        self._waiting.discard(work)
        writes = self._writes.get(work)
        if not writes:
            return False
        pending = {key: write for key, write in writes.items() if not self._shown(key, write)}
        if pending:
            self._writes[work] = pending
            self._waiting.add(work)
        else:
            del self._writes[work]
        return bool(pending)

    def _note(self, work: K, obj: Any, version: int) -> None:
        write = _Write(version, obj.metadata.uid, self._clock.monotonic())
        self._writes.setdefault(work, {})[key_of(obj)] = write

    def _shown(self, key: Key, write: _Write) -> bool:
        if self._clock.monotonic() - write.since > _GIVE_UP_AFTER:
            return True
        cached = self._lister.get(*key)
        if write.version == 0:
            return cached is None or cached.metadata.uid != write.uid
        return cached is not None and version_of(cached) >= write.version


def version_of(obj: Any) -> int:
    return int(obj.metadata.resource_version or 0)
