"""The body of a write, as a document: JSON, YAML or protobuf, its fields checked as strictly as the caller wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from controlplane.api import fields
from controlplane.api.codec import Document
from controlplane.api.status import BadRequest, UnsupportedMediaType
from controlplane.apiserver.negotiation import JSON, PROTOBUF, YAML, media_type
from controlplane.apiserver.nesting import decode_json, too_deep
from controlplane.apiserver.shape import Misfit, Shape


class FieldValidation(StrEnum):
    """What becomes of unknown and duplicate fields: dropped, dropped with a warning, or refused."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


@dataclass(frozen=True, slots=True)
class Expected:
    """The kind a path takes; a body that names none is taken to be it."""

    api_version: str
    kind: str
    shape: Shape
    any_version: bool = False  # options are the same in every group and version

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document with the known fields only, and what was odd about it."""

    document: Document
    warnings: list[str]
    typed: bool = False  # its values are known to be of the right types


def parse_body(body: bytes, content_type: str, expected: Expected, validation: FieldValidation) -> Parsed:
    """Return the object a body holds. Raises BadRequest, UnsupportedMediaType."""
    type_ = media_type(content_type)
    read = _READERS.get(type_)
    if read is None:
        raise unsupported_media_type(tuple(one for one in _READERS if one))
    document, duplicates = read(body, expected)
    check_kind(document, expected, body)
    fits = read is _json and b"null" not in body and expected.shape.fits(document)
    mistakes = [] if validation is FieldValidation.IGNORE else duplicates()
    if not fits:
        mistakes += expected.shape.prune(document)
    if validation is FieldValidation.IGNORE:
        return Parsed(document, [], fits)
    if mistakes and validation is FieldValidation.STRICT:
        raise cannot_be_handled(expected, f"strict decoding error: {', '.join(mistakes)}")
    return Parsed(document, mistakes, fits)


def to_object(document: Document, expected: Expected) -> Any:
    """Return the typed object. Raises BadRequest for values of the wrong type."""
    try:
        return expected.shape.object(document)
    except Misfit as error:
        raise cannot_be_handled(expected, str(error)) from error


def cannot_be_handled(expected: Expected, why: str) -> BadRequest:
    return BadRequest(f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: {why}')


def unsupported_media_type(served: tuple[str, ...]) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(served)}"
    )


def _json(body: bytes, expected: Expected) -> tuple[Document, Any]:
    try:
        document = decode_json(body)
    except ValueError as error:
        raise _unrecognized(expected, f"couldn't get version/kind; json parse error: {error}", body) from error
    if not isinstance(document, dict):
        why = "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct"
        raise _unrecognized(expected, why, body)
    return document, lambda: fields.duplicate_fields(body, document)


def _yaml(body: bytes, expected: Expected) -> tuple[Document, Any]:
    from controlplane.apiserver.yaml_bodies import YamlError, read_yaml

    try:
        document = read_yaml(body)
    except YamlError as error:
        raise _unrecognized(expected, str(error), body) from error
    if not isinstance(document, dict):
        raise _unrecognized(expected, "couldn't get version/kind; yaml: not a mapping", body)
    return document, lambda: fields.duplicate_yaml_keys(body)


def _protobuf(body: bytes, expected: Expected) -> tuple[Document, Any]:
    from controlplane.api.protobuf import ProtobufError, decode_object

    try:
        document = decode_object(body, expected.api_version, expected.kind)
    except ProtobufError as error:
        raise _unrecognized(expected, str(error), body) from error
    if too_deep(document):
        raise _unrecognized(expected, "exceeded max depth", body)
    return document, list


_READERS = {"": _json, JSON: _json, YAML: _yaml, PROTOBUF: _protobuf}


def check_kind(document: Document, expected: Expected, body: bytes) -> None:
    """Make sure that a document is of the kind its path takes. Raises BadRequest."""
    for name, wanted in (("apiVersion", expected.api_version), ("kind", expected.kind)):
        found = document.get(name)
        if found is None or found == "":
            document[name] = wanted
        elif not isinstance(found, str):
            why = f"couldn't get version/kind; json parse error: json: cannot unmarshal into Go struct field .{name}"
            raise _unrecognized(expected, f"{why} of type string", body)
    api_version, kind = document["apiVersion"], document["kind"]
    if kind != expected.kind:
        version = api_version.rpartition("/")[2]
        raise BadRequest(
            f'{kind} in version "{version}" cannot be handled as a {expected.kind}: '
            f'no kind "{kind}" is registered for version "{api_version}" at this path'
        )
    if api_version != expected.api_version and not expected.any_version:
        raise BadRequest(
            f"the API version in the data ({api_version}) does not match "
            f"the expected API version ({expected.api_version})"
        )


def _unrecognized(expected: Expected, why: str, body: bytes) -> BadRequest:
    return BadRequest(
        f"the object provided is unrecognized (must be of type {expected.kind}): {why} ({_excerpt(body)})"
    )


def _excerpt(body: bytes) -> str:
    if not body:
        return "<empty>"
    more = " ..." if len(body) > 30 else ""
    return (body[:30].decode(errors="replace") if body[:1] == b"{" else body[:30].hex()) + more
