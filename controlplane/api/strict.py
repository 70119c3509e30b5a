"""Does a document hold just what its type says, no more? Asked of msgspec, in one conversion in C.

API types let unknown fields pass: whoever reads must not stumble over what a newer server wrote. A write is looked at
more closely. For that each type has a twin, made when first needed, that refuses what it does not know; nearly every
document fits, and only those that do not are walked through to say what is wrong (`fields`).
"""

from __future__ import annotations

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document


class _ContainsItself(Exception):
    """A type whose twin would have to be there before it is made: a schema, in which there are schemas."""


def fits(document: Document, type_: type[KubeStruct]) -> bool:
    """Return whether a document has fields of its type only, with values of the right types; null counts as one."""
    twin = _twin_of(type_)
    if twin is None:
        return False
    try:
        msgspec.convert(document, twin)
    except msgspec.ValidationError:
        return False
    return True


@cache
def _twin_of(type_: type[KubeStruct]) -> type[msgspec.Struct] | None:
    try:
        return _Builder().twin(type_)
    except _ContainsItself:
        return None


class _Builder:
    def __init__(self) -> None:
        self._made: dict[type, type[msgspec.Struct] | None] = {}  # None: being made

    def twin(self, type_: type[KubeStruct]) -> type[msgspec.Struct]:
        if type_ not in self._made:
            self._made[type_] = None
            fields = msgspec.structs.fields(type_)
            self._made[type_] = msgspec.defstruct(
                type_.__name__,
                [(field.name, self._of(field.type), None) for field in fields],
                rename={field.name: field.encode_name for field in fields},
                forbid_unknown_fields=True,
                kw_only=True,
            )
        made = self._made[type_]
        if made is None:
            raise _ContainsItself(type_)
        return made

    def _of(self, annotation: Any) -> Any:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return Annotated[(self._of(arguments[0]), *arguments[1:])]
        if origin in (Union, types.UnionType):
            return Union[tuple(map(self._of, arguments))]  # noqa: UP007  # of as many as there are
        if origin in (list, dict):
            return origin[tuple(map(self._of, arguments))]
        if isinstance(annotation, type) and issubclass(annotation, KubeStruct):
            return self.twin(annotation)
        return annotation
