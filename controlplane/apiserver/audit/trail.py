"""What is noted of one request on its way through the server, and told at each stage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import quote

import msgspec

from controlplane.api.authentication_v1 import UserInfo
from controlplane.apiserver.audit.event import Event, ResponseStatus, user_info
from controlplane.apiserver.audit.objects import referred, request_document, shown, status_of
from controlplane.apiserver.audit.policy import API_VERSION, Level, Verdict
from controlplane.apiserver.messages import JSON, Answer, BodyReader, Request, Response, Switch, Upgrade
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User

_PATCHES = "patch.webhook.admission.k8s.io/"
_LONGEST_AGENT = 1024  # characters
_NAMED_IN_BODY = frozenset({"create", "update"})

Emit = Callable[[Event], bool]
"""Hands an event to the sinks; False: one of them could not take it, and says that it must."""


class Trail:
    """One request that is audited."""

    def __init__(
        self, emit: Emit, verdict: Verdict, request: Request, info: RequestInfo, user: User | None, audit_id: str,
        now: Callable[[], str],
    ):  # fmt: skip
        self.audit_id, self._emit, self._verdict, self._now = audit_id, emit, verdict, now
        self._info, self._request, self._user = info, request, user_info(user)
        self._received, self._uri, self._source_ips = now(), _uri(request), source_ips(request)
        agent = request.headers.get("User-Agent", "")
        self._agent = agent if len(agent) <= _LONGEST_AGENT else f"{agent[:_LONGEST_AGENT]}...TRUNCATED"
        self._impersonated: UserInfo | None = None
        self.annotations: dict[str, str] = {}  # by keys such as authorization.k8s.io/decision
        self._status: ResponseStatus | None = None
        self._request_body, self._response_body = b"", b""
        if verdict.level >= Level.REQUEST or info.verb in _NAMED_IN_BODY:
            request.read = self._noting(request.read)

    # --- noting

    def impersonate(self, user: User) -> None:
        """Note whom the caller acts as."""
        self._impersonated = user_info(user)

    def authorized(self, allowed: bool, reason: str) -> None:
        """Note whether the caller may do this, and what says so; the first word counts."""
        self.annotations.setdefault("authorization.k8s.io/decision", "allow" if allowed else "forbid")
        self.annotations.setdefault("authorization.k8s.io/reason", reason)

    def answered(self, answer: Answer) -> None:
        """Note an answer before it is compressed and sent."""
        if isinstance(answer, Upgrade | Switch):
            self._status = ResponseStatus(metadata={}, code=101)
            return
        whole = answer.body if isinstance(answer, Response) else b""
        self._status = status_of(answer.status, whole)
        if self._verdict.level < Level.REQUEST_RESPONSE or answer.content_type != JSON:
            return
        if isinstance(answer, Response):
            self._response_body = whole
        elif self._info.verb == "list":
            answer.chunks = self._noting_chunks(answer.chunks)

    def failed(self, message: str) -> None:
        """Note why there is no caller."""
        self._status = ResponseStatus(metadata={}, message=message, code=401)

    # --- telling

    def received(self) -> bool:
        """Tell that the request is here; return whether it may go on."""
        return self._tell("RequestReceived", self._received)

    def started(self) -> None:
        """Tell that a long answer begins."""
        self._tell("ResponseStarted", self._now())

    def complete(self) -> None:
        """Tell that the answer is sent."""
        if self._status is None:
            self._status = ResponseStatus(metadata={}, status="Success", message="Connection closed early", code=200)
        self._tell("ResponseComplete", self._now())

    def panicked(self, error: BaseException) -> None:
        """Tell that the server failed to answer."""
        message, reason = f"APIServer panic'd: {error}", "InternalError"
        self._status = ResponseStatus(metadata={}, status="Failure", message=message, reason=reason, code=500)
        self._tell("Panic", self._now())

    def _tell(self, stage: str, moment: str) -> bool:
        if stage in self._verdict.omit_stages:
            return True
        return self._emit(self._event(stage, moment))

    def _event(self, stage: str, moment: str) -> Event:
        info, verdict = self._info, self._verdict
        content_type = self._request.headers.get("Content-Type", "")
        document = request_document(self._request_body, content_type) if self._request_body else None
        answer = msgspec.json.decode(self._response_body) if self._response_body else None
        omit = verdict.omit_managed_fields
        return Event(
            kind="Event",
            api_version=API_VERSION,
            level=verdict.level.text,
            audit_id=self.audit_id,
            stage=stage,
            request_uri=self._uri,
            verb=info.verb,
            user=self._user,
            impersonated_user=self._impersonated,
            source_ips=self._source_ips,
            user_agent=self._agent,
            object_ref=referred(info, document if info.verb in _NAMED_IN_BODY else None),
            response_status=self._status,
            request_object=shown(document, omit_managed_fields=omit) if verdict.level >= Level.REQUEST else None,
            response_object=shown(answer, omit_managed_fields=omit),
            request_received_timestamp=self._received,
            stage_timestamp=moment,
            annotations=self._annotated(),
        )

    def _annotated(self) -> dict[str, str]:
        """Return the annotations; what webhooks patched is part of the object, and told where the object is."""
        whole = self._verdict.level >= Level.REQUEST
        return {key: text for key, text in self.annotations.items() if whole or not key.startswith(_PATCHES)}

    # --- listening in

    def _noting(self, read: BodyReader) -> BodyReader:
        async def noted() -> bytes:
            self._request_body = await read()
            return self._request_body

        return noted

    async def _noting_chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        sent: list[bytes] = []
        async with aclosing(cast(Any, chunks)) as closing:
            async for chunk in closing:
                sent.append(chunk)
                yield chunk
        self._response_body = b"".join(sent)  # a list that was broken off is not shown


def _uri(request: Request) -> str:
    """Return what stood in the first line of a request."""
    path = quote(request.path, safe="/:@!$&'()*+,;=~")
    return f"{path}?{request.query.text}" if request.query.text else path


def source_ips(request: Request) -> list[str]:
    """Return where a request comes from: what proxies say first, the connection's other end last."""
    claimed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    found = [address for part in claimed if (address := _address(part))]
    real = _address(request.headers.get("X-Real-Ip", ""))
    if real and real not in found:
        found.append(real)
    peer = _address(request.peer.address)
    if peer and found[-1:] != [peer]:
        found.append(peer)
    return found


def _address(text: str) -> str:
    """Return an address as it is usually written; "" for what is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
