"""Custom resources in the store: all versions over the same keys, each object in the version it was last written in.

    store   {"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a",…},"spec":{…}}
    tail    "metadata":{"resourceVersion":"42","name":"a",…},"spec":{…},"apiVersion":"example.com/v1"}

A document is read as its version's schema has it today: unknown fields dropped, defaults filled in. That, converted to
the version asked for, is kept with the cached object, so it is made once for each version that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.api.structural.defaults import apply_defaults, drop_nulls
from controlplane.api.structural.pruning import prune
from controlplane.api.structural.schema import Node
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.customresources.conversion import Converter
from controlplane.apiserver.customresources.shape import CustomObject, CustomShape
from controlplane.apiserver.customresources.strategy import CustomStrategy
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.tables.printer import Printer
from controlplane.apiserver.watch_cache import LateCache, WatchCache
from controlplane.store.interface import Store

_HEAD = b'{"apiVersion":"'
_KIND = b'","kind":"'
_METADATA = b'"metadata":{'


class CustomCache(LateCache):
    """Objects of several versions below one prefix: each tail ends with its version."""

    def tail_of(self, value: bytes, revision: int) -> bytes:
        end = value.find(_KIND)
        start = value.find(_METADATA, end)
        if not value.startswith(_HEAD) or end < 0 or value.find(b",", end + len(_KIND)) + 1 != start:
            return _foreign_tail(value, revision)
        version = value[len(_HEAD) : end]
        body = value[start + len(_METADATA) : -1]
        return b'"metadata":{"resourceVersion":"%d",%s,"apiVersion":"%s"}' % (revision, body, version)


def _foreign_tail(value: bytes, revision: int) -> bytes:
    # Written by somebody else, in another order of fields.
    document: Document = msgspec.json.decode(value)
    metadata = {"resourceVersion": str(revision), **document.pop("metadata", {})}
    version = document.pop("apiVersion", "")
    document.pop("kind", None)
    return msgspec.json.encode({"metadata": metadata, **document, "apiVersion": version})[1:]


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of a custom resource, by apiVersion, and which of them is stored."""

    nodes: Mapping[str, Node]
    stored: str
    converter: Converter


@dataclass(slots=True)
class _Shown:
    """An object in one version; it is good as long as its storage is in use."""

    storage: CustomStorage
    tail: bytes
    fields: Mapping[str, str] | None = None


class CustomStorage(ResourceStorage):
    """The door to the objects of one served version."""

    def __init__(
        self,
        resource: Resource,
        strategy: CustomStrategy,
        store: Store,
        cache: WatchCache,
        shape: CustomShape,
        versions: Versions,
        printer: Printer,
    ):
        super().__init__(resource, strategy, store, cache, shape=shape)
        self.node, self._versions, self._printer = shape.node, versions, printer
        self.converts = True

    # --- reading

    def tail(self, item: CachedObject) -> bytes:
        return self._shown(item).tail

    def document(self, item: CachedObject) -> Document:
        document: Document = msgspec.json.decode(b"{" + self.tail(item))
        return {"apiVersion": self.resource.api_version, "kind": self.resource.kind, **document}

    def printer(self) -> Printer:
        return self._printer

    def fields(self, item: CachedObject) -> Mapping[str, str]:
        shown = self._shown(item)
        if shown.fields is None:
            shown.fields = self.strategy.selectable_fields(self.document(item))
        return shown.fields

    async def ready(self, items: Iterable[CachedObject]) -> None:
        if not self._versions.converter.asks:
            return
        documents = {item: self._read(item) for item in items if self._known(item) is None}
        mine = self.resource.api_version
        foreign = [item for item, document in documents.items() if document["apiVersion"] != mine]
        if foreign:
            asked = [documents[item] for item in foreign]
            documents.update(zip(foreign, await self._converted(asked, mine), strict=True))
        for item, document in documents.items():
            self._show(item, document)

    def _known(self, item: CachedObject) -> _Shown | None:
        shown: _Shown | None = item.shown.get(self.resource.version) if item.shown else None
        return shown if shown is not None and shown.storage is self else None

    def _shown(self, item: CachedObject) -> _Shown:
        shown = self._known(item)
        if shown is None:
            document = self._read(item)
            if document["apiVersion"] != self.resource.api_version:
                document["apiVersion"] = self.resource.api_version
                prune(document, self.node)
            shown = self._show(item, document)
        return shown

    def _show(self, item: CachedObject, document: Document) -> _Shown:
        body = {key: value for key, value in document.items() if key not in ("apiVersion", "kind", "metadata")}
        tail = msgspec.json.encode({"metadata": document["metadata"], **body})[1:]
        item.shown = item.shown or {}
        shown = item.shown[self.resource.version] = _Shown(self, tail)
        return shown

    def _read(self, item: CachedObject) -> Document:
        """Return a stored object as the schema of its version has it today."""
        document = {"kind": self.resource.kind, **item.document()}
        node = self._versions.nodes.get(document["apiVersion"], self.node)
        prune(document, node)
        drop_nulls(document, node)
        apply_defaults(document, node)
        return document

    async def converted(self, document: Document, source: ResourceStorage) -> Document:
        (made,) = await self._converted([document], self.resource.api_version)
        return made

    # --- writing

    def encode(self, value: Any) -> bytes:
        document = {**value.document, "apiVersion": self._versions.stored}
        if self._versions.stored != self.resource.api_version:
            document = {**document, "metadata": {**document["metadata"]}}
            prune(document, self._versions.nodes[self._versions.stored])
        return self.shape.encode(CustomObject(value.metadata, document))

    async def stored(self, value: Any) -> bytes:
        stored = self._versions.stored
        if stored == self.resource.api_version or not self._versions.converter.asks:
            return self.encode(value)
        (document,) = await self._converted([value.document], stored)
        converted = self.shape.object(document)  # its labels and annotations may be others
        return self.shape.encode(converted)

    async def _converted(self, documents: Sequence[Document], api_version: str) -> Sequence[Document]:
        converted = await self._versions.converter.convert(documents, api_version)
        for document in converted:
            prune(document, self._versions.nodes[api_version])
        return converted
