"""Filling in what a schema has defaults for.

apply_defaults({"spec": {}}, schema)      {"spec": {"size": 1}}
"""

from __future__ import annotations

from typing import Any

from controlplane.api.structural.schema import Node


def apply_defaults(value: Any, node: Node | None) -> None:
    """Fill in absent fields, in place. A null counts as absent where the schema does not allow nulls."""
    if node is None or not node.defaults_below:
        return
    if type(value) is dict:
        for key, below in node.properties.items():
            if below.default is not None and (key not in value or (value[key] is None and not below.nullable)):
                value[key] = copied(below.default)
        for key, inner in value.items():
            below_key = node.below(key)
            if inner is None and below_key is not None and not below_key.nullable and below_key.default is not None:
                value[key] = inner = copied(below_key.default)
            apply_defaults(inner, below_key)
    elif type(value) is list and node.items is not None:
        items = node.items
        for index, inner in enumerate(value):
            if inner is None and not items.nullable and items.default is not None:
                value[index] = copied(items.default)
            apply_defaults(value[index], items)


def drop_nulls(value: Any, node: Node | None) -> None:
    """Drop the nulls that a schema neither allows nor has a default for: on the wire they mean absent."""
    if type(value) is dict:
        for key in list(value):
            below = node.below(key) if node is not None else None
            inner = value[key]
            if inner is None:
                if below is not None and not below.nullable and below.default is None:
                    del value[key]
            elif type(inner) in (dict, list):
                drop_nulls(inner, below)
    elif type(value) is list:
        items = node.items if node is not None else None
        for inner in value:
            drop_nulls(inner, items)


def copied(value: Any) -> Any:
    """Return a copy of JSON values that shares nothing with them."""
    if type(value) is dict:
        return {key: copied(inner) for key, inner in value.items()}
    if type(value) is list:
        return [copied(inner) for inner in value]
    return value
