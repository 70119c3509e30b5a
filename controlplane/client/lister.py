"""The cache behind an informer: every object of a selection, by key and by index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from controlplane.client.keys import Key, key_of

T = TypeVar("T")

IndexFunction: TypeAlias = Callable[[Any], Iterable[str]]
"""Returns the values under which an object is found again."""


def by_namespace(obj: Any) -> tuple[str]:
    return (obj.metadata.namespace,)


def by_controller(obj: Any) -> tuple[str, ...]:
    """The UID of the owner that controls the object, if there is one."""
    return tuple(owner.uid for owner in obj.metadata.owner_references if owner.controller)


def by_node(pod: Any) -> tuple[str]:
    """The node of a pod; "" while it has none."""
    return (pod.spec.node_name,)


_NAMESPACE = "namespace"


class Lister(Generic[T]):
    """Reads the newest objects this process has seen. They are shared: never change one."""

    def __init__(self) -> None:
        self._objects: dict[Key, T] = {}
        self._functions: dict[str, IndexFunction] = {}
        self._indexes: dict[str, dict[str, dict[Key, T]]] = {}
        self.add_index(_NAMESPACE, by_namespace)

    def get(self, namespace: str, name: str) -> T | None:
        return self._objects.get(Key(namespace, name))

    def list(self, namespace: str = "") -> Sequence[T]:
        """Return the objects of a namespace, or of all with ""."""
        return self.by_index(_NAMESPACE, namespace) if namespace else list(self._objects.values())

    def by_index(self, index: str, value: str) -> Sequence[T]:
        """Return the objects that index function `index` filed under `value`."""
        return list(self._indexes[index].get(value, {}).values())

    def __len__(self) -> int:
        return len(self._objects)

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Add an index over the objects there are and those to come; the same name again changes nothing."""
        if name in self._functions:
            return
        self._functions[name], self._indexes[name] = function, {}
        for key, obj in self._objects.items():
            self._file(name, key, obj)

    def put(self, obj: T) -> T | None:
        """Store an object and return what it replaced. Only the informer calls this."""
        key = key_of(obj)
        old = self._objects.get(key)
        self._objects[key] = obj
        for name, function in self._functions.items():
            if old is not None:
                if tuple(function(old)) == tuple(function(obj)):
                    for value in function(obj):
                        self._indexes[name][value][key] = obj
                    continue
                self._unfile(name, key, old)
            self._file(name, key, obj)
        return old

    def remove(self, key: Key) -> T | None:
        """Forget an object and return it. Only the informer calls this."""
        old = self._objects.pop(key, None)
        if old is not None:
            for name in self._functions:
                self._unfile(name, key, old)
        return old

    def items(self) -> Mapping[Key, T]:
        return self._objects

    def _file(self, name: str, key: Key, obj: T) -> None:
        for value in self._functions[name](obj):
            self._indexes[name].setdefault(value, {})[key] = obj

    def _unfile(self, name: str, key: Key, obj: T) -> None:
        index = self._indexes[name]
        for value in self._functions[name](obj):
            if found := index.get(value):
                found.pop(key, None)
                if not found:
                    del index[value]
