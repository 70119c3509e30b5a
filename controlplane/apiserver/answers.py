"""Objects and failures as answers, in the form the caller accepts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from controlplane.api.codec import Document, encode
from controlplane.api.meta_v1 import Status, StatusDetails
from controlplane.api.resources import Resource
from controlplane.api.status import StatusError
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import (
    JSON,
    PARTIAL,
    PARTIAL_LIST,
    PROTOBUF,
    TABLE,
    YAML,
    Representation,
    not_acceptable,
)

_PLAIN = Representation()


def object_answer(call: Call, item: CachedObject, status: int = 200) -> Response:
    """Answer with one object."""
    shown = shown_as(call, PARTIAL)
    if shown.plain:
        return Response(status, call.storage.encoded(item))
    if not shown.form:
        return document_answer(call.storage.document(item), shown, status)
    if shown.form == PARTIAL:
        return document_answer(partial(call.storage.document(item)), shown, status)
    return document_answer(table_of(call, [item]), shown, status)


def document_answer(document: Any, shown: Representation = _PLAIN, status: int = 200) -> Response:
    """Answer with anything that can be encoded."""
    if shown.media_type == PROTOBUF:
        return Response(status, to_protobuf(document), PROTOBUF)
    body = encode(document)
    if shown.media_type == YAML:
        return Response(status, to_yaml(body), YAML)
    return Response(status, body, JSON)


def shown_as(call: Call, partial_form: str) -> Representation:
    """Return how to show objects: themselves, a Table, or `partial_form`. Raises NotAcceptable."""
    shown = call.accepts(TABLE, partial_form)
    if shown.form == TABLE and shown.media_type == PROTOBUF:
        raise not_acceptable((JSON, YAML))  # a Table is no message
    return shown


def to_protobuf(document: Any) -> bytes:
    """Return an object, a list of objects or a Status in protobuf. Raises NotAcceptable for what is no message."""
    from controlplane.api.protobuf import ProtobufError, encode_list, encode_object

    whole: Document = document if isinstance(document, dict) else msgspec.json.decode(encode(document))
    try:
        if "items" not in whole:
            return encode_object(whole)
        kind = whole["kind"].removesuffix("List")
        return encode_list(whole["apiVersion"], kind, whole["metadata"], whole["items"])
    except ProtobufError as error:
        raise not_acceptable((JSON, YAML)) from error


def to_yaml(body: bytes) -> bytes:
    """Return JSON as YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(msgspec.json.decode(body), Dumper=dumper, default_flow_style=False, allow_unicode=True)
    return text.encode()


def partial(document: Document) -> Document:
    """Return an object as PartialObjectMetadata."""
    return {"kind": PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": document["metadata"]}


def partial_list(documents: Sequence[Document], metadata: Document) -> Document:
    items = [{"metadata": document["metadata"]} for document in documents]
    return {"kind": PARTIAL_LIST, "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items}


def table_of(call: Call, items: Sequence[CachedObject], *, headers: bool = True) -> Document:
    """Return objects as a meta.k8s.io/v1 Table."""
    from controlplane.apiserver.tables.render import render_table

    storage = call.storage
    included = call.request.query.get("includeObject") or "Metadata"
    table = render_table(
        storage.resource,
        [storage.decoded(item) for item in items],
        now=call.backend.clock.now(),
        include_object="None" if included in ("Metadata", "Object") else included,
        list_metadata={"resourceVersion": str(items[0].revision)} if len(items) == 1 else {},
        headers=headers,
        printer=storage.printer(),
    )
    for row, item in zip(table["rows"], items, strict=True):
        if included == "Metadata":
            row["object"] = msgspec.Raw(partial_bytes(storage.tail(item)))
        elif included == "Object":
            row["object"] = msgspec.Raw(storage.encoded(item))
    return table


_PARTIAL_OPENING = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'


class _OnlyMetadata(msgspec.Struct):
    metadata: msgspec.Raw


_only_metadata = msgspec.json.Decoder(_OnlyMetadata)


def partial_bytes(tail: bytes) -> bytes:
    """Return an object, given without its opening, as PartialObjectMetadata: its metadata's bytes as they are."""
    return _PARTIAL_OPENING + bytes(_only_metadata.decode(b"{" + tail).metadata) + b"}"


def deleted(resource: Resource, name: str, uid: str) -> Status:
    """Return the Status that says an object is gone."""
    details = StatusDetails(name=name, group=resource.group, kind=resource.plural, uid=uid)
    return Status(api_version="v1", kind="Status", status="Success", details=details)


def failure(error: StatusError, shown: Representation = _PLAIN) -> Response:
    """Answer with a failure."""
    status = error.to_status()
    answer = document_answer(status, shown, status.code or error.code)
    seconds = error.retry_after or (status.details.retry_after_seconds or 0 if status.details else 0)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


async def once(body: bytes) -> AsyncIterator[bytes]:
    """Stream what is there as a whole."""
    yield body
