"""The schema of a custom resource, as OpenAPI publishes it: its author's, with what every object has.

Version 2 cannot say everything: where a schema combines others, allows nulls or keeps unknown fields, it says less, as
upstream's does, so that kubectl does not refuse what the server would take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.api.resources import Resource
from controlplane.api.structural.schema import JsonSchema
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.customresources.storage import CustomStorage
from controlplane.apiserver.openapi.dialect import Node
from controlplane.apiserver.openapi.schemas import Defined

_PRESERVES, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_ONLY_V3 = ("allOf", "anyOf", "oneOf", "not", "nullable")
_TEXT: Node = {"type": "string"}


class PublishedKinds:
    """The custom resources of a catalog, for OpenAPI."""

    def __init__(self, catalog: Catalog):
        self._catalog = catalog

    @property
    def version(self) -> int:
        return self._catalog.version

    def defined(self) -> list[tuple[Resource, Defined]]:
        custom = (one for one in self._catalog.custom if isinstance(one, CustomStorage))
        return [(storage.resource, defined_by(storage)) for storage in custom]


def defined_by(storage: CustomStorage) -> Defined:
    """Return what OpenAPI says of one version of a custom resource."""
    resource, raw = storage.resource, storage.node.raw
    prefix = ".".join([*reversed(resource.group.split(".")), resource.version])
    v2: Node = {} if raw.get(_PRESERVES) else _v2(raw)
    return Defined(
        f"{prefix}.{resource.kind}",
        f"{prefix}.{resource.list_kind}",
        v3={} if raw == {_PRESERVES: True} else _v3(raw),
        v2=v2,
        selectable=resource.selectable,
    )


def _below(raw: JsonSchema, convert: Any) -> Node:
    """Return a schema with the schemas in it converted."""
    node: Node = dict(raw)
    if raw.get("properties"):
        node["properties"] = {name: convert(one) for name, one in raw["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(raw.get(key), Mapping):
            node[key] = convert(raw[key])
    return node


def _v3(raw: JsonSchema) -> Node:
    node = _below(raw, _v3)
    if raw.get(_INT_OR_STRING) and "anyOf" not in raw and "allOf" not in raw:
        node["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return _with_embedded(node)


def _v2(raw: JsonSchema) -> Node:
    node = {key: value for key, value in _below(raw, _v2).items() if key not in _ONLY_V3}
    if raw.get("nullable"):
        for key in ("type", "items", "properties"):
            node.pop(key, None)
    if raw.get(_PRESERVES):
        for key in ("items", "properties"):
            node.pop(key, None)
    if node.get("type") == "array" and "items" not in node:
        del node["type"]
    if raw.get(_PRESERVES) and node.get("type") == "object":
        del node["type"]
    nullable = {name for name, one in (raw.get("properties") or {}).items() if one.get("nullable")}
    if nullable and "required" in node:
        node["required"] = [name for name in node["required"] if name not in nullable]
    additional = raw.get("additionalProperties")
    if isinstance(additional, Mapping) and additional.get("nullable"):
        node.pop("required", None)
    if node.get("required") == []:
        del node["required"]
    return node if raw.get(_PRESERVES) else _with_embedded(node)


def _with_embedded(node: Node) -> Node:
    if not node.get(_EMBEDDED):
        return node
    properties = {**node.get("properties", {}), "apiVersion": _TEXT, "kind": _TEXT}
    properties.setdefault("metadata", {"type": "object"})
    required = [*node.get("required", ())]
    return {**node, "properties": properties, "required": required + [
        name for name in ("kind", "apiVersion") if name not in required
    ]}  # fmt: skip
