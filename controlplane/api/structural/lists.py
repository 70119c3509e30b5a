"""Lists with x-kubernetes-list-type: in a set no two values, in a map no two elements of the same keys are alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import msgspec

from controlplane.api.status import FieldError
from controlplane.api.structural.schema import Node
from controlplane.api.validation.errors import duplicate, invalid

_encoder = msgspec.json.Encoder(order="deterministic")


def duplicates(value: Any, node: Node | None, path: str = "") -> Iterator[FieldError]:
    """Yield a mistake for each value that a set or map has twice."""
    if node is None or not node.lists_below:
        return
    if type(value) is dict:
        for key, inner in value.items():
            if key in node.properties:
                yield from duplicates(inner, node.properties[key], f"{path}.{key}" if path else key)
            elif isinstance(node.additional, Node):
                yield from duplicates(inner, node.additional, f"{path}[{key}]")
    elif type(value) is list:
        yield from _of_list(value, node, path)
        for index, inner in enumerate(value):
            yield from duplicates(inner, node.items, f"{path}[{index}]")


def _of_list(value: list[Any], node: Node, path: str) -> Iterator[FieldError]:
    if node.list_type == "set":
        for index in _second(value):
            yield duplicate(f"{path}[{index}]", value[index])
    elif node.list_type == "map":
        for index, one in enumerate(value):
            if one is not None and type(one) is not dict:
                yield invalid(f"{path}[{index}]", one, "must be an object for an array of list-type map")
                return
        keys = [{key: one[key] for key in node.list_keys if key in one} if one else {} for one in value]
        for index in _second(keys):
            yield duplicate(f"{path}[{index}]", keys[index])


def _second(values: list[Any]) -> Iterator[int]:
    """Yield where each value that is there more than once appears for the second time."""
    seen: dict[Hashable, int] = {}
    for index, value in enumerate(values):
        name = _encoder.encode(value)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 2:
            yield index
