"""The bodies of requests and answers, as an Event shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from controlplane.api.meta_v1 import Status
from controlplane.apiserver.audit.event import ObjectReference, ResponseStatus
from controlplane.apiserver.negotiation import JSON, PROTOBUF, YAML, media_type
from controlplane.apiserver.nesting import decode_json
from controlplane.apiserver.request_info import RequestInfo
from controlplane.apiserver.yaml_bodies import read_yaml


def request_document(body: bytes, content_type: str) -> Any:
    """Return what a request's body holds, or None if that cannot be read: the answer says why."""
    type_ = media_type(content_type) if content_type else JSON
    try:
        if type_ == PROTOBUF:
            from controlplane.api.protobuf import decode_object  # as late as in `bodies`

            return decode_object(body, "", "")
        if type_ == YAML or (type_.endswith("+yaml") and body.lstrip()[:1] not in (b"{", b"[")):
            return read_yaml(body)
        return decode_json(body)
    except ValueError:
        return None


def shown(document: Any, *, omit_managed_fields: bool) -> msgspec.Raw | None:
    """Return a document as an Event holds it."""
    if document is None:
        return None
    if omit_managed_fields and isinstance(document, dict):
        document = _without_managed_fields(document)
    return msgspec.Raw(msgspec.json.encode(document))


def _without_managed_fields(document: dict[str, Any]) -> dict[str, Any]:
    """Return an object, or a list or Table of them, without saying who manages which field."""
    found = dict(document)
    if isinstance(metadata := found.get("metadata"), dict) and "managedFields" in metadata:
        found["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    if isinstance(items := found.get("items"), list):
        found["items"] = [_without_managed_fields(one) if isinstance(one, dict) else one for one in items]
    if found.get("kind") == "Table" and isinstance(rows := found.get("rows"), list):
        found["rows"] = [
            {**row, "object": _without_managed_fields(row["object"])} if isinstance(row.get("object"), dict) else row
            for row in rows
        ]
    return found


def referred(info: RequestInfo, document: Any) -> ObjectReference | None:
    """Return which object a request is about; what is created has a name in its body only."""
    if not info.is_resource:
        return None
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict):
        metadata = {}
    return ObjectReference(
        resource=info.resource,
        namespace=info.namespace or _text(metadata, "namespace"),
        name=info.name or _text(metadata, "name"),
        uid=_text(metadata, "uid"),
        api_group=info.group,
        api_version=info.version,
        resource_version=_text(metadata, "resourceVersion"),
        subresource=info.subresource,
    )


def _text(metadata: dict[str, Any], name: str) -> str:
    value = metadata.get(name)
    return value if isinstance(value, str) else ""


def status_of(code: int, body: bytes) -> ResponseStatus:
    """Return the status of an answer: all of it where the body is a Status."""
    if b'"kind":"Status"' not in body[:64]:
        return ResponseStatus(metadata={}, code=code)
    try:
        status = msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return ResponseStatus(metadata={}, code=code)
    return ResponseStatus(
        metadata={},
        status=status.status,
        message=status.message,
        reason=status.reason,
        details=status.details,
        code=status.code or code,
    )
