"""Objects in memory, as server rooms read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from controlplane.api.base import KubeStruct
from controlplane.api.codec import encode

T = TypeVar("T")


class FakeReader:
    """An ObjectReader that holds what it is given; adding an object replaces the one of its name."""

    def __init__(self, *objects: KubeStruct):
        self._objects: dict[tuple[type, str, str], Any] = {}
        self._versions: dict[type, int] = {}
        self.add(*objects)

    def add(self, *objects: Any) -> None:
        for obj in objects:
            self._objects[type(obj), obj.metadata.namespace, obj.metadata.name] = obj
            self._touch(type(obj))

    def remove(self, *objects: Any) -> None:
        for obj in objects:
            del self._objects[type(obj), obj.metadata.namespace, obj.metadata.name]
            self._touch(type(obj))

    def get(self, type_: type[T], namespace: str, name: str) -> T | None:
        return self._objects.get((type_, namespace, name))

    def list(self, type_: type[T], namespace: str = "") -> Sequence[T]:
        return [obj for (kind, place, _), obj in self._objects.items() if kind is type_ and namespace in ("", place)]

    def mentioning(self, type_: type[T], namespace: str, *texts: str) -> Iterator[T]:
        return (obj for obj in self.list(type_, namespace) if all(encode(text) in encode(obj) for text in texts))

    def version(self, type_: type[T]) -> int:
        return self._versions.get(type_, 0)

    def _touch(self, type_: type) -> None:
        self._versions[type_] = self._versions.get(type_, 0) + 1
