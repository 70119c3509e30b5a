"""From documents to protobuf's wire format, guided by the table in `schema.py`: what `decode.py` reads back.

    object    k8s\\0, Unknown {1 typeMeta {1 apiVersion, 2 kind}, 2 raw: the object's message}
    list      the same, its message {1 metadata, 2 items: an object's message each}
    event     4 bytes, big-endian: how long WatchEvent is; WatchEvent {1 type, 2 RawExtension {1 raw: an object}}

A field that the table does not know has no number, so it cannot be sent: the types and the table are of one release.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from controlplane.api.codec import Document
from controlplane.api.protobuf.decode import MAGIC, Field, ProtobufError, message_of, schema_of
from controlplane.kit.timestamps import parse_time

Write = Callable[[list[bytes], Any], None]
"""Appends a field with its value to the pieces of a message."""


def encode_object(document: Document) -> bytes:
    """Return an object with its envelope. Raises ProtobufError for a kind that has no message."""
    api_version, kind = document["apiVersion"], document["kind"]
    return _enveloped(api_version, kind, _message(message_of(api_version, kind)).encode(document))


def encode_list(api_version: str, kind: str, metadata: Document, items: Iterable[Document]) -> bytes:
    """Return a list of objects of `kind` with its envelope; the items need not say what they are."""
    writer = ListWriter(api_version, kind, metadata)
    writer.add(items)
    return writer.done()


class ListWriter:
    """Writes a list of objects of one kind, some at a time. Raises ProtobufError for a kind that has no message."""

    def __init__(self, api_version: str, kind: str, metadata: Document):
        self._api_version, self._kind = api_version, kind
        self._message = _message(message_of(api_version, kind))
        self._parts = [_chunk(1, _message("meta_v1.ListMeta").encode(metadata))]

    def add(self, items: Iterable[Document]) -> None:
        """Append objects, which need not say what they are."""
        self._parts += [_chunk(2, self._message.encode(item)) for item in items]

    def done(self) -> bytes:
        """Return the list with its envelope."""
        return _enveloped(self._api_version, f"{self._kind}List", b"".join(self._parts))


def encode_event(type_: str, document: Document) -> bytes:
    """Return one event of a watch, with its length before it."""
    event = _chunk(1, type_.encode()) + _chunk(2, _chunk(1, encode_object(document)))
    return len(event).to_bytes(4, "big") + event


def _enveloped(api_version: str, kind: str, raw: bytes) -> bytes:
    type_meta = _chunk(1, api_version.encode()) + _chunk(2, kind.encode())
    # The two empty texts say that the message is neither packed nor of another type.
    return b"".join((MAGIC, _chunk(1, type_meta), _chunk(2, raw), _chunk(3, b""), _chunk(4, b"")))


class _Message:
    """How one message is written: its fields by their JSON name, and those whose own fields are lent to it."""

    __slots__ = ("_fields", "_lent", "_list")

    def __init__(self) -> None:
        self._fields: dict[str, Write] = {}
        self._lent: list[tuple[int, _Message]] = []
        self._list: Write | None = None  # a named list, which JSON does not show as an object

    def fill(self, name: str) -> None:
        """Take the fields from the table."""
        for number, field in schema_of(name).items():
            if field.name:
                self._fields[field.name] = _writer(number, field)
            elif field.repeated:
                self._list = _writer(number, field)
            else:
                self._lent.append((number, _message(field.kind)))

    def encode(self, document: Any) -> bytes:
        parts: list[bytes] = []
        if self._list is not None:
            self._list(parts, document)
            return b"".join(parts)
        fields = self._fields
        for name, value in document.items():
            if value is not None and name in fields:
                fields[name](parts, value)
        for number, inner in self._lent:
            if body := inner.encode(document):
                parts.append(_chunk(number, body))
        return b"".join(parts)


_messages: dict[str, _Message] = {}


def _message(name: str) -> _Message:
    """Return the one writer of a message."""
    message = _messages.get(name)
    if message is None:
        message = _messages[name] = _Message()  # known before it is filled, for messages may hold themselves
        message.fill(name)
    return message


def _writer(number: int, field: Field) -> Write:
    write = _value_writer(number, field.kind)
    if field.mapped:
        entry = _value_writer(2, field.kind)
        return lambda parts, value: parts.extend(_entry(number, key, one, entry) for key, one in value.items())
    if field.repeated:
        return lambda parts, value: parts.extend(map(write, value))
    return lambda parts, value: parts.append(write(value))


def _entry(number: int, key: str, value: Any, write: Callable[[Any], bytes]) -> bytes:
    return _chunk(number, _chunk(1, key.encode()) + write(value))


def _value_writer(number: int, kind: str) -> Callable[[Any], bytes]:
    """Return what writes one value of a kind as field `number`."""
    if kind in _NUMBERS:
        wire, pack = _NUMBERS[kind]
        tag = _varint(number << 3 | wire)
        return lambda value: tag + pack(value)
    pack = _SPECIAL.get(kind) or _message(kind).encode
    tag = _varint(number << 3 | 2)

    def write(value: Any) -> bytes:
        data = pack(value)
        return tag + _varint(len(data)) + data

    return write


def _chunk(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    if 0 <= number < 0x80:
        return _SMALL[number]
    number &= (1 << 64) - 1  # a negative number is as long as the longest
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SMALL = [bytes([number]) for number in range(0x80)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _time(text: str) -> bytes:
    try:
        since = parse_time(text) - _EPOCH
    except ValueError as error:
        raise ProtobufError(f"not a time: {text}") from error
    parts = b"\x08" + _varint(since.days * 86400 + since.seconds)
    return parts + b"\x10" + _varint(since.microseconds * 1000)


def _int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return b"\x08\x01" + _chunk(3, value.encode())
    return b"\x08\x00\x10" + _varint(value)


def _schema_or_bool(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\x08\x01" if value else b"\x08\x00"
    return b"\x08\x01" + _chunk(2, _schema(value))


def _schema_or_array(value: Any) -> bytes:
    return b"".join(_chunk(2, _schema(one)) for one in value) if isinstance(value, list) else _chunk(1, _schema(value))


def _schema_or_strings(value: Any) -> bytes:
    return b"".join(_chunk(2, one.encode()) for one in value) if isinstance(value, list) else _chunk(1, _schema(value))


def _schema(value: Document) -> bytes:
    return _message("apiextensions_v1.JSONSchemaProps").encode(value)


_NUMBERS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "int": (0, _varint),
    "bool": (0, lambda value: b"\x01" if value else b"\x00"),
    "double": (1, lambda value: struct.pack("<d", value)),
}
_SPECIAL: dict[str, Callable[[Any], bytes]] = {
    "string": str.encode,
    "bytes": base64.b64decode,
    "Quantity": lambda value: _chunk(1, str(value).encode()),
    "IntOrString": _int_or_string,
    "Time": _time,
    "MicroTime": _time,
    "FieldsV1": lambda value: _chunk(1, msgspec.json.encode(value)),
    "Raw": lambda value: _chunk(1, msgspec.json.encode(value)),
    "SchemaOrArray": _schema_or_array,
    "SchemaOrBool": _schema_or_bool,
    "SchemaOrStrings": _schema_or_strings,
}
