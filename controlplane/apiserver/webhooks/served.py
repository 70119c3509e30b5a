"""What dynamic admission may know of the resources that are served (`admission.outside.Served`), from the catalog."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.api.status import BadRequest, Invalid
from controlplane.apiserver.catalog import Catalog, key_of
from controlplane.apiserver.patch import json_patch
from controlplane.apiserver.patch.apply import merge_configuration
from controlplane.apiserver.patch.atomic import atomic_paths
from controlplane.apiserver.shape import Misfit
from controlplane.apiserver.storage import ResourceStorage


class ServedObjects:
    """Reads the catalog; admission is built before the catalog that it is to guard, so that is attached later."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._version = -1
        self._kinds: dict[tuple[str, str], Resource] = {}
        self._families: dict[str, list[Resource]] = {}

    def attach(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def resource_of(self, api_version: str, kind: str) -> Resource | None:
        self._settle()
        return self._kinds.get((api_version, kind))

    def get(self, resource: Resource, namespace: str, name: str) -> Document | None:
        storage = self._storage(resource)
        item = storage.cache.get(storage.key(namespace, name))
        return None if item is None else storage.document(item)

    def list(self, resource: Resource, namespace: str) -> Sequence[Document]:
        storage = self._storage(resource)
        return [storage.document(item) for item in storage.cache.list(f"{namespace}/" if namespace else "")]

    def equivalents(self, resource: Resource) -> Sequence[Resource]:
        catalog = self._settle()
        storage = catalog.storages.get(key_of(resource))
        if storage is None:
            return ()
        return [one for one in self._families[storage.prefix] if key_of(one) != key_of(resource)]

    async def convert(self, document: Document, resource: Resource) -> Document:
        source = self.resource_of(document.get("apiVersion", ""), document.get("kind", ""))
        if source is None:
            raise BadRequest(f"unable to convert to {resource.api_version}, Kind={resource.kind}: unknown kind")
        return await self._storage(resource).converted(document, self._storage(source))

    def patch(self, document: Document, operations: Any) -> Document:
        try:
            return json_patch.apply(document, operations)
        except Invalid as error:
            causes = error.details.causes if error.details is not None else []
            raise BadRequest(causes[0].message if causes else error.message) from error

    def merge(self, resource: Resource, document: Document, configuration: Document) -> Document:
        storage = self._storage(resource)
        wanted = {**configuration, "apiVersion": resource.api_version, "kind": resource.kind}
        try:
            storage.shape.object({"metadata": {}, **copy.deepcopy(wanted)})
        except Misfit as error:
            raise BadRequest(f"failed to convert patch object to typed object: {error}") from error
        if atomic := atomic_paths(wanted, storage.shape.merging):
            raise BadRequest(
                f"invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {', '.join(atomic)}"
            )
        return merge_configuration(copy.deepcopy(document), wanted, storage.shape.merging)

    def _storage(self, resource: Resource) -> ResourceStorage:
        return self._settle().storages[key_of(resource)]

    def _settle(self) -> Catalog:
        """Return the catalog, what is made of it as new as it is."""
        catalog = self._catalog
        if catalog is None:
            raise RuntimeError("no catalog is attached yet")
        if catalog.version != self._version:
            self._version, self._kinds, self._families = catalog.version, {}, {}
            for storage in catalog.storages.values():
                resource = storage.resource
                self._kinds[resource.api_version, resource.kind] = resource
                self._families.setdefault(storage.prefix, []).append(resource)
        return catalog
