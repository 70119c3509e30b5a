"""The name of an object within its kind: what work queues and listers are keyed by."""

from __future__ import annotations

from typing import Any, NamedTuple


class Key(NamedTuple):
    """An object's namespace ("" for cluster-scoped kinds) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def key_of(obj: Any) -> Key:
    """Return the key of anything that has `metadata`."""
    return Key(obj.metadata.namespace, obj.metadata.name)
