"""Where admission finds quotas and writes what it charges to them: the cache, and the store behind it."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.api.core_v1 import ResourceQuota
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.patch import track_update
from controlplane.apiserver.storage import ResourceStorage
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time
from controlplane.store.interface import RevisionMismatch

_MANAGER = "kube-apiserver"
_REMEMBERED = 100  # quotas, before those that the cache has caught up with are dropped


class StoredQuotas:
    """An `admission.resource_quota.QuotaLedger`."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._storage: ResourceStorage | None = None
        # What is known before the cache knows it, by key: newer versions, and revisions of what is gone.
        self._ahead: dict[str, CachedObject] = {}
        self._gone: dict[str, int] = {}

    def attach(self, storage: ResourceStorage) -> None:
        """Begin to work; admission is built before the storages."""
        self._storage = storage

    def quotas(self, namespace: str) -> Sequence[ResourceQuota]:
        storage = self._attached()
        cached = storage.cache.list(f"{namespace}/")
        if not cached:
            return ()
        return [storage.object(item) for one in cached if (item := self._newest(one)) is not None]

    async def write(self, quota: ResourceQuota) -> bool:
        storage, metadata = self._attached(), quota.metadata
        key = storage.key(metadata.namespace, metadata.name)
        cached = storage.cache.get(key)
        item = self._newest(cached) if cached is not None else None
        if cached is None or item is None:
            return False
        if str(item.revision) == metadata.resource_version:
            document, old = storage.document(item), storage.document(item)
            document.setdefault("status", {})["used"] = dict(quota.status.used)
            now = format_time(self._clock.now())
            track_update(document, old, _MANAGER, "status", now, storage.shape.merging)
            try:
                written = await storage.replace(item, storage.encode_document(document))
                if len(self._ahead) + len(self._gone) > _REMEMBERED:
                    self._forget()
                self._ahead[key] = written
                return True
            except RevisionMismatch:
                pass
        current = await storage.read_from_store(metadata.namespace, metadata.name)
        if current is None:
            self._gone[key] = cached.revision
        else:
            self._ahead[key] = current
        return False

    def _newest(self, cached: CachedObject) -> CachedObject | None:
        """Return the newer one of what the cache has and what was read or written past it; None: it is gone."""
        if self._gone.get(cached.key) == cached.revision:
            return None
        known = self._ahead.get(cached.key)
        return cached if known is None or known.revision <= cached.revision else known

    def _forget(self) -> None:
        """Drop what the cache knows by now."""
        cache = self._attached().cache
        caught_up = [
            key
            for key, item in self._ahead.items()
            if (cached := cache.get(key)) is None or cached.revision >= item.revision
        ]
        for key in caught_up:
            del self._ahead[key]
        for key in [key for key in self._gone if cache.get(key) is None]:
            del self._gone[key]

    def _attached(self) -> ResourceStorage:
        assert self._storage is not None, "nothing is admitted before the server is put together"
        return self._storage
