"""Whole objects inside an object (x-kubernetes-embedded-resource): they name their kind, their metadata is valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import FieldError
from controlplane.api.structural.schema import Node
from controlplane.api.validation.errors import invalid, required
from controlplane.api.validation.metadata import validate_annotated


def embedded_mistakes(value: Any, node: Node | None, path: str = "") -> Iterator[FieldError]:
    """Yield what is wrong with the objects embedded in a document."""
    if node is None or not node.embedded_below:
        return
    if type(value) is dict:
        if node.embedded:
            yield from _mistakes(value, path)
        for key, inner in value.items():
            yield from embedded_mistakes(inner, node.below(key), f"{path}.{key}" if path else key)
    elif type(value) is list:
        for index, inner in enumerate(value):
            yield from embedded_mistakes(inner, node.items, f"{path}[{index}]")


def _mistakes(value: dict[str, Any], path: str) -> Iterator[FieldError]:
    for name in ("apiVersion", "kind"):
        text = value.get(name)
        if not text:
            yield required(f"{path}.{name}", "must not be empty")
        elif not isinstance(text, str):
            yield invalid(f"{path}.{name}", text, "must be a string")
    metadata = value.get("metadata")
    if metadata is None:
        return
    try:
        yield from validate_annotated(msgspec.convert(metadata, ObjectMeta), f"{path}.metadata")
    except msgspec.ValidationError as error:
        yield invalid(f"{path}.metadata", metadata, str(error))
