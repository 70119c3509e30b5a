"""Sets of fields in the form the wire has them (FieldsV1), and what one does with sets.

```
 {"f:metadata": {"f:labels": {".": {}, "f:app": {}}},                 .metadata.labels, .metadata.labels.app
  "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
```

`f:` is a field or key, `k:` an element of a list known by some of its fields, `v:` a scalar in a set. A node is in the
set itself when it is empty or holds "."; otherwise it only leads to others. No function here changes its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from controlplane.apiserver.patch.schema import Schema

FieldSet: TypeAlias = dict[str, Any]

_SELF = "."
# What fills in for a key that an element leaves out. Upstream's schema has this one default for list keys.
_KEY_DEFAULTS = {"protocol": "TCP"}


def is_member(node: FieldSet) -> bool:
    """True when the node itself is in the set."""
    return not node or _SELF in node


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in either."""
    if not one or not other:  # leaves, or an empty set at the top
        return _with_self(one or other) if one or other else {}
    result = dict(one)
    for key, node in other.items():
        mine = result.get(key)
        result[key] = node if mine is None else union(mine, node)
    return result


def _with_self(node: FieldSet) -> FieldSet:
    return node if _SELF in node else {_SELF: {}, **node}


def merge_sets(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return the union of two whole sets, whose top is no member."""
    if not one or not other:
        return one or other
    return union(one, other)


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in `one` only. A leaf of `other` takes everything below it along."""
    return _difference(one, other, top=True) or {}


def _difference(one: FieldSet, other: FieldSet, top: bool = False) -> FieldSet | None:
    """None: nothing is left of this node."""
    result: FieldSet = {}
    for key, node in one.items():
        taken = other.get(key)
        if taken is None:
            result[key] = node
        elif taken and node and (left := _difference(node, taken)) is not None:
            result[key] = left
        elif taken and not node and _SELF not in taken:
            result[key] = node
    if top or result.keys() - {_SELF}:
        return result
    return {} if _SELF in result else None


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in both; a leaf of `other` stands for everything below it, too."""
    return _intersection(one, other, top=True) or {}


def _intersection(one: FieldSet, other: FieldSet, top: bool = False) -> FieldSet | None:
    if not other and not top:
        return one
    if not one and not top:
        return {} if _SELF in other else None
    result: FieldSet = {}
    for key in one.keys() & other.keys():
        if key == _SELF:
            result[key] = {}
        elif (both := _intersection(one[key], other[key])) is not None:
            result[key] = both
    if not top and result.keys() == {_SELF}:
        return {}
    return result or None


def paths(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """Yield each member as messages name it: .spec.containers[name="web"].image"""
    for key in sorted(fields):
        if key == _SELF:
            continue
        path = prefix + _path_element(key)
        if is_member(fields[key]):
            yield path
        yield from paths(fields[key], path)


def _path_element(key: str) -> str:
    kind, text = key[:2], key[2:]
    if kind == "k:":
        shown = (f"{name}={msgspec.json.encode(value).decode()}" for name, value in sorted(_decoded(text).items()))
        return f"[{','.join(shown)}]"
    return f"[={text}]" if kind == "v:" else f".{text}"


def _decoded(text: str) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(text)
    return value


def element(item: Any, schema: Schema) -> str | None:
    """Return the name of a list's element within a set; None when the element cannot be told apart."""
    if schema.is_set:
        return "v:" + _encode(item).decode()
    if not isinstance(item, dict):
        return None
    keys: dict[str, Any] = {}
    defaults = _KEY_DEFAULTS if schema.key_defaults is None else schema.key_defaults
    for name in schema.keys:
        value = item.get(name, defaults.get(name))
        if value is not None:
            keys[name] = value
    return "k:" + _encode(keys).decode() if keys else None


_encode = msgspec.json.Encoder(order="sorted").encode


def by_element(items: list[Any], schema: Schema) -> dict[str, Any] | None:
    """Return the elements of a list by name; None where two have the same or one has none: it is one value then."""
    named: dict[str, Any] = {}
    for item in items:
        name = element(item, schema)
        if name is None or name in named:
            return None
        named[name] = item
    return named
