"""Writes every amount of a document canonically; types without amounts cost one look-up."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Annotated, Any, TypeAlias, get_args, get_origin

import msgspec

from controlplane.api import quantity
from controlplane.api.base import KubeStruct, Quantity
from controlplane.api.codec import Document
from controlplane.api.fields import plain_type

_Step: TypeAlias = Callable[[dict[str, Any], str], None]

_MILLI = 10**6  # in nanos: upstream rounds the entries of a resource list up to thousandths
_scalars = frozenset(get_args(Quantity))


def canonicalise(document: Document, type_: type[KubeStruct], settled: Container[str] = ()) -> None:
    """Rewrite the amounts of a document in place, but for those in `settled`. Raises quantity.QuantityError."""
    for name, step in _steps_of(type_).items():
        if name in document and name not in settled:
            step(document, name)


_compiled: dict[type[KubeStruct], dict[str, _Step]] = {}


def _steps_of(type_: type[KubeStruct]) -> dict[str, _Step]:
    """Return, for each field of a type in or below which there are amounts, how to rewrite them."""
    if type_ not in _compiled:
        _compiled[type_] = {}  # a type that contains itself has no amounts below the repetition
        found = {field.encode_name: _step_of(field.type) for field in msgspec.structs.fields(type_)}
        _compiled[type_] = {name: step for name, step in found.items() if step is not None}
    return _compiled[type_]


def _step_of(annotation: Any) -> _Step | None:
    if _is_quantity(annotation):
        return _one
    kind = plain_type(annotation)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is dict and _is_quantity(arguments[1]):
        return _resource_list
    if isinstance(kind, type) and issubclass(kind, KubeStruct) and _steps_of(kind):
        return _struct(kind)
    if origin is list and isinstance(arguments[0], type) and issubclass(arguments[0], KubeStruct):
        return _struct_list(arguments[0]) if _steps_of(arguments[0]) else None
    return None


def _is_quantity(annotation: Any) -> bool:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return frozenset(get_args(annotation)) - {type(None)} == _scalars


def _struct(kind: type[KubeStruct]) -> _Step:
    def step(owner: dict[str, Any], name: str) -> None:
        if isinstance(owner[name], dict):
            canonicalise(owner[name], kind)

    return step


def _struct_list(kind: type[KubeStruct]) -> _Step:
    def step(owner: dict[str, Any], name: str) -> None:
        for item in owner[name] if isinstance(owner[name], list) else ():
            if isinstance(item, dict):
                canonicalise(item, kind)

    return step


def _one(owner: dict[str, Any], name: str) -> None:
    if type(owner[name]) in _scalars:
        owner[name] = quantity.canonical(owner[name])


def _resource_list(owner: dict[str, Any], name: str) -> None:
    amounts = owner[name]
    if not isinstance(amounts, dict):
        return
    for resource, amount in amounts.items():
        if type(amount) in _scalars:
            amounts[resource] = _in_milli(amount)


def _in_milli(amount: Quantity) -> str:
    exact = quantity.amount(amount)
    if exact.nanos % _MILLI:
        return quantity.render(exact._replace(nanos=-(-exact.nanos // _MILLI) * _MILLI))
    return quantity.canonical(amount)
