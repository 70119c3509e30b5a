"""Parts of a configuration that replace something as a whole: what is left out of them would be lost."""

from __future__ import annotations

from typing import Any

from controlplane.apiserver.patch.schema import Kind, Schema


def atomic_paths(value: Any, schema: Schema, path: str = "") -> list[str]:
    """Return the paths of lists, maps and objects in `value` that are merged as a whole: [".spec.args"]."""
    if schema.kind is Kind.ANY:
        return []
    found: list[str] = []
    if isinstance(value, dict):
        if schema.atomic:
            found.append(path)
        for key, one in value.items():
            found += atomic_paths(one, schema.field(key), f"{path}.{key}")
    elif isinstance(value, list):
        if schema.atomic or not (schema.keys or schema.is_set):
            found.append(path)
        for index, one in enumerate(value):
            found += atomic_paths(one, schema.items or schema.field(""), f"{path}[{index}]")
    return found
