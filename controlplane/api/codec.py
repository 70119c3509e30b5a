"""Bytes to objects and back, and the loose form (`Document`) in which the server changes an object."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.resources import BY_TYPE

Document: TypeAlias = dict[str, Any]
"""An object as parsed JSON, wire names and all: what patches, defaults and admission change in place."""

T = TypeVar("T")


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_encoder = msgspec.json.Encoder()


def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    if type_ not in _decoders:
        _decoders[type_] = msgspec.json.Decoder(type_)
    return _decoders[type_]


def encode(value: Any) -> bytes:
    """Return the JSON of an object, a document or any part of them; an object is given its apiVersion and kind."""
    if isinstance(value, KubeStruct) and type(value) in BY_TYPE and not getattr(value, "kind", "?"):
        resource = BY_TYPE[type(value)]
        value = msgspec.structs.replace(value, api_version=resource.api_version, kind=resource.kind)
    return _encoder.encode(value)


def decode(data: bytes | str, type_: type[T]) -> T:
    """Return the object that JSON holds; unknown fields are dropped. Raises msgspec.DecodeError, ValidationError."""
    try:
        value: T = _decoder(type_).decode(data)
        return value
    except msgspec.ValidationError:
        # Go writes an empty list or map as null; that is the only leniency a second look gives.
        return msgspec.convert(without_nulls(msgspec.json.decode(data)), type_)


def to_document(value: KubeStruct) -> Document:
    """Return an object as the document it is on the wire."""
    document: Document = msgspec.json.decode(encode(value))
    return document


def from_document(document: Document, type_: type[T]) -> T:
    """Return the object a document holds. Raises msgspec.ValidationError, which names the field."""
    return msgspec.convert(document, type_)


def without_nulls(value: Any) -> Any:
    """Return a document without its null fields: on the wire null means absent."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value
