"""Dropping what a schema does not know.

prune({"spec": {"size": 1, "colour": "red"}}, schema) == ["spec.colour"]      # and it is gone
"""

from __future__ import annotations

from typing import Any

from controlplane.api import fields
from controlplane.api.codec import Document
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.structural.schema import Node

_META = frozenset({"apiVersion", "kind", "metadata"})


def prune(document: Document, node: Node) -> list[str]:
    """Drop unknown fields of a whole object, whose metadata is ObjectMeta, and return their paths."""
    found = _of_metadata(document, "")
    below: list[str] = []
    _prune_object(document, node, "", below, embedded=True)
    return found + sorted(below)


def prune_value(value: Any, node: Node | None, path: str = "") -> list[str]:
    """Drop unknown fields of a part of an object: of a default, for example."""
    found: list[str] = []
    _prune(value, node, path, found)
    return sorted(found)


def _prune(value: Any, node: Node | None, path: str, found: list[str]) -> None:
    if type(value) is dict:
        _prune_object(value, node, path, found, embedded=node is not None and node.embedded)
    elif type(value) is list:
        items = node.items if node is not None else None
        preserves = node is not None and node.preserves
        for index, one in enumerate(value):
            if items is not None or not preserves:
                _prune(one, items, f"{path}[{index}]", found)


def _prune_object(value: Document, node: Node | None, path: str, found: list[str], *, embedded: bool) -> None:
    if node is None:
        found += [_joined(path, key) for key in value]
        value.clear()
        return
    if embedded and path:
        found += _of_metadata(value, path)
    for key in list(value):
        if embedded and key in _META:
            continue
        if key in node.properties:
            _prune(value[key], node.properties[key], _joined(path, key), found)
        elif node.additional is not None:
            below = node.additional if isinstance(node.additional, Node) else None
            _prune(value[key], below, _joined(path, key), found)
        elif not node.preserves:
            if path or key not in _META:
                found.append(_joined(path, key))
            del value[key]


def _of_metadata(value: Document, path: str) -> list[str]:
    metadata = value.get("metadata")
    if type(metadata) is not dict:
        return []
    here = _joined(path, "metadata")
    return [f"{here}.{one}" for one in fields.unknown(metadata, ObjectMeta)]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
