"""Does a document have the fields of its type? Unknown ones, duplicate ones, wrongly typed ones, in upstream's words.

    prune({"spec": {"replicas": 1, "foo": 2}, ...}, Deployment) == ['unknown field "spec.foo"']   # and foo is gone
    duplicate_fields(b'{"spec": {"replicas": 1, "replicas": 2}}', document) == ['duplicate field "spec.replicas"']

Every write passes here, so each type is compiled once into a table of its field names and of the few fields that lead
to further types; a clean pod costs one set comparison an object.
"""

from __future__ import annotations

import json
import re
import types
from collections import Counter
from collections.abc import Callable, Container, Iterator
from typing import Annotated, Any, Protocol, TypeAlias, Union, get_args, get_origin

import msgspec

from controlplane.api.base import Int64, KubeStruct
from controlplane.api.codec import Document

_Found: TypeAlias = list[str]

_MOST = 100  # upstream stops listing mistakes there


def prune(document: Document, type_: type[KubeStruct], settled: Container[str] = ()) -> list[str]:
    """Drop the fields that `type_` does not have, and null ones, which mean absent; return a line for each unknown.

    `settled` are fields at the top that have been through this before.
    """
    return [f'unknown field "{path}"' for path in unknown(document, type_, settled)[:_MOST]]


def unknown(document: Document, type_: type[KubeStruct], settled: Container[str] = ()) -> list[str]:
    """Do the same, and return the paths alone."""
    found: _Found = []
    table = table_of(type_)
    if not table.is_clean(document, settled):
        table.walk(document, "", found, settled)
    return found


class _Inner(Protocol):
    """What a field's value is looked through with."""

    def is_clean(self, value: Any) -> bool: ...
    def walk(self, value: Any, path: str, found: _Found) -> None: ...


class Table:
    """A type's field names, and how to go on where a field holds further types."""

    __slots__ = ("inner", "names", "type")

    def __init__(self, type_: type[KubeStruct]):
        self.type = type_
        self.names: frozenset[str] = frozenset()
        self.inner: dict[str, _Inner] = {}

    def compile(self) -> None:
        fields = msgspec.structs.fields(self.type)
        self.names = frozenset(field.encode_name for field in fields)
        for field in fields:
            inner = _inner_of(field.type)
            if inner is not None:
                self.inner[field.encode_name] = inner

    def is_clean(self, value: Any, settled: Container[str] = ()) -> bool:
        """Return whether there is nothing to drop: nearly always, and found out without a path for anything."""
        if type(value) is not dict:
            return True
        if not self.names.issuperset(value) or None in value.values():
            return False
        inner = self.inner
        for name, one in value.items():
            if name in inner and name not in settled and not inner[name].is_clean(one):
                return False
        return True

    def walk(self, value: Any, path: str, found: _Found, settled: Container[str] = ()) -> None:
        if type(value) is not dict:
            return  # not what the type says: converting it reports that
        if not self.names.issuperset(value) or None in value.values():
            self._drop(value, path, found)
        for name, inner in self.inner.items():
            if name in value and name not in settled:
                inner.walk(value[name], f"{path}.{name}" if path else name, found)

    def _drop(self, value: dict[str, Any], path: str, found: _Found) -> None:
        for name in list(value):
            if name not in self.names:
                found.append(f"{path}.{name}" if path else name)
                del value[name]
            elif value[name] is None:
                del value[name]


_tables: dict[type[KubeStruct], Table] = {}


def table_of(type_: type[KubeStruct]) -> Table:
    if type_ not in _tables:
        _tables[type_] = table = Table(type_)  # entered before it is compiled: a type may contain itself
        table.compile()
    return _tables[type_]


def plain_type(annotation: Any) -> Any:
    """Return an annotation without its marks and without `| None`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [one for one in get_args(annotation) if one is not type(None)]
        return plain_type(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _inner_of(annotation: Any) -> _Inner | None:
    kind = plain_type(annotation)
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, KubeStruct):
        return table_of(kind)
    if origin is list and arguments[0] is not Any:  # where anything goes, null does
        return _List(_inner_of(arguments[0]))
    if origin is dict and arguments[1] is str:
        return _TextMap()
    return None


class _List:
    """A list; Go reads null in one as the zero value."""

    __slots__ = ("each",)

    def __init__(self, each: _Inner | None):
        self.each = each

    def is_clean(self, value: Any) -> bool:
        if type(value) is not list:
            return True
        if None in value:
            return False
        return self.each is None or all(map(self.each.is_clean, value))

    def walk(self, value: Any, path: str, found: _Found) -> None:
        if type(value) is not list:
            return
        if None in value:
            zero: Callable[[], Any] = dict if self.each else str
            value[:] = [zero() if one is None else one for one in value]
        if self.each is not None:
            for index, one in enumerate(value):
                self.each.walk(one, f"{path}[{index}]", found)


class _TextMap:
    """A map to texts: null is an empty one."""

    def is_clean(self, value: Any) -> bool:
        return type(value) is not dict or None not in value.values()

    def walk(self, value: Any, path: str, found: _Found) -> None:
        if type(value) is dict:
            value.update({key: "" for key, one in value.items() if one is None})


# --- duplicates


def duplicate_fields(raw: bytes, document: Any) -> list[str]:
    """Return a line for each field that JSON `raw`, which was parsed into `document`, gives twice.

    A field that comes twice is lost with its colon when the document is written again. All other colons are still
    there: they separate, or stand in a text, where nobody escapes them; who does is looked at more closely.
    """
    if raw.count(b":") == _encode(document).count(b":") and b"\\u003" not in raw:
        return []
    return [f'duplicate field "{path}"' for path in _duplicates(json.loads(raw, object_pairs_hook=_Pairs), "")][:_MOST]


_encode = msgspec.json.Encoder().encode


class _Pairs(dict[str, Any]):
    """A JSON object that remembers which keys came twice."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs) if len(self) != len(pairs) else {}
        self.twice = [key for key, count in counts.items() if count > 1]


def _duplicates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        yield from (f"{path}.{key}" if path else key for key in value.twice)
        for key, one in value.items():
            yield from _duplicates(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _duplicates(one, f"{path}[{index}]")


def duplicate_yaml_keys(text: bytes | str) -> list[str]:
    """Return a line for each key that a YAML mapping gives twice, as upstream's YAML reader reports them."""
    import yaml

    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    lines = [f'  line {line}: key "{key}" already set in map' for line, key in _yaml_duplicates(root, yaml)]
    return ["yaml: unmarshal errors:\n" + "\n".join(lines)] if lines else []


def _yaml_duplicates(node: Any, yaml: Any) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _yaml_duplicates(value, yaml)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _yaml_duplicates(item, yaml)


# --- wrong types

_EXPECTED = re.compile(r"(?P<why>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?")
_GOT = re.compile(r"got `(\w+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_GO_KINDS = {"str": "string", "int": "number", "float": "number", "bool": "bool", "array": "array", "object": "object"}
_TOO_WIDE = ("Expected `int` >=", "Expected `int` <=", "Integer value out of range")


def type_mistake(error: msgspec.ValidationError, type_: type[KubeStruct], document: Any = None) -> str:
    """Return upstream's words for a value of the wrong type.

    `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`
    """
    parts = _EXPECTED.fullmatch(str(error))
    got = _GOT.search(str(error))
    found = "int" if str(error).startswith(_TOO_WIDE) else got[1] if got else ""
    if parts is None or found not in _GO_KINDS:
        return f"json: {error}"
    steps = [name or f"[{index}]" for name, index in _STEP.findall(parts["path"] or "")]
    owner, kind = _owner(type_, steps)
    where = ".".join(step for step in steps if not step.startswith("["))
    number = _number(document, steps) if found == "float" or got is None else ""
    field = f"Go struct field {owner.__name__}.{where}" if where else "Go value"
    return f"json: cannot unmarshal {_GO_KINDS[found]}{number} into {field} of type {_go_type(kind)}"


def _number(document: Any, steps: list[str]) -> str:
    """Return the number that does not fit: the kind alone would not say what is wrong with it."""
    value = _at(document, steps)
    return "" if value is None else f" {value}"


def _owner(type_: type[KubeStruct], steps: list[str]) -> tuple[type[KubeStruct], Any]:
    """Return the Struct that holds the field at the end of `steps`, and that field's type."""
    owner, kind = type_, type_
    for step in steps:
        current = plain_type(kind)
        if get_origin(current) in (list, dict):
            kind = get_args(current)[-1]
        elif isinstance(current, type) and issubclass(current, KubeStruct):
            owner = current
            kind = {field.encode_name: field.type for field in msgspec.structs.fields(current)}.get(step, str)
    return owner, kind


def _go_type(annotation: Any) -> str:
    kind = plain_type(annotation)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list:
        return f"[]{_go_type(arguments[0])}"
    if origin is dict:
        return f"map[string]{_go_type(arguments[1])}"
    if kind is int:
        return "int64" if Int64 in (annotation, *get_args(annotation)) else "int32"
    if kind in (str, bool):
        return "string" if kind is str else "bool"
    return f"v1.{kind.__name__}" if isinstance(kind, type) and kind is not object else "interface {}"


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        try:
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value
