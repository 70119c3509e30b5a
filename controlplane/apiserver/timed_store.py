"""A store that is timed: what it takes is what dashboards plot as etcd's latency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from controlplane.apiserver.metrics import StoreMetrics
from controlplane.kit.clock import Clock
from controlplane.store.interface import Event, Page, Record, Store


class TimedStore:
    """Passes everything on to `store`."""

    def __init__(self, store: Store, clock: Clock, metrics: StoreMetrics):
        self._store, self._clock, self._metrics = store, clock, metrics
        self.revision, self.compact, self.close = store.revision, store.compact, store.close

    async def get(self, key: str) -> Record | None:
        began = self._clock.monotonic()
        record = await self._store.get(key)
        self._observe("get", key, began)
        return record

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        began = self._clock.monotonic()
        page = await self._store.list(prefix, limit=limit, start_after=start_after, revision=revision)
        self._observe("list", prefix, began)
        return page

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        began = self._clock.monotonic()
        revision = await self._store.put(key, value, expected=expected, ttl=ttl)
        self._observe("update" if expected else "create", key, began)
        return revision

    async def delete(self, key: str, *, expected: int | None) -> int:
        began = self._clock.monotonic()
        revision = await self._store.delete(key, expected=expected)
        self._observe("delete", key, began)
        return revision

    def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._store.watch(prefix, after=after)

    def _observe(self, operation: str, key: str, began: float) -> None:
        # /registry/pods/shop/web-0: the type is pods, as upstream's group resource is.
        parts = key.split("/", 3)
        self._metrics.observe(operation, parts[2] if len(parts) > 2 else "", self._clock.monotonic() - began)
