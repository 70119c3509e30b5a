"""The audit Event, as JSON and as the one line that --audit-log-format=legacy writes."""

from __future__ import annotations

from typing import Any

import msgspec

from controlplane.api.authentication_v1 import UserInfo
from controlplane.api.base import KubeStruct
from controlplane.api.meta_v1 import StatusDetails
from controlplane.apiserver.audit.policy import API_VERSION
from controlplane.auth.interface import User


class ObjectReference(KubeStruct):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_group: str = ""
    api_version: str = ""
    resource_version: str = ""
    subresource: str = ""


class ResponseStatus(KubeStruct):
    """The Status of an answer; the code alone where the answer is an object."""

    metadata: dict[str, Any]  # upstream writes it, empty
    status: str = ""
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None
    code: int | None = None


class Event(KubeStruct, kw_only=True):
    """One stage of one request. Fields without a default are always written."""

    kind: str
    api_version: str
    level: str
    audit_id: str
    stage: str
    request_uri: str
    verb: str
    user: UserInfo
    impersonated_user: UserInfo | None = None
    source_ips: list[str] = []
    user_agent: str = ""
    object_ref: ObjectReference | None = None
    response_status: ResponseStatus | None = None
    request_object: msgspec.Raw | None = None
    response_object: msgspec.Raw | None = None
    request_received_timestamp: str
    stage_timestamp: str
    annotations: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode


def json_line(event: Event) -> bytes:
    return _encode(event) + b"\n"


def event_list(events: list[Event]) -> bytes:
    """Return what a webhook is sent."""
    return _encode({"kind": "EventList", "apiVersion": API_VERSION, "metadata": {}, "items": events})


def legacy_line(event: Event) -> bytes:
    """2026-11-26T19:34:37.5Z AUDIT: id="…" stage="ResponseComplete" ip="…" method="get" user="jane" …"""
    impersonated, reference, status = event.impersonated_user, event.object_ref, event.response_status
    groups = _list(event.user.groups) if event.user.username and event.user.groups else "<none>"
    as_groups = _list(impersonated.groups) if impersonated is not None and impersonated.groups else "<lookup>"
    values = {
        "id": event.audit_id,
        "stage": event.stage,
        "ip": event.source_ips[0] if event.source_ips else "<unknown>",
        "method": event.verb,
        "user": event.user.username or "<none>",
        "groups": groups,
        "as": impersonated.username if impersonated is not None else "<self>",
        "asgroups": as_groups,
        "user-agent": event.user_agent,
        "namespace": (reference.namespace if reference is not None else "") or "<none>",
        "uri": event.request_uri,
        "response": str(status.code or 0) if status is not None else "<deferred>",
    }
    told = " ".join(f"{name}={_quoted(value)}" for name, value in values.items())
    return f"{_short(event.request_received_timestamp)} AUDIT: {told}\n".encode()


def user_info(user: User | None) -> UserInfo:
    if user is None:
        return UserInfo()
    extra = {key: list(values) for key, values in user.extra.items()}
    return UserInfo(username=user.name, uid=user.uid, groups=list(user.groups), extra=extra)


def _list(texts: list[str]) -> str:
    return ",".join(map(_quoted, texts))


def _quoted(text: str) -> str:
    """Return a text in quotes, on one line whatever is in it."""
    return msgspec.json.encode(text).decode()


def _short(moment: str) -> str:
    """Return a time without the zeros at the end of its fraction, as Go's RFC3339Nano has it."""
    return moment.removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
