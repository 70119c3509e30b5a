"""What the server needs to know of a resource's objects, however they are typed.

    StructShape     built-in kinds: msgspec Structs of `controlplane.api`
    CustomShape     custom resources: documents under a structural schema (`customresources/shape.py`)

Bodies, patches, the steps of a write and storages ask a Shape; only strategies and printers know more of their kinds.
"""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from typing import Any, Protocol

import msgspec

from controlplane.api import fields, strict
from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document, decode
from controlplane.apiserver.cached_object import encode_object
from controlplane.apiserver.patch.schema import Schema, schema_of


class Misfit(ValueError):
    """A document's values do not have the types they should; the text is upstream's."""


class Shape(Protocol):
    """The form of one kind's objects."""

    @property
    def merging(self) -> Schema:
        """How lists and objects are merged, and who may own a part of them."""

    @property
    def strategic(self) -> bool:
        """Whether strategic merge patches are understood."""

    def fits(self, document: Document) -> bool:
        """Return whether a document without nulls is known to need no pruning, and to have the right types."""

    def prune(self, document: Document, settled: Container[str] = ()) -> list[str]:
        """Drop unknown fields, but for fields at the top that are `settled`; return a line about each."""

    def object(self, document: Document) -> Any:
        """Return a document as what validation and printers read; its `metadata` is typed. Raises Misfit."""

    def encode(self, obj: Any) -> bytes:
        """Return an object's JSON: apiVersion, kind and metadata first, without a resource version."""

    def decode(self, data: bytes) -> Any:
        """Return the object that JSON holds."""


class StructShape:
    """Objects that are Structs."""

    strategic = True

    def __init__(self, type_: type[KubeStruct]):
        self.type = type_

    @property
    def merging(self) -> Schema:
        return schema_of(self.type)

    def fits(self, document: Document) -> bool:
        return strict.fits(document, self.type)

    def prune(self, document: Document, settled: Container[str] = ()) -> list[str]:
        return fields.prune(document, self.type, settled)

    def object(self, document: Document) -> Any:
        try:
            return msgspec.convert(document, self.type)
        except msgspec.ValidationError as error:
            raise Misfit(fields.type_mistake(error, self.type, document)) from error

    def encode(self, obj: Any) -> bytes:
        return encode_object(obj)

    def decode(self, data: bytes) -> Any:
        return decode(data, self.type)


@cache
def shape_of(type_: type[KubeStruct]) -> Shape:
    """Return the shape of an API type."""
    return StructShape(type_)
