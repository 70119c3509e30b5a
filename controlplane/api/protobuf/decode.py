"""From protobuf's wire format to documents, guided by the table in `schema.py`."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.api.protobuf.schema import MESSAGES
from controlplane.api.resources import RESOURCES
from controlplane.kit.timestamps import format_micro_time, format_time

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEPTH = 100  # messages inside messages; honest objects have about ten

# The same messages in every group.
_ANYWHERE = frozenset({
    "APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "DeleteOptions", "PartialObjectMetadata", "Status",
})  # fmt: skip
# Custom groups may begin with the same words: apps.example.com is not apps.
_GROUPS = {resource.group for resource in RESOURCES} | {"authentication.k8s.io", "authorization.k8s.io"}
_ZEROES: tuple[Any, ...] = (None, "", 0, False, {}, [])


class ProtobufError(ValueError):
    """Bytes that are no such message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: see `schema.py` for the marks."""

    name: str
    kind: str
    repeated: bool
    mapped: bool
    omits_zero: bool


def decode_object(data: bytes, default_api_version: str, default_kind: str) -> Document:
    """Return the object that bytes hold; one that names no kind is taken to be the default. Raises ProtobufError."""
    if not data.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    api_version, kind, raw = "", "", b""
    for number, value in read_fields(data[len(MAGIC) :]):
        if number == 1:
            named = dict(read_fields(_as_bytes(value)))
            api_version, kind = (_as_bytes(named.get(n, b"")).decode(errors="replace") for n in (1, 2))
        elif number == 2:
            raw = _as_bytes(value)
    api_version, kind = api_version or default_api_version, kind or default_kind
    message = message_of(api_version, kind)
    return {"apiVersion": api_version, "kind": kind, **_decode(raw, message, _DEPTH)}


def message_of(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    package = f"{group.partition('.')[0] or 'core'}_{version}"
    name = f"meta_v1.{kind}" if kind in _ANYWHERE else f"{package}.{kind}"
    if name not in MESSAGES or not (kind in _ANYWHERE or group in _GROUPS):
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return name


def has_message(api_version: str, kind: str) -> bool:
    """Return whether objects of a kind can be sent as protobuf; those of custom kinds cannot."""
    try:
        return bool(message_of(api_version, kind))
    except ProtobufError:
        return False


@cache
def schema_of(message: str) -> dict[int, Field]:
    package = message.partition(".")[0]
    fields = {}
    for text in MESSAGES[message].split():
        number, name, kind = text.split(":")
        bare = kind.lstrip("*~").removeprefix("[]").removeprefix("{}").lstrip("*")
        full = f"{package}{bare}" if bare.startswith(".") else bare
        fields[int(number)] = Field(name, full, "[]" in kind, "{}" in kind, "~" in kind)
    return fields


def _decode(data: bytes, message: str, depth: int) -> Any:
    if depth == 0:
        raise ProtobufError("messages are nested too deeply")
    schema = schema_of(message)
    document: Document = {}
    for number, value in read_fields(data):
        field = schema.get(number)
        if field is not None:
            _put(document, field, value, depth)
    wrapped = schema[1] if len(schema) == 1 and 1 in schema else None
    # A named list, such as a user's extra values, has a message of its own that JSON does not show.
    return document.get("", []) if wrapped and not wrapped.name and wrapped.repeated else document


def _put(document: Document, field: Field, value: int | bytes, depth: int) -> None:
    if field.mapped:
        entry = dict(read_fields(_as_bytes(value)))
        key = _text(_as_bytes(entry.get(1, b"")))
        document.setdefault(field.name, {})[key] = _value(field.kind, entry.get(2, b""), depth)
        return
    if field.repeated:
        _append(document.setdefault(field.name, []), field.kind, value, depth)
        return
    found = _value(field.kind, value, depth)
    if not field.name:
        document.update(found)
    elif found is not None and not (field.omits_zero and found in _ZEROES):
        document[field.name] = found


def _append(items: list[Any], kind: str, value: int | bytes, depth: int) -> None:
    if kind in ("int", "bool") and isinstance(value, bytes):  # packed
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            items.append(_signed(number) if kind == "int" else bool(number))
        return
    items.append(_value(kind, value, depth))


def _value(kind: str, value: int | bytes, depth: int) -> Any:
    if kind in ("int", "bool"):
        if value == b"":  # a map's entry leaves out what is zero
            value = 0
        if not isinstance(value, int):
            raise ProtobufError(f"expected a number, found {len(value)} bytes")
        return _signed(value) if kind == "int" else bool(value)
    if kind == "double":
        return _double(value)
    data = _as_bytes(value)
    if kind == "string":
        return _text(data)
    if kind == "bytes":
        return base64.b64encode(data).decode()
    if kind in _EITHER:
        return _EITHER[kind](data, depth - 1)
    decode = _SPECIAL.get(kind)
    return decode(data) if decode else _decode(data, kind, depth - 1)


def _double(value: int | bytes) -> float | int:
    """Return a number as JSON has it: a whole one without its fraction."""
    if not isinstance(value, int):
        raise ProtobufError(f"expected a number, found {len(value)} bytes")
    number: float = struct.unpack("<d", struct.pack("<Q", value & (1 << 64) - 1))[0]
    if not math.isfinite(number):
        raise ProtobufError(f"not a number of JSON: {number}")
    return int(number) if number.is_integer() else number


_SCHEMA = "apiextensions_v1.JSONSchemaProps"


def _schema_or_bool(data: bytes, depth: int) -> Any:
    fields = dict(read_fields(data))
    return _decode(_as_bytes(fields[2]), _SCHEMA, depth) if 2 in fields else bool(fields.get(1, 0))


def _schema_or_array(data: bytes, depth: int) -> Any:
    found = [
        (number, _decode(_as_bytes(value), _SCHEMA, depth)) for number, value in read_fields(data) if number in (1, 2)
    ]
    alone = [schema for number, schema in found if number == 1]
    return alone[-1] if alone else [schema for _, schema in found]


def _schema_or_strings(data: bytes, depth: int) -> Any:
    fields = list(read_fields(data))
    alone = [_decode(_as_bytes(value), _SCHEMA, depth) for number, value in fields if number == 1]
    return alone[-1] if alone else [_text(_as_bytes(value)) for number, value in fields if number == 2]


_EITHER: Mapping[str, Callable[[bytes, int], Any]] = {
    "SchemaOrArray": _schema_or_array,
    "SchemaOrBool": _schema_or_bool,
    "SchemaOrStrings": _schema_or_strings,
}


def _quantity(data: bytes) -> str:
    return _text(_as_bytes(dict(read_fields(data)).get(1, b"0"))) or "0"


def _int_or_string(data: bytes) -> int | str:
    fields = dict(read_fields(data))
    if fields.get(1, 0) == 1:
        return _text(_as_bytes(fields.get(3, b"")))
    number = fields.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _moment(data: bytes) -> datetime | None:
    fields = dict(read_fields(data))
    seconds, nanos = fields.get(1, 0), fields.get(2, 0)
    if not fields or not isinstance(seconds, int) or not isinstance(nanos, int):
        return None
    try:
        return datetime.fromtimestamp(_signed(seconds), UTC).replace(microsecond=max(0, _signed(nanos)) // 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise ProtobufError(f"not a time: {_signed(seconds)} seconds") from error


def _time(data: bytes) -> str | None:
    moment = _moment(data)
    return None if moment is None else format_time(moment)


def _micro_time(data: bytes) -> str | None:
    moment = _moment(data)
    return None if moment is None else format_micro_time(moment)


def _json(data: bytes) -> Any:
    raw = _as_bytes(dict(read_fields(data)).get(1, b""))
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise ProtobufError(f"raw JSON inside: {error}") from error


_SPECIAL = {
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "Time": _time,
    "MicroTime": _micro_time,
    "FieldsV1": _json,
    "Raw": _json,
}


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message as they come: their number, and a number or bytes."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == _BYTES:
            length, position = _varint(data, position)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ProtobufError(f"wire type {wire} is not known")
        if position + length > end:
            raise ProtobufError("unexpected EOF")
        chunk = data[position : position + length]
        position += length
        yield number, chunk if wire == _BYTES else struct.unpack("<Q" if wire == _FIXED64 else "<I", chunk)[0]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ProtobufError("unexpected EOF" if position >= len(data) else "a number is too long")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7


def _signed(number: int) -> int:
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >= 1 << 63 else number


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("expected bytes, found a number")
    return value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("text is not UTF-8") from error
