"""How auth and admission read objects: straight from the watch cache, decoded when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, cast

from controlplane.api.base import KubeStruct
from controlplane.api.codec import encode
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.watch_cache import ResourceCache

T = TypeVar("T")


class CacheReader:
    """An `api.reader.ObjectReader`: as new as this process's watch cache, and never a wait."""

    def __init__(self) -> None:
        self._storages: dict[type[KubeStruct], ResourceStorage] = {}

    def attach(self, storages: Mapping[tuple[str, str, str], ResourceStorage]) -> None:
        """Begin to read; authorizers are built before the storages that they are to guard."""
        self._storages = {storage.resource.type: storage for storage in storages.values()}

    def get(self, type_: type[T], namespace: str, name: str) -> T | None:
        storage = self._storage(type_)
        item = storage.cache.get(storage.key(namespace, name))
        return None if item is None else cast(T, storage.object(item))

    def list(self, type_: type[T], namespace: str = "") -> Sequence[T]:
        storage = self._storage(type_)
        return [cast(T, storage.object(item)) for item in storage.cache.list(f"{namespace}/" if namespace else "")]

    def mentioning(self, type_: type[T], namespace: str, *texts: str) -> Iterator[T]:
        storage, wanted = self._storage(type_), [encode(text) for text in texts]
        for item in storage.cache.list(f"{namespace}/" if namespace else ""):
            if all(text in item.tail for text in wanted):
                yield cast(T, storage.decoded(item))

    def version(self, type_: type[T]) -> int:
        return self._storage(type_).cache.version

    def cache_of(self, type_: type[T]) -> ResourceCache:
        """Return where objects of a type are, with their recent changes."""
        return self._storage(type_).cache

    def _storage(self, type_: type[T]) -> ResourceStorage:
        return self._storages[cast(type[KubeStruct], type_)]
