"""Reads every time of a document as upstream does, and writes it in UTC; types without times cost one look-up.

    settle({"metadata": {...}, "lastTimestamp": "2026-01-01T01:00:00+01:00"}, Event)    # now 2026-01-01T00:00:00Z
    settle({"lastTimestamp": "yesterday"}, Event)                                       # raises TimeError

A time that nobody can read must not be stored: it would stop whoever lists the object, controllers included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeGuard, Union, get_args, get_origin

import msgspec

from controlplane.api.base import KubeStruct, MicroTime, Time
from controlplane.api.codec import Document
from controlplane.api.fields import plain_type
from controlplane.kit.timestamps import format_micro_time, format_time, parse_time

_Step: TypeAlias = Callable[[dict[str, Any], str], None]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SECONDS = len("2006-01-02T15:04:05Z")
_MICROSECONDS = len("2006-01-02T15:04:05.000000Z")


class TimeError(ValueError):
    """Text that names no time, in Go's words."""


def settle(document: Document, type_: type[KubeStruct], settled: Container[str] = ()) -> None:
    """Rewrite the times of a document, whose types are right, in place; not those in `settled`. Raises TimeError."""
    for name, step in _steps_of(type_).items():
        if name in document and name not in settled:
            step(document, name)


_compiled: dict[type[KubeStruct], dict[str, _Step]] = {}


def _steps_of(type_: type[KubeStruct]) -> dict[str, _Step]:
    """Return, for each field of a type in or below which there are times, how to settle them."""
    if type_ not in _compiled:
        _compiled[type_] = {}  # a type that contains itself has no times below the repetition
        found = {field.encode_name: _step_of(field.type) for field in msgspec.structs.fields(type_)}
        _compiled[type_] = {name: step for name, step in found.items() if step is not None}
    return _compiled[type_]


def _step_of(annotation: Any) -> _Step | None:
    if _mentions(annotation, Time):
        return _time
    if _mentions(annotation, MicroTime):
        return _micro_time
    kind = plain_type(annotation)
    if _has_times(kind):
        return _struct(kind)
    item = get_args(kind)[0] if get_origin(kind) is list else None
    return _struct_list(item) if _has_times(item) else None


def _has_times(kind: Any) -> TypeGuard[type[KubeStruct]]:
    return isinstance(kind, type) and issubclass(kind, KubeStruct) and bool(_steps_of(kind))


def _struct(kind: type[KubeStruct]) -> _Step:
    def step(owner: dict[str, Any], name: str) -> None:
        if owner[name] is not None:
            settle(owner[name], kind)

    return step


def _struct_list(kind: type[KubeStruct]) -> _Step:
    def step(owner: dict[str, Any], name: str) -> None:
        for item in owner[name] or ():
            settle(item, kind)

    return step


def _mentions(annotation: Any, time: Any) -> bool:
    """Return whether an annotation is a time, or a time or None."""
    while get_origin(annotation) is Annotated and annotation != time:
        annotation = get_args(annotation)[0]
    return time in (annotation, *(get_args(annotation) if get_origin(annotation) is Union else ()))


def _time(owner: dict[str, Any], name: str) -> None:
    text = owner[name]
    if text is not None:
        moment = _read(text, "2006-01-02T15:04:05Z07:00")
        if len(text) != _SECONDS:
            owner[name] = format_time(moment)


def _micro_time(owner: dict[str, Any], name: str) -> None:
    text = owner[name]
    if text is not None:
        moment = _read(text, "2006-01-02T15:04:05.000000Z07:00")
        if len(text) != _MICROSECONDS or text[-1] != "Z":
            owner[name] = format_micro_time(moment)


def _read(text: str, layout: str) -> datetime:
    if not _RFC3339.fullmatch(text):
        quoted = msgspec.json.encode(text).decode()
        raise TimeError(f'parsing time {quoted} as "{layout}": cannot parse {quoted} as "2006"')
    try:
        return parse_time(text)
    except (ValueError, OverflowError) as error:
        raise TimeError(f'parsing time "{text}": out of range') from error
