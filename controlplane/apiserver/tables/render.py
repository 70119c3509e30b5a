"""Objects to a meta.k8s.io/v1 Table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document, encode, from_document
from controlplane.api.resources import Resource
from controlplane.api.status import BadRequest
from controlplane.apiserver.tables.printer import Printer
from controlplane.apiserver.tables.printers import printer_of

API_VERSION = "meta.k8s.io/v1"


def render_table(
    resource: Resource,
    objects: Iterable[KubeStruct | Document],
    *,
    include_object: str,
    now: datetime,
    list_metadata: Document | None = None,
    headers: bool = True,
    printer: Printer | None = None,
) -> Document:
    """Return a table of objects, ready for `codec.encode`: objects given as Structs stay Structs inside it.

    `include_object` is None, Metadata or Object. Without `headers` the columns are left out, as in the later events
    of a watch. Raises BadRequest.
    """
    printer = printer or printer_of(resource.type)
    attach = _attachment(include_object)
    rows = []
    for item in objects:
        obj: Any = from_document(item, resource.type) if isinstance(item, dict) else item
        row: Document = {"cells": printer.cells(obj, now)}
        if conditions := printer.conditions(obj):
            row["conditions"] = conditions
        row["object"] = attach(item)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": API_VERSION,
        "metadata": list_metadata or {},
        "columnDefinitions": [column.definition() for column in printer.columns] if headers else None,
        "rows": rows,
    }


def _attachment(include_object: str) -> Callable[[KubeStruct | Document], Any]:
    match include_object:
        case "" | "Metadata":
            return _metadata
        case "None":
            return lambda _: None
        case "Object":
            return lambda item: item if isinstance(item, dict) else msgspec.Raw(encode(item))
    raise BadRequest(f'unrecognized includeObject value: "{include_object}"')


def _metadata(item: Any) -> Document:
    metadata = item.get("metadata", {}) if isinstance(item, dict) else item.metadata
    return {"kind": "PartialObjectMetadata", "apiVersion": API_VERSION, "metadata": metadata}
