"""Which fields differ between two versions of an object, as sets of fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.apiserver.patch.field_set import FieldSet, by_element
from controlplane.apiserver.patch.schema import ANY, Kind, Schema

_LEAF: FieldSet = {}
_UNKNOWN = Kind.ANY  # looking up a member of an enum costs as much as all else that is asked of a scalar
_CONTAINERS = frozenset((dict, list))


def changed_fields(old: dict[str, Any], new: dict[str, Any], schema: Schema) -> tuple[FieldSet, FieldSet]:
    """Return the fields that were added or changed, and those that were removed.

    What is equal is left at once, by Python's own comparison: most of an object is the same after most writes.
    """
    found = _changes(old, new, schema)
    return found if found is not None else ({}, {})


Changes = tuple[FieldSet, FieldSet]


def _changes(old: Any, new: Any, schema: Schema) -> Changes | None:
    """None: the two have to be taken as whole values."""
    if schema.atomic or not old or not new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        return None if schema.kind is _UNKNOWN else _compare("f:", old, new, schema.field)
    if isinstance(old, list) and isinstance(new, list) and (schema.keys or schema.is_set):
        old_named, new_named = by_element(old, schema), by_element(new, schema)
        if old_named is not None and new_named is not None:
            return _compare("", old_named, new_named, lambda _: schema.field(""))
    return None


def _compare(prefix: str, old: dict[str, Any], new: dict[str, Any], part: Callable[[str], Schema]) -> Changes:
    changed: FieldSet = {}
    removed: FieldSet = {}
    for key, value in new.items():
        before = old.get(key, _ABSENT)
        if before is value or before == value:
            continue
        name = prefix + key
        if before is _ABSENT:
            changed[name] = added_fields(value, part(key))
            continue
        inner = _changes(before, value, part(key))
        if inner is None:
            changed[name] = _LEAF
            continue
        for target, fields in zip((changed, removed), inner, strict=True):
            if fields:
                target[name] = fields
    removed.update({prefix + key: _LEAF for key in old if key not in new})
    return changed, removed


_ABSENT = object()


def _part(schema: Schema, key: str) -> Schema:
    return schema.field(key[2:]) if key.startswith("f:") else schema.field("")


def added_fields(value: Any, schema: Schema) -> FieldSet:
    """Return all fields of something new: itself and what lies in it.

    Every create comes through here with a whole object, so it looks at scalars as little as it can.
    """
    if schema.atomic or schema.kind is _UNKNOWN or not value:
        return _LEAF
    fields: FieldSet = {} if schema.always_there else {".": _LEAF}
    if type(value) is dict:
        known, other = schema.fields, schema.items or ANY
        for key, inner in value.items():
            inside = inner and type(inner) in _CONTAINERS
            fields["f:" + key] = added_fields(inner, known.get(key) or other) if inside else _LEAF
        return fields
    named = by_element(value, schema) if schema.keys or schema.is_set else None
    if not named:
        return _LEAF
    element = schema.items or ANY
    for key, inner in named.items():
        fields[key] = added_fields(inner, element) if type(inner) in _CONTAINERS else _LEAF
    return fields


def applied_fields(value: Any, schema: Schema) -> FieldSet:
    """Return the fields that an applied configuration claims: its values, and the elements of its lists."""
    fields: FieldSet = {}
    for key, inner in (_parts(value, schema) or {}).items():
        part = _part(schema, key)
        below = applied_fields(inner, part)
        if key[0] == "k" and below:
            fields[key] = {".": {}, **below}
        elif below or not isinstance(inner, list) or part.atomic or inner:
            fields[key] = below
    return fields


def _parts(value: Any, schema: Schema) -> dict[str, Any] | None:
    """Return what a value consists of; None when it is owned as a whole."""
    if schema.atomic or schema.kind is Kind.ANY:
        return None
    if isinstance(value, dict):
        return {f"f:{key}": inner for key, inner in value.items()}
    if isinstance(value, list) and (schema.keys or schema.is_set):
        return by_element(value, schema)
    return None
