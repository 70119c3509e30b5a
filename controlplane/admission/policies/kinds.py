"""Built-in kinds as types of expressions, to check a policy against what it is for."""

from __future__ import annotations

import types as python_types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.cel.types import BOOL, DOUBLE, DYN, INT, STRING, TIMESTAMP, Field, ObjectType, Type, list_of, map_of

_SCALARS: dict[Any, Type] = {bool: BOOL, int: INT, float: DOUBLE, str: STRING}
_TIMES = ("Time", "MicroTime")


@cache
def object_type(type_: type[KubeStruct]) -> ObjectType:
    """Return the type of a kind's objects, with all that is below."""
    return _Builder().object(type_)


class _Builder:
    def __init__(self) -> None:
        self._made: dict[type, ObjectType] = {}

    def object(self, type_: type[KubeStruct]) -> ObjectType:
        if type_ not in self._made:
            fields: dict[str, Field] = {}
            self._made[type_] = ObjectType(type_.__name__, fields=fields)  # filled below: types may contain themselves
            hints = get_type_hints(type_, include_extras=True)
            for field in msgspec.structs.fields(type_):
                fields[field.encode_name] = Field(self.place(hints[field.name]))
        return self._made[type_]

    def place(self, hint: Any) -> Type:
        marks, hint = _unmarked(hint)
        if any(mark in _TIMES for mark in marks if isinstance(mark, str)):
            return TIMESTAMP
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, python_types.UnionType):
            inner = [one for one in arguments if one is not type(None)]
            return self.place(inner[0]) if len(inner) == 1 else DYN  # a quantity, a number or a name
        if origin is list:
            return list_of(self.place(arguments[0]))
        if origin is dict:
            return map_of(STRING, self.place(arguments[1]))
        if isinstance(hint, type) and issubclass(hint, KubeStruct):
            return self.object(hint)
        return _SCALARS.get(hint, DYN)


def _unmarked(hint: Any) -> tuple[list[Any], Any]:
    marks = list(_marks(hint))
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return marks, hint


def _marks(hint: Any) -> Iterator[Any]:
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        yield from more
