"""One object as the server holds it: the bytes it answers with, and what selectors ask about it.

The store keeps an object without its resource version, which is not known before the write. Here the version is
spliced in once, and the bytes that open every object of a kind are cut off:

    store   {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0",…
    tail                                    "metadata":{"resourceVersion":"42","name":"web-0",…

so that a GET is opening + tail, the items of a LIST are tails joined by `},{`, and all of them share the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import intern
from typing import Any, TypeVar

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.codec import Document, decode, encode

T = TypeVar("T")

_METADATA = b'"metadata":{'
_VERSION = b'"metadata":{"resourceVersion":"%d",%s'

FieldsOf = Callable[[Document], Mapping[str, str]]
"""Which fields of an object a field selector may name, with their values."""


class _Meta(msgspec.Struct):
    labels: dict[str, str] = {}


class _Labelled(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_labelled = msgspec.json.Decoder(_Labelled)


def opening(api_version: str, kind: str) -> bytes:
    """Return the bytes with which every encoded object of a kind begins."""
    return b'{"apiVersion":"%s","kind":"%s",' % (api_version.encode(), kind.encode())


class Unreadable(Exception):
    """What is stored is no object that can be shown; the text says why, in upstream's words."""


class Sealed(bytes):
    """A stored value that was encrypted and could not be decrypted, as it is stored."""

    def __new__(cls, value: bytes, why: str) -> Sealed:
        sealed = super().__new__(cls, value)
        sealed.why = why
        return sealed

    why: str


_ENCRYPTED = b"k8s:enc:"


def tail_of(value: bytes, open_: bytes, revision: int) -> bytes:
    """Return what the store holds without its opening and with its resource version. Raises Unreadable."""
    start = len(open_) + len(_METADATA)
    if not value.startswith(_METADATA, len(open_)) or not value.startswith(open_) or value[start : start + 1] == b"}":
        return _foreign_tail(value, revision)
    return _VERSION % (revision, value[start:])


def _foreign_tail(value: bytes, revision: int) -> bytes:
    # Written by somebody else, in another order of fields; or encrypted, or broken.
    if value.startswith(_ENCRYPTED):
        why = value.why if isinstance(value, Sealed) else "identity transformer tried to read encrypted data"
        raise Unreadable(f"data from the storage is not transformable revision=0: {why}")
    try:
        document: Document = msgspec.json.decode(value, type=dict[str, Any])
        metadata = {"resourceVersion": str(revision), **document.pop("metadata", {})}
    except (msgspec.DecodeError, TypeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"object not decodable revision={revision}: {error}") from error
    document.pop("apiVersion", None)
    document.pop("kind", None)
    return encode({"metadata": metadata, **document})[1:]


class CachedObject:
    """An object at one revision; what is derived from its bytes is worked out when first asked for."""

    __slots__ = ("_fields", "_labels", "_object", "key", "revision", "shown", "tail")

    def __init__(self, key: str, revision: int, tail: bytes):
        self.key, self.revision, self.tail = key, revision, tail
        self._labels: dict[str, str] | None = None
        self._fields: Mapping[str, str] | None = None
        self._object: Any = None
        self.shown: dict[str, Any] | None = None  # a custom resource in the versions it was asked for

    @property
    def namespace(self) -> str:
        return self.key.rpartition("/")[0]

    @property
    def labels(self) -> Mapping[str, str]:
        if self._labels is None:
            self._labels = _shared(_labelled.decode(b"{" + self.tail).metadata.labels)
        return self._labels

    def fields(self, fields_of: FieldsOf) -> Mapping[str, str]:
        if self._fields is None:
            self._fields = _shared(fields_of(self.document()))
        return self._fields

    def document(self) -> Document:
        """Return a new document without apiVersion and kind, which the caller may change."""
        document: Document = msgspec.json.decode(b"{" + self.tail)
        return document

    def at(self, revision: int) -> CachedObject:
        """Return the same object with another resource version: what a deletion's event shows."""
        after = self.tail.index(b",", len(_METADATA)) + 1
        other = CachedObject(self.key, revision, _VERSION % (revision, self.tail[after:]))
        other._labels, other._fields = self._labels, self._fields
        return other

    def object(self, open_: bytes, type_: type[T]) -> T:
        """Return the typed object; it is kept, for whoever asks once asks again."""
        if self._object is None or type(self._object) is not type_:
            self._object = decode(open_ + self.tail, type_)
        kept: T = self._object
        return kept

    def retire(self) -> None:
        """Let go of the typed object: there is a newer version now, and watchers read bytes, labels and fields."""
        self._object = None


def _shared(values: Mapping[str, str]) -> dict[str, str]:
    """Return the same texts, each kept once in the process: most objects of a kind have the same ones."""
    return {key: intern(value) for key, value in values.items()}


def encode_object(value: KubeStruct) -> bytes:
    """Return an object as the store keeps it: apiVersion, kind, metadata first, no resource version."""
    metadata = value.metadata  # type: ignore[attr-defined]
    if metadata.resource_version or metadata.self_link:
        metadata = msgspec.structs.replace(metadata, resource_version="", self_link="")
        value = msgspec.structs.replace(value, metadata=metadata)
    return encode(value)
