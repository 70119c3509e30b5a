"""One resource in the store: its keys, its bytes, and the two ways to write them.

    pods      /registry/pods/shop/web-0          ({prefix}{namespace}/{name})
    nodes     /registry/minions/node-1           ({prefix}{name})

A kind that is served in several versions has one storage a version, over the same keys; the bytes are those of one of
them, and the others convert (`conversions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from controlplane.api import status
from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.apiserver.allocation import ServiceAllocator
from controlplane.apiserver.bodies import Expected
from controlplane.apiserver.cached_object import CachedObject, Unreadable, opening
from controlplane.apiserver.conversions import conversion_of, stored_as
from controlplane.apiserver.shape import Shape, shape_of
from controlplane.apiserver.strategies import Strategy
from controlplane.apiserver.unreadable import can_be_read, read_error, store_read_error
from controlplane.apiserver.watch_cache import REGISTRY, ResourceCache, WatchCache
from controlplane.store.interface import Record, RevisionMismatch, Store

if TYPE_CHECKING:
    from controlplane.apiserver.tables.printer import Printer


def prefix_of(resource: Resource) -> str:
    """Return the prefix of a resource's keys; groups share it, as upstream's do."""
    return f"{REGISTRY}{resource.storage_prefix or resource.plural}/"


@runtime_checkable
class Sealing(Protocol):
    """A store that encrypts some of what it holds."""

    async def is_stale(self, key: str) -> bool:
        """Return whether what is at `key` would be stored otherwise if it were written now, unchanged."""


class ResourceStorage:
    """The door to one resource's objects."""

    def __init__(
        self,
        resource: Resource,
        strategy: Strategy,
        store: Store,
        cache: WatchCache,
        ttl: int = 0,
        shape: Shape | None = None,
    ):
        self.resource, self.strategy = resource, strategy
        self.shape = shape or shape_of(resource.type)
        self.prefix = prefix_of(resource)
        self.open = opening(resource.api_version, resource.kind)
        self.expected = Expected(resource.api_version, resource.kind, self.shape)
        self.watch_cache = cache
        self.cache: ResourceCache = cache.of(self.prefix)
        self.allocator: ServiceAllocator | None = None
        self._sealing = store if isinstance(store, Sealing) else None
        self._store, self._ttl = store, ttl
        self._conversion, self._stored = conversion_of(resource), stored_as(resource)
        self.converts = self._conversion is not None  # its bytes are another version's

    # --- reading

    def key(self, namespace: str, name: str) -> str:
        """Return the key below the prefix."""
        return f"{namespace}/{name}" if self.resource.namespaced else name

    def tail(self, item: CachedObject) -> bytes:
        """Return an object's bytes without their opening, in this resource's version."""
        if self._conversion is None:
            return item.tail
        document = self._conversion.from_stored(item.document())
        document.pop("apiVersion")
        return msgspec.json.encode(document)[1:]

    def encoded(self, item: CachedObject) -> bytes:
        """Return an object as it is answered."""
        return self.open + self.tail(item)

    def document(self, item: CachedObject) -> Document:
        """Return an object as a document of the caller's own."""
        document = item.document()
        if self._conversion is not None:
            document = self._conversion.from_stored(document)
        return {"apiVersion": self.resource.api_version, "kind": self.resource.kind, **document}

    async def converted(self, document: Document, source: ResourceStorage) -> Document:
        """Return an object of another version, which `source` is the door to, in this resource's version."""
        if source._conversion is not None:
            document = source._conversion.to_stored(document)
        if self._conversion is not None:
            document = self._conversion.from_stored(document)
        return {**document, "apiVersion": self.resource.api_version, "kind": self.resource.kind}

    def document_or_empty(self, item: CachedObject | None) -> Document:
        return {} if item is None else self.document(item)

    def object(self, item: CachedObject) -> Any:
        """Return an object as its type, shared with every other reader."""
        if self.converts:
            return self.shape.object(self.document(item))
        return item.object(self.open, self.resource.type)

    def decoded(self, item: CachedObject) -> Any:
        """Return an object as its type, for this once."""
        if self.converts:
            return self.object(item)
        return self.shape.decode(self.open + item.tail)

    def printer(self) -> Printer:
        """Return what makes a row of a Table of an object."""
        from controlplane.apiserver.tables.printers import printer_of

        return printer_of(self.resource.type)

    def fields(self, item: CachedObject) -> Mapping[str, str]:
        """Return what field selectors may ask of an object."""
        if self.converts:
            return self.strategy.selectable_fields(self.document(item))
        return item.fields(self.strategy.selectable_fields)

    async def read(self, namespace: str, name: str) -> CachedObject:
        """Return an object, no older than any write acknowledged before. Raises NotFound."""
        await self.watch_cache.fresh()
        item = self.cache.get(self.key(namespace, name))
        if item is None:
            raise self.missing(namespace, name)
        return item

    def missing(self, namespace: str, name: str) -> status.StatusError:
        """Return why there is no such object to show: there is none, or it cannot be read."""
        key = self.key(namespace, name)
        if key in self.cache.unreadable:
            return read_error(self.prefix + key, self.cache.unreadable[key])
        return status.not_found(self.resource, name)

    def refuse_unreadable(self, directory: str) -> None:
        """Raise StoreReadError if anything in a directory cannot be read: a list must not be short without a word."""
        if wrong := {self.prefix + k: e for k, e in self.cache.unreadable.items() if k.startswith(directory)}:
            raise store_read_error(self.resource, wrong)

    async def read_from_store(self, namespace: str, name: str) -> CachedObject | None:
        """Return an object as the store has it now. Raises InternalError if it cannot be read."""
        record = await self._store.get(self.prefix + self.key(namespace, name))
        try:
            return self._item(record) if record else None
        except Unreadable as error:
            raise read_error(self.prefix + self.key(namespace, name), error) from error

    def _item(self, record: Record) -> CachedObject:
        return self.cache.item(record)

    async def snapshot(
        self, directory: str, *, limit: int, start_after: str, revision: int
    ) -> tuple[Sequence[CachedObject], int, int]:
        """Return objects as they were at `revision`, that revision, and how many more follow.

        Raises Compacted, FutureRevision, StoreReadError.
        """
        page = await self._store.list(
            self.prefix + directory,
            limit=limit,
            start_after=self.prefix + start_after if start_after else "",
            revision=revision,
        )
        try:
            items = [self._item(record) for record in page.records]
        except Unreadable:
            raise store_read_error(self.resource, self._unreadable(page.records)) from None
        return items, page.revision, page.remaining

    def _unreadable(self, records: Sequence[Record]) -> Mapping[str, Unreadable]:
        wrong: dict[str, Unreadable] = {}
        for record in records:
            try:
                self._item(record)
            except Unreadable as error:
                wrong[record.key] = error
        return wrong

    # --- writing

    def encode(self, value: Any) -> bytes:
        """Return a typed object as the store keeps it."""
        encoded = self.shape.encode(value)
        if self._conversion is None:
            return encoded
        stored = shape_of(self._stored.type)
        return stored.encode(stored.object(self._conversion.to_stored(msgspec.json.decode(encoded))))

    def encode_document(self, document: Document) -> bytes:
        """Return a document of a valid object as the store keeps it."""
        return self.encode(self.shape.object(document))

    async def stored(self, value: Any) -> bytes:
        """Return an object as the store keeps it, even if a webhook has to be asked how. Raises StatusError."""
        return self.encode(value)

    async def ready(self, items: Iterable[CachedObject]) -> None:
        """Make ready to show objects, which may take asking a webhook. Raises StatusError."""

    async def create(self, namespace: str, name: str, value: bytes) -> CachedObject:
        """Write a new object. Raises AlreadyExists."""
        key = self.key(namespace, name)
        try:
            revision = await self._store.put(self.prefix + key, value, expected=0, ttl=self._ttl)
        except RevisionMismatch as error:
            raise status.already_exists(self.resource, name) from error
        return self._written(key, revision, value)

    async def replace(self, item: CachedObject, value: bytes) -> CachedObject:
        """Write a new version of `item`. Raises RevisionMismatch if it is not the newest."""
        revision = await self._store.put(self.prefix + item.key, value, expected=item.revision, ttl=self._ttl)
        return self._written(item.key, revision, value)

    def _written(self, key: str, revision: int, value: bytes) -> CachedObject:
        """Return what has been written: as a rule the cache has heard of it already, and its bytes are shared."""
        item = self.cache.get(key)
        if item is not None and item.revision == revision:
            return item
        return CachedObject(key, revision, self.cache.tail_of(value, revision))

    async def remove(self, item: CachedObject) -> CachedObject:
        """Delete `item` and return its last state. Raises RevisionMismatch if it is not the newest."""
        revision = await self._store.delete(self.prefix + item.key, expected=item.revision)
        return item.at(revision)

    async def remove_as(self, item: CachedObject, value: bytes) -> CachedObject:
        """Delete `item`; return `value`, the version that was to replace it. Raises RevisionMismatch."""
        revision = await self._store.delete(self.prefix + item.key, expected=item.revision)
        return CachedObject(item.key, revision, self.cache.tail_of(value, revision))

    def unwritten(self, namespace: str, name: str, value: bytes) -> CachedObject:
        """Return what `create` would, without writing: a dry run."""
        tail = self.cache.tail_of(value, 0)
        return CachedObject(self.key(namespace, name), 0, tail.replace(b'"resourceVersion":"0",', b"", 1))

    def imagine(self, item: CachedObject, value: bytes) -> CachedObject:
        """Return what `replace` would, without writing: a dry run."""
        return CachedObject(item.key, item.revision, self.cache.tail_of(value, item.revision))

    def changed(self, item: CachedObject, value: bytes) -> bool:
        """Return whether writing `value` would change anything."""
        return self.cache.tail_of(value, item.revision) != item.tail

    async def resealed(self, item: CachedObject) -> bool:
        """Return whether writing `item` as it is would change how it is stored: another key encrypts by now."""
        return self._sealing is not None and await self._sealing.is_stale(self.prefix + item.key)

    async def remove_unreadable(self, namespace: str, name: str, *, dry_run: bool) -> None:
        """Delete what cannot be read, whatever it is. Raises NotFound, Conflict if it can be read."""
        key = self.prefix + self.key(namespace, name)
        record = await self._store.get(key)
        if record is None:
            raise status.not_found(self.resource, name)
        try:
            self._item(record)
        except Unreadable:
            if not dry_run:
                await self._store.delete(key, expected=record.revision)
            return
        raise status.conflict(self.resource, name, can_be_read(key))
