"""A Struct as an OpenAPI definition, under upstream's name.

Pod ──► io.k8s.api.core.v1.Pod {"properties": {"metadata": {"$ref": "…meta.v1.ObjectMeta"}, …}, …}

`Schemas` collects: asked for one definition, it also has all those that one refers to.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from controlplane.api.base import Atomic, KubeStruct, ListMap, ListSet, Replace, RetainKeys, is_always_there
from controlplane.api.generate import MODULES
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.openapi.dialect import Dialect, Node
from controlplane.apiserver.openapi.facts import ATOMIC, FORMATS, REQUIRED, UNIONS

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
PATCH = f"{META}.Patch"

GroupVersionKind = tuple[str, str, str]

_PREFIXES = {module: prefix for prefix, module in MODULES.items()}


class _Time: ...


class _MicroTime: ...


class _Quantity: ...


class _IntOrString: ...


class _Number: ...


class _Json: ...


class _SchemaOrArray: ...


class _SchemaOrBool: ...


class _SchemaOrTexts: ...


class _StatusOfCustomResource: ...


# The names in annotations that stand for a definition of their own, though to Python they are text or numbers.
_NAMED = {
    "Time": _Time,
    "MicroTime": _MicroTime,
    "Number": _Number,
    "Quantity": _Quantity,
    "IntOrString": _IntOrString,
    "JSON": _Json,
    "JSONSchemaPropsOrArray": _SchemaOrArray,
    "JSONSchemaPropsOrBool": _SchemaOrBool,
    "JSONSchemaPropsOrStringArray": _SchemaOrTexts,
    "CustomResourceSubresourceStatus": _StatusOfCustomResource,
}
_APIEXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
# Definitions that say little: an object, or anything at all.
_OPEN: Mapping[Any, tuple[str, Node]] = {
    _Json: (f"{_APIEXTENSIONS}.JSON", {}),
    _SchemaOrArray: (f"{_APIEXTENSIONS}.JSONSchemaPropsOrArray", {}),
    _SchemaOrBool: (f"{_APIEXTENSIONS}.JSONSchemaPropsOrBool", {}),
    _SchemaOrTexts: (f"{_APIEXTENSIONS}.JSONSchemaPropsOrStringArray", {}),
    _StatusOfCustomResource: (f"{_APIEXTENSIONS}.CustomResourceSubresourceStatus", {"type": "object"}),
}
_TIMES = {_Time: f"{META}.Time", _MicroTime: f"{META}.MicroTime"}
_EITHER = {
    _Quantity: ("io.k8s.apimachinery.pkg.api.resource.Quantity", ("string", "number"), ""),
    _IntOrString: ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", ("integer", "string"), "int-or-string"),
}
_FREE = (f"{META}.FieldsV1", "io.k8s.apimachinery.pkg.runtime.RawExtension")
_SCALARS: Mapping[Any, Node] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    _Number: {"type": "number"},
    bool: {"type": "boolean"},
}


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind that is no Struct: what its definition is called, and the schema of its fields in each dialect."""

    name: str
    list_name: str
    v3: Node  # {}: nothing is known of its fields
    v2: Node
    selectable: tuple[str, ...] = ()


Described = type[KubeStruct] | Defined


def full_name(type_: Described) -> str:
    """Return upstream's name of a type's definition."""
    if isinstance(type_, Defined):
        return type_.name
    return f"{_PREFIXES[type_.__module__.rpartition('.')[2]]}.{type_.__name__}"


def list_name(type_: Described) -> str:
    """Return upstream's name of the definition of a kind's list."""
    return type_.list_name if isinstance(type_, Defined) else full_name(type_) + "List"


class Schemas:
    """The definitions one document needs, collected while references to them are made."""

    def __init__(
        self,
        dialect: Dialect,
        kinds: Mapping[str, Iterable[GroupVersionKind]],
        descriptions: Mapping[str, Mapping[str, Any]],
    ):
        self._dialect, self._kinds, self._descriptions = dialect, kinds, descriptions
        self.definitions: dict[str, Node] = {}

    def of(self, type_: Described) -> Node:
        """Return a reference to a type's definition."""
        name = full_name(type_)
        if name not in self.definitions:
            self.definitions[name] = {}  # entered before it is made: a type may contain itself
            node = self._defined(type_) if isinstance(type_, Defined) else self._object(type_, name)
            self.definitions[name] = self._finished(name, node)
        return self._dialect.ref(name)

    def _defined(self, kind: Defined) -> Node:
        schema = self._dialect.of(kind)
        if not schema:
            return {"type": "object"}  # naming some fields would tell kubectl that there are no others
        properties = {
            **schema.get("properties", {}),
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": self.of(ObjectMeta),
        }
        selectable = [{"fieldPath": path} for path in kind.selectable]
        return {**schema, "properties": properties} | (
            {"x-kubernetes-selectable-fields": selectable} if selectable else {}
        )

    def list_of(self, type_: Described, meta: type[KubeStruct]) -> Node:
        """Return a reference to the definition of a kind's list."""
        name = list_name(type_)
        if name not in self.definitions:
            items = {"type": "array", "items": self._dialect.field(self.of(type_), {"default": {}})}
            properties: dict[str, Node] = {
                "apiVersion": {"type": "string"},
                "items": items,
                "kind": {"type": "string"},
                "metadata": self._dialect.field(self.of(meta), {"default": {}}),
            }
            described = {
                wire: self._dialect.field(schema, self._described(name, wire)) if "allOf" not in schema
                else schema | self._described(name, wire)
                for wire, schema in properties.items()
            }  # fmt: skip
            self.definitions[name] = self._finished(
                name, {"type": "object", "required": ["items"], "properties": described}
            )
        return self._dialect.ref(name)

    def patch(self) -> Node:
        """Return a reference to the body of any PATCH."""
        self.definitions.setdefault(PATCH, self._described(PATCH) | {"type": "object"})
        return self._dialect.ref(PATCH)

    def sorted(self) -> dict[str, Node]:
        return dict(sorted(self.definitions.items()))

    def _object(self, type_: type[KubeStruct], name: str) -> Node:
        hints = get_type_hints(
            type_, localns=_NAMED | vars(sys.modules[type_.__module__]) | _NAMED, include_extras=True
        )
        properties = {
            field.encode_name: self._property(name, field, hints[field.name]) for field in msgspec.structs.fields(type_)
        }
        node: Node = {"type": "object", "properties": dict(sorted(properties.items()))}
        if name in REQUIRED:
            node["required"] = list(REQUIRED[name])
        if name in ATOMIC:
            node["x-kubernetes-map-type"] = "atomic"
        if name in UNIONS:
            node["x-kubernetes-unions"] = UNIONS[name]
        return node

    def _property(self, owner: str, field: msgspec.structs.FieldInfo, hint: Any) -> Node:
        marks: tuple[Any, ...] = ()
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            marks = tuple(more)
        wire = field.encode_name
        schema = self._place(hint, FORMATS.get(owner, {}).get(wire, ""), wire)
        notes = self._described(owner, wire) | marks_of(
            marks, is_list="items" in schema or schema.get("format") == "byte"
        )
        if is_always_there(field):
            notes["default"] = {}
        return self._dialect.field(schema, notes)

    def _place(self, hint: Any, format_: str, wire: str = "") -> Node:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]  # how wide a number is: the format says so
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return self._place(next(one for one in arguments if one is not type(None)), format_, wire)
        if origin is list:
            return {"type": "array", "items": self._place(arguments[0], format_)}
        if origin is dict:
            if arguments[1] is Any:
                return self._free(wire)
            return {"type": "object", "additionalProperties": self._place(arguments[1], format_)}
        if hint in _TIMES:
            return self._special(_TIMES[hint], {"type": "string", "format": "date-time"})
        if hint in _OPEN:
            return self._special(*_OPEN[hint])
        if hint in _EITHER:
            name, types_, special = _EITHER[hint]
            return self._special(name, self._dialect.either(types_, special))
        if hint in _SCALARS:
            return _SCALARS[hint] | ({"format": format_} if format_ else {})
        return self.of(hint)

    def _free(self, wire: str) -> Node:
        """Return a reference to one of the two types that hold any object."""
        return self._special(_FREE[0] if wire == "fieldsV1" else _FREE[1], {"type": "object"})

    def _special(self, name: str, schema: Node) -> Node:
        self.definitions.setdefault(name, self._described(name) | schema)
        return self._dialect.ref(name)

    def _finished(self, name: str, node: Node) -> Node:
        kinds = [
            {"group": group, "kind": kind, "version": version} for group, version, kind in self._kinds.get(name, ())
        ]
        return self._described(name) | node | ({"x-kubernetes-group-version-kind": kinds} if kinds else {})

    def _described(self, name: str, wire: str = "") -> Node:
        facts = self._descriptions.get(name, {})
        text = (facts.get("properties", {}).get(wire, {}) if wire else facts).get("description")
        return {"description": text} if text else {}


def marks_of(marks: Iterable[Any], *, is_list: bool) -> Node:
    """Return a field's merge rules in OpenAPI's words."""
    node: Node = {}
    for mark in marks:
        match mark:
            case ListMap(keys, merge_key, retain_keys):
                node |= _list_map(keys, merge_key, retain_keys)
            case ListSet(merge):
                node |= {"x-kubernetes-list-type": "set"} | ({"x-kubernetes-patch-strategy": "merge"} if merge else {})
            case Atomic():
                node["x-kubernetes-list-type" if is_list else "x-kubernetes-map-type"] = "atomic"
            case Replace():
                node["x-kubernetes-patch-strategy"] = "replace"
            case RetainKeys():
                node["x-kubernetes-patch-strategy"] = "retainKeys"
    return node


def _list_map(keys: tuple[str, ...], merge_key: str, retain_keys: bool) -> Node:
    strategies = (["merge"] if merge_key else []) + (["retainKeys"] if retain_keys else [])
    node: Node = {}
    if keys:
        node = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    if merge_key:
        node["x-kubernetes-patch-merge-key"] = merge_key
    if strategies:
        node["x-kubernetes-patch-strategy"] = ",".join(strategies)
    return node
