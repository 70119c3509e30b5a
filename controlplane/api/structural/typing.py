"""A JSON schema inside a JSON schema: items and additionalProperties may be several things, so no Struct types them.

Here they are given the types that they would have, or are refused in the words of upstream's decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from controlplane.api import fields
from controlplane.api.apiextensions_v1 import JSONSchemaProps
from controlplane.api.codec import Document

_ONE_OF_SEVERAL = ("items", "additionalItems", "additionalProperties")


class SchemaTypeError(ValueError):
    """A value in a schema that has not the type it should have; the text is upstream's."""


def settle(raw: Document) -> None:
    """Drop unknown fields and nulls of the schemas below one that is typed itself. Raises SchemaTypeError."""
    for key in _ONE_OF_SEVERAL:
        value = raw.get(key)
        if value is None or (isinstance(value, bool) and key != "items"):
            continue
        for one in value if isinstance(value, list) and key == "items" else [value]:
            _check(one)
    for one in _below(raw):
        settle(one)


def _check(value: Any) -> None:
    if not isinstance(value, dict):
        kinds = {str: "string", bool: "bool", list: "array"}
        found = kinds.get(type(value), "number")
        raise SchemaTypeError(f"json: cannot unmarshal {found} into Go value of type v1.JSONSchemaProps")
    fields.prune(value, JSONSchemaProps)
    try:
        msgspec.convert(value, JSONSchemaProps)
    except msgspec.ValidationError as error:
        raise SchemaTypeError(fields.type_mistake(error, JSONSchemaProps, value)) from error


def _below(raw: Document) -> Iterator[Document]:
    for key in ("properties", "patternProperties", "definitions"):
        yield from (raw.get(key) or {}).values()
    for key in ("allOf", "anyOf", "oneOf"):
        yield from raw.get(key) or ()
    for key in ("not", *_ONE_OF_SEVERAL):
        value = raw.get(key)
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))
