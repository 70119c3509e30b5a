"""What merging needs to know of a type, read once from its fields and marks.

```
 schema_of(PodSpec).fields["containers"]  ->  LIST, merge_key "name", keys ("name",), items: the schema of Container
```
"""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from controlplane.api import core_v1, discovery_v1, meta_v1, rbac_v1
from controlplane.api.base import Atomic, KubeStruct, ListMap, ListSet, Replace, RetainKeys, is_always_there


class Kind(enum.Enum):
    SCALAR = "scalar"
    OBJECT = "object"
    LIST = "list"
    MAP = "map"
    ANY = "any"


@dataclass(slots=True, eq=False)
class Schema:
    """One place in a type. Filled in after it is made: types may contain themselves."""

    kind: Kind
    fields: Mapping[str, Schema]  # of an object, by wire name
    items: Schema | None = None  # of a list or map
    merge_key: str = ""  # strategic merge patch merges the objects of this list by this field
    merges: bool = False  # strategic merge patch adds to this list
    retain_keys: bool = False
    replaces: bool = False  # strategic merge patch replaces this object as a whole
    keys: tuple[str, ...] = ()  # server-side apply tells the objects of this list apart by these fields
    is_set: bool = False  # server-side apply owns the values of this list one by one
    atomic: bool = False  # server-side apply owns this as a whole
    always_there: bool = False  # upstream's objects hold this even when the wire does not
    own_status: bool = True  # of a whole object: its status, if it has one, is written at a door of its own
    key_defaults: Mapping[str, Any] | None = None  # of `keys`, where elements leave them out; None: upstream's own

    def field(self, name: str) -> Schema:
        """Return the schema of what a key of this object or map holds; ANY where nothing is known."""
        return self.fields.get(name) or self.items or ANY


# Small objects that are one value: who sets one of their fields owns all of them (upstream's structType=atomic).
ATOMIC_TYPES: frozenset[type[KubeStruct]] = frozenset(
    {
        core_v1.ConfigMapKeySelector,
        core_v1.EndpointAddress,
        core_v1.EndpointPort,
        core_v1.EvictionResponder,
        core_v1.FileKeySelector,
        core_v1.LocalObjectReference,
        core_v1.NodeSelector,
        core_v1.NodeSelectorTerm,
        core_v1.ObjectFieldSelector,
        core_v1.ObjectReference,
        core_v1.ResourceFieldSelector,
        core_v1.ScopeSelector,
        core_v1.SecretKeySelector,
        core_v1.SecretReference,
        core_v1.TopologySelectorTerm,
        core_v1.TypedLocalObjectReference,
        discovery_v1.EndpointPort,
        meta_v1.LabelSelector,
        meta_v1.OwnerReference,
        rbac_v1.RoleRef,
        rbac_v1.Subject,
    }
)

ANY = Schema(Kind.ANY, {})
_SCALAR = Schema(Kind.SCALAR, {})


@cache
def schema_of(type_: type[KubeStruct]) -> Schema:
    """Return the schema of an API type."""
    return _Builder().object(type_)


class _Builder:
    def __init__(self) -> None:
        self._objects: dict[type, Schema] = {}

    def object(self, type_: type[KubeStruct]) -> Schema:
        if type_ not in self._objects:
            fields: dict[str, Schema] = {}
            self._objects[type_] = Schema(Kind.OBJECT, fields, atomic=type_ in ATOMIC_TYPES)
            hints = get_type_hints(type_, include_extras=True)
            for field in msgspec.structs.fields(type_):
                place = self.place(hints[field.name])
                always = is_always_there(field)
                fields[field.encode_name] = replace(place, always_there=True) if always else place
        return self._objects[type_]

    def place(self, hint: Any) -> Schema:
        marks: tuple[Any, ...] = ()
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            marks = tuple(more)
        return _marked(self.unmarked(hint), marks)

    def unmarked(self, hint: Any) -> Schema:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            inner = [one for one in arguments if one is not type(None)]
            return self.place(inner[0]) if len(inner) == 1 else _SCALAR
        if origin is list:
            return Schema(Kind.LIST, {}, self.place(arguments[0]))
        if origin is dict:
            return Schema(Kind.MAP, {}, self.place(arguments[1]))
        if isinstance(hint, type) and issubclass(hint, KubeStruct):
            return self.object(hint)
        return ANY if hint is Any else _SCALAR


def _marked(schema: Schema, marks: tuple[Any, ...]) -> Schema:
    """Return the schema with what its field's marks add; an object's own schema is shared by other fields."""
    for mark in marks:
        match mark:
            case ListMap(keys, merge_key, retain_keys):
                schema.keys, schema.merge_key, schema.merges = keys, merge_key, bool(merge_key)
                schema.retain_keys = retain_keys
            case ListSet(merge):
                schema.merges, schema.is_set = merge, True
            case Atomic():
                schema = replace(schema, atomic=True)
            case Replace():
                schema = replace(schema, replaces=True)
            case RetainKeys():
                schema = replace(schema, retain_keys=True)
    return schema
