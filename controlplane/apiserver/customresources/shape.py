"""Objects of custom resources: documents, with their metadata read as ObjectMeta."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from controlplane.api import fields
from controlplane.api.codec import Document
from controlplane.api.custom import CustomResource
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.structural.pruning import prune
from controlplane.api.structural.schema import Node
from controlplane.apiserver.patch.schema import Kind, Schema, schema_of
from controlplane.apiserver.shape import Misfit

_MOST = 100  # upstream stops listing mistakes there
_SCALAR = Schema(Kind.SCALAR, {})
_METADATA = replace(schema_of(ObjectMeta), always_there=True)
_DEDUCED = Schema(Kind.MAP, {})
_DEDUCED.items = _DEDUCED
"""What nothing is known of: its objects are merged field by field, its lists replaced."""


@dataclass(slots=True)
class CustomObject:
    """One custom resource; `document` is the whole of it."""

    metadata: ObjectMeta
    document: Document


class CustomShape:
    """The form of one version of a custom resource."""

    strategic = False

    def __init__(self, node: Node, own_status: bool):
        self.node, self._own_status = node, own_status

    @cached_property
    def merging(self) -> Schema:
        schema = merging_of(self.node)
        known = {**schema.fields, "apiVersion": _SCALAR, "kind": _SCALAR, "metadata": _METADATA}
        known.setdefault("status", _DEDUCED)
        return Schema(Kind.OBJECT, known, schema.items, own_status=self._own_status)

    def fits(self, document: Document) -> bool:
        return False  # its schema has to be asked

    def prune(self, document: Document, settled: Container[str] = ()) -> list[str]:
        return [f'unknown field "{path}"' for path in prune(document, self.node)[:_MOST]]

    def object(self, document: Document) -> CustomObject:
        try:
            return CustomObject(msgspec.convert(document.get("metadata") or {}, ObjectMeta), document)
        except msgspec.ValidationError as error:
            try:
                msgspec.convert(document, CustomResource)
            except msgspec.ValidationError as whole:
                raise Misfit(fields.type_mistake(whole, CustomResource, document)) from error
            raise

    def encode(self, obj: CustomObject) -> bytes:
        metadata = msgspec.structs.replace(obj.metadata, resource_version="", self_link="")
        head = {"apiVersion": obj.document["apiVersion"], "kind": obj.document["kind"], "metadata": metadata}
        return msgspec.json.encode({**head, **{key: obj.document[key] for key in obj.document if key not in head}})

    def decode(self, data: bytes) -> CustomObject:
        return self.object(msgspec.json.decode(data))


def merging_of(node: Node) -> Schema:
    """Return how server-side apply merges what a schema describes: x-kubernetes-list-type and its like."""
    if node.type == "array":
        items = merging_of(node.items) if node.items is not None else _DEDUCED
        keys = node.list_keys if node.list_type == "map" else ()
        defaults = {
            key: node.items.properties[key].default for key in keys if node.items and key in node.items.properties
        }
        return Schema(
            Kind.LIST, {}, items, keys=keys, is_set=node.list_type == "set",
            key_defaults={key: value for key, value in defaults.items() if value is not None},
        )  # fmt: skip
    if node.type == "object" or node.properties:
        known = {key: merging_of(one) for key, one in node.properties.items()}
        if node.embedded:
            known |= {"apiVersion": _SCALAR, "kind": _SCALAR, "metadata": _METADATA}
        others = merging_of(node.additional) if isinstance(node.additional, Node) else _DEDUCED
        return Schema(Kind.OBJECT if known else Kind.MAP, known, others, atomic=node.map_type == "atomic")
    return _DEDUCED if node.preserves and not node.type else _SCALAR
