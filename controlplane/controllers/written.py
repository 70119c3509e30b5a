"""Our own writes that the cache has not shown yet: reading it now would undo or repeat them.

The server's answer to a write carries the new resource version. Until the watch has brought that version or a later
one, the cache is stale for us. Resource versions of one kind compare as numbers: the API promises so since 1.35.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from controlplane.client.keys import Key, key_of
from controlplane.client.lister import Lister
from controlplane.kit.clock import Clock

K = TypeVar("K", bound=Hashable)

# Seconds after which the cache is believed again whatever it shows: the object was created and deleted unseen.
_GIVE_UP_AFTER = 30.0


class Written(Generic[K]):
    """Versions written, by the key of the work that wrote them."""

    def __init__(self, lister: Lister[Any], clock: Clock):
        self._lister, self._clock = lister, clock
        self._versions: dict[K, dict[Key, tuple[int, float]]] = {}

    def record(self, work: K, obj: Any) -> None:
        """Note the server's answer to a write."""
        version = int(obj.metadata.resource_version or 0)
        self._versions.setdefault(work, {})[key_of(obj)] = (version, self._clock.monotonic())

    def removed(self, work: K, obj: Any) -> None:
        """Note that the watch told of a deletion, or that we deleted the object ourselves."""
        if versions := self._versions.get(work):
            versions.pop(key_of(obj), None)

    def unseen(self, work: K) -> bool:
        """Whether the cache still lacks something that was written for `work`."""
        versions = self._versions.get(work)
        if not versions:
            return False
        for key in [key for key, (version, since) in versions.items() if self._shown(key, version, since)]:
            del versions[key]
        if not versions:
            del self._versions[work]
        return bool(versions)

    def _shown(self, key: Key, version: int, since: float) -> bool:
        cached = self._lister.get(*key)
        if cached is not None and int(cached.metadata.resource_version or 0) >= version:
            return True
        return self._clock.monotonic() - since > _GIVE_UP_AFTER
