"""From a Request to an Answer: who calls, may they, which handler; every failure becomes a Status.

request ─► RequestInfo ─► deadline 504 ─► authenticate 401 ─► audit ─► impersonate ─► priority and fairness 429
        ─► authorize 403 ─► route 404 405 ─► handler ─► compress
                         └► another server's: passed on
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Protocol

from controlplane.api.status import InternalError, ServiceUnavailable, StatusError, Unauthorized
from controlplane.apiserver.aggregation.aggregator import Aggregator
from controlplane.apiserver.answers import failure
from controlplane.apiserver.audit import Auditor, Trail
from controlplane.apiserver.backend import Backend
from controlplane.apiserver.calls import Call
from controlplane.apiserver.compression import compress
from controlplane.apiserver.deadline import Deadline, seconds_of
from controlplane.apiserver.flowcontrol import FlowControl, Rejected
from controlplane.apiserver.flowcontrol.queues import Ticket
from controlplane.apiserver.messages import Answer, Page, Request, Response, Switch, Upgrade
from controlplane.apiserver.metrics import ApiServerMetrics, is_long_running, is_read
from controlplane.apiserver.names import generate_uid
from controlplane.apiserver.negotiation import Representation, negotiate
from controlplane.apiserver.request_info import RequestInfo, parse_request_info
from controlplane.apiserver.router import no_such_path, not_allowed, route
from controlplane.auth.authorizers import decide, refusal
from controlplane.auth.impersonation import impersonate
from controlplane.auth.interface import SYSTEM_MASTERS, AccessRequest, Authorizer, Credentials, User
from controlplane.auth.websocket_token import token_in
from controlplane.kit.clock import Clock
from controlplane.store.interface import StoreError

_log = logging.getLogger(__name__)
_trace_log = logging.getLogger(__name__ + ".trace")

_ALL_WARNINGS, _LONG_WARNING = 4096, 256  # characters: of all, and of each when all are more; as upstream's
_LONGEST_WAIT = 60.0  # seconds in a queue, as upstream's: a quarter of the request's time, but no more than this
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONNECTING = frozenset({"attach", "exec", "portforward"})


class CallerAuthenticator(Protocol):
    """Tells who calls, strangers included. Raises Unauthorized."""

    async def authenticate(self, credentials: Credentials) -> User: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done at once, and how long it may take."""

    # Requests under way; 0: any number. Long-running ones and system:masters do not count. Not asked where there is
    # priority and fairness.
    reads: int = 0
    writes: int = 0
    seconds: float = 60.0  # until the answer must begin: --request-timeout


@dataclass(slots=True)
class _Course:
    """What is noted of a request while it is being answered."""

    request: Request
    info: RequestInfo
    warnings: list[str] = field(default_factory=list)
    seconds: float | None = None  # it may take; None: any time
    ticket: Ticket | None = None  # its seats
    audit_id: str = ""
    trail: Trail | None = None  # what is audited of it


class Pipeline:
    """The server without its sockets: what an HTTP adapter, or a test, hands requests to."""

    def __init__(
        self,
        backend: Backend,
        authenticator: CallerAuthenticator,
        pages: Sequence[Page],
        metrics: ApiServerMetrics,
        random: Random,
        limits: Limits,
        flow: FlowControl | None = None,
        auditor: Auditor | None = None,
        aggregator: Aggregator | None = None,
    ):
        self._backend, self._authenticator, self._pages = backend, authenticator, pages
        self._metrics, self._random, self._limits = metrics, random, limits
        self._flow, self._auditor, self._aggregator = flow, auditor, aggregator
        self._clock: Clock = backend.clock
        self._authorizer: Authorizer = backend.authorizer

    async def handle(self, request: Request) -> Answer:
        """Return the answer; never raises but when cancelled."""
        began = self._clock.monotonic()
        info = parse_request_info(request.method, request.path, request.query)
        no_longer_under_way = self._metrics.began(info)
        course = _Course(request, info)
        course.audit_id = request.headers.get("Audit-Id") or generate_uid(self._random)
        try:
            answer = await self._in_time(course)
        except Exception as error:
            answer = self._failed(course, error)
        except BaseException:
            no_longer_under_way()
            self._leave(course)
            if course.trail is not None:
                course.trail.complete()
            raise
        answer = self._finished(answer, course)
        return self._measured(answer, course, began, no_longer_under_way)

    def _failed(self, course: _Course, error: Exception) -> Response:
        """Return the answer that tells of a failure."""
        request, trail = course.request, course.trail
        if isinstance(error, StatusError):
            answer = failure(error, _representation(request))
        elif isinstance(error, Rejected):
            answer = _rejection(error)
        elif isinstance(error, StoreError):
            # Said as it is: what fails is not the request, and whoever runs the cluster sees it first in a client.
            _log.error("%s %s: %s", request.method, request.path, error)
            answer = failure(ServiceUnavailable(f"the store cannot do this: {error}"), _representation(request))
        else:
            _log.error("%s %s failed", request.method, request.path, exc_info=error)
            if trail is not None:
                trail.panicked(error)
                course.trail = None  # nothing more is told
            return failure(InternalError("Internal error occurred: see the API server's log"))
        if trail is not None:
            trail.answered(answer)
        return answer

    async def _in_time(self, course: _Course) -> Answer:
        """Return the answer. Raises Timeout when it is not there in time."""
        if not is_long_running(course.info):
            course.seconds = seconds_of(course.request.query, self._limits.seconds)
        with Deadline(course.seconds):
            return await self._answer(course)

    async def _answer(self, course: _Course) -> Answer:
        request, info = course.request, course.info
        user = await self._who(course)
        if self._flow is None:
            self._is_there_room(user, info)
        elif info.verb == "watch" or not is_long_running(info):
            course.ticket = ticket = self._flow.begin(user, info, request.query)
            if ticket.started is None:
                await self._flow.wait(ticket, min((course.seconds or self._limits.seconds) / 4, _LONGEST_WAIT))
        await self._may(user, course)
        remote = self._aggregator.remote_of(info) if self._aggregator is not None else None
        if remote is not None and self._aggregator is not None:
            answer = await self._aggregator.answer(remote, request, info, user)
        elif info.is_resource:
            answer = await self._resource(course, user)
        else:
            answer = await self._page(request)
        if course.trail is not None:
            course.trail.answered(answer)
        return answer if remote else await compress(answer, request.headers.get("Accept-Encoding", ""))

    def _leave(self, course: _Course) -> None:
        """Give back the seats of a request, if it has any; a watch does as soon as it has begun."""
        if self._flow is not None and course.ticket is not None:
            self._flow.end(course.ticket)

    async def _who(self, course: _Course) -> User:
        """Return whom the request acts as."""
        request = course.request
        try:
            user = request.peer.user or await self._authenticated(request)
        except Unauthorized:
            self._audit_stranger(course)
            raise
        if self._auditor is not None:
            self._audit(course, user)
        if request.peer.user is not None:
            return user
        if "Impersonate-User" in request.headers or any(
            name[:12].lower() == "impersonate-" for name in request.headers
        ):
            acts_as = await impersonate(user, request.headers.items(), self._authorizer)
            if course.trail is not None and acts_as is not user:
                course.trail.impersonate(acts_as)
            return acts_as
        return user

    async def _authenticated(self, request: Request) -> User:
        token = ""
        headers, peer = request.headers, request.peer
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = value.strip()
        elif scheme:
            raise Unauthorized("Unauthorized")
        elif protocols := headers.get("Sec-WebSocket-Protocol"):
            token = token_in(protocols)
        shown = Credentials(peer.certificate or None, token, request.path, peer.root, headers)
        user = await self._authenticator.authenticate(shown)
        if request.peer.certificate and not request.peer.known:
            request.peer.known = True
            self._metrics.certificate_shown(request.peer.certificate, self._clock.now())
        return user

    def _audit(self, course: _Course, user: User) -> None:
        """Begin to audit. Raises InternalError if that must work and does not."""
        assert self._auditor is not None
        trail = self._auditor.begin(course.request, course.info, user, course.audit_id)
        if trail is not None and not trail.received():
            self._auditor.rejected()
            raise InternalError("Internal error occurred: failed to store audit event")
        course.trail = trail

    def _audit_stranger(self, course: _Course) -> None:
        """Tell of somebody whom nobody knows: once, when the answer begins, as upstream does."""
        if self._auditor is None:
            return
        trail = self._auditor.begin(course.request, course.info, None, course.audit_id)
        if trail is not None:
            trail.failed(_attempted(course.request))
            trail.started()

    def _is_there_room(self, user: User, info: RequestInfo) -> None:
        """Raise Rejected when too much is under way already, this request included."""
        if is_long_running(info) or SYSTEM_MASTERS in user.groups:
            return
        limit = self._limits.reads if is_read(info) else self._limits.writes
        if limit and self._metrics.under_way(info) > limit:
            raise Rejected({"Retry-After": "1"})

    async def _may(self, user: User, course: _Course) -> None:
        """Raise Forbidden unless the caller may do this."""
        request, info, trail = course.request, course.info, course.trail
        verbs = [info.verb]
        if info.subresource in _CONNECTING and info.verb == "get":
            verbs.append("create")  # a WebSocket begins as a GET, but running a program is not reading
        for verb in verbs:
            access = AccessRequest(
                user, verb, info.group, info.version, info.resource, info.subresource, info.namespace, info.name,
                info.path, request.query.get("fieldSelector"), request.query.get("labelSelector"),
            )  # fmt: skip
            decision = await decide(self._authorizer, access)
            if trail is not None:
                trail.authorized(decision.allowed, decision.reason)
            if not decision.allowed:
                raise refusal(access, decision.reason)

    async def _page(self, request: Request) -> Answer:
        for page in self._pages:
            answer = await page(request)
            if answer is not None:
                if request.method not in ("GET", "HEAD"):
                    raise not_allowed()
                return answer
        raise no_such_path()

    async def _resource(self, course: _Course, user: User) -> Answer:
        request, info = course.request, course.info
        handle = route(info, self._backend.catalog)
        resource = self._backend.catalog.resources.get((info.group, info.version, info.resource))
        if resource is not None and resource.deprecation:
            course.warnings.append(resource.deprecation)
        trace = request.headers.get("traceparent", "")
        if trace and info.verb not in ("get", "list", "watch"):
            _trace_log.info("%s %s by %s, trace %s", info.verb, info.path, user.name, trace)
        call = Call(self._backend, request, info, user, course.warnings, trace)
        if course.trail is not None:
            call.annotations = course.trail.annotations
        if info.verb == "watch":
            call.initialized = partial(self._leave, course)
        return await handle(call)

    def _finished(self, answer: Answer, course: _Course) -> Answer:
        headers, warnings = answer.headers, course.warnings
        headers["Audit-Id"] = course.audit_id
        headers.setdefault("Cache-Control", "no-cache, private")
        if course.ticket is not None:
            headers.update(course.ticket.owner.flow.headers)
        if warnings:
            headers["Warning"] = _warning_header(tuple(dict.fromkeys(warnings)))
        return answer

    def _measured(self, answer: Answer, course: _Course, began: float, done: Callable[[], None]) -> Answer:
        """Count the request when its last byte is ready: at once, or when its stream ends."""
        code = 101 if isinstance(answer, Upgrade | Switch) else answer.status

        def ended() -> None:
            done()
            self._leave(course)
            if course.trail is not None:
                course.trail.complete()
            seconds = self._clock.monotonic() - began
            self._metrics.ended(course.info, code, seconds, dry_run="dryRun" in course.request.query)

        if course.trail is not None and is_long_running(course.info):
            course.trail.started()
        if isinstance(answer, Response):
            ended()
        else:
            answer.on_end = ended
        return answer


def _attempted(request: Request) -> str:
    """Say what a stranger showed."""
    scheme, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    shown = [scheme.lower()] if value and scheme.lower() in ("basic", "bearer") else []
    if request.query.get("access_token").strip():
        shown.append("access_token")
    if request.peer.certificate:
        shown.append("x509")
    return (
        f"Authentication failed, attempted: {', '.join(shown)}"
        if shown
        else ("Authentication failed, no credentials provided")
    )


def _rejection(error: Rejected) -> Response:
    """Answer 429 as upstream does: in plain text, for there is no time to find out which form is wanted."""
    headers = {**error.headers, "X-Content-Type-Options": "nosniff"}
    return Response(429, f"{error}\n".encode(), "text/plain; charset=utf-8", headers)


def _representation(request: Request) -> Representation:
    try:
        return Representation(negotiate(request.headers.get("Accept", "")).media_type)
    except StatusError:
        return Representation()  # a failure is told in JSON to whoever accepts nothing we have


def _warning_header(texts: Sequence[str]) -> str:
    """Return warnings as a header that clients can hold: a caller can make them as many and as long as its body."""
    if sum(map(len, texts)) > _ALL_WARNINGS:
        texts = [text[:_LONG_WARNING] for text in texts][: _ALL_WARNINGS // _LONG_WARNING]
    return ", ".join(f'299 - "{_quoted(text)}"' for text in texts)


def _quoted(text: str) -> str:
    """Return text as a quoted string of a header; a caller's field name may hold what no header can."""
    return _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
