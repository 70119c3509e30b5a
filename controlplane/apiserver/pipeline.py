"""From a Request to an Answer: who calls, may they, which handler; every failure becomes a Status.

request ─► RequestInfo ─► authenticate 401 ─► impersonate ─► authorize 403 ─► route 404 405 ─► handler ─► compress
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from controlplane.api.status import InternalError, StatusError, TooManyRequests, Unauthorized
from controlplane.apiserver.answers import failure
from controlplane.apiserver.backend import Backend
from controlplane.apiserver.calls import Call
from controlplane.apiserver.compression import compress
from controlplane.apiserver.messages import Answer, Request, Response, Upgrade
from controlplane.apiserver.metrics import ApiServerMetrics, is_long_running, is_read
from controlplane.apiserver.names import generate_uid
from controlplane.apiserver.negotiation import Representation, negotiate
from controlplane.apiserver.request_info import RequestInfo, parse_request_info
from controlplane.apiserver.router import no_such_path, not_allowed, route
from controlplane.auth.authorizers import refusal
from controlplane.auth.impersonation import impersonate
from controlplane.auth.interface import SYSTEM_MASTERS, AccessRequest, Authorizer, Credentials, User
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)
_trace_log = logging.getLogger(__name__ + ".trace")

_ALL_WARNINGS, _LONG_WARNING = 4096, 256  # characters: of all, and of each when all are more; as upstream's
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONNECTING = frozenset({"attach", "exec", "portforward"})

Page = Callable[[Request], Awaitable[Response | None]]
"""Answers requests for a non-resource path; None: not mine."""


class CallerAuthenticator(Protocol):
    """Tells who calls, strangers included. Raises Unauthorized."""

    async def authenticate(self, credentials: Credentials) -> User: ...


@dataclass(slots=True)
class Limits:
    """How many requests may be under way at once; 0: any number. Long-running ones and system:masters do not count."""

    reads: int = 0
    writes: int = 0


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
    ):
        self._backend, self._authenticator, self._pages = backend, authenticator, pages
        self._metrics, self._random, self._limits = metrics, random, limits
        self._clock: Clock = backend.clock
        self._authorizer: Authorizer = backend.authorizer

    async def handle(self, request: Request) -> Answer:
        """Return the answer; never raises but when cancelled."""
        began = self._clock.monotonic()
        info = parse_request_info(request.method, request.path, request.query)
        no_longer_under_way = self._metrics.began(info)
        warnings: list[str] = []
        try:
            answer = await self._answer(request, info, warnings)
        except StatusError as error:
            answer = failure(error, _representation(request))
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            answer = failure(InternalError("Internal error occurred: see the API server's log"))
        except BaseException:
            no_longer_under_way()
            raise
        answer = self._finished(answer, request, warnings)
        return self._measured(answer, request, info, began, no_longer_under_way)

    async def _answer(self, request: Request, info: RequestInfo, warnings: list[str]) -> Answer:
        user = await self._who(request)
        self._is_there_room(user, info)
        self._may(user, info, request)
        answer = await self._resource(request, info, user, warnings) if info.is_resource else await self._page(request)
        return await compress(answer, request.headers.get("Accept-Encoding", ""))

    async def _who(self, request: Request) -> User:
        if request.peer.user is not None:
            return request.peer.user
        headers = request.headers
        token = ""
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = value.strip()
        elif scheme:
            raise Unauthorized("Unauthorized")
        user = await self._authenticator.authenticate(Credentials(request.peer.certificate or None, token))
        if request.peer.certificate and not request.peer.known:
            request.peer.known = True
            self._metrics.certificate_shown(request.peer.certificate, self._clock.now())
        if "Impersonate-User" in headers or any(name[:12].lower() == "impersonate-" for name in headers):
            return impersonate(user, headers.items(), self._authorizer)
        return user

    def _is_there_room(self, user: User, info: RequestInfo) -> None:
        """Raise TooManyRequests when too much is under way already, this request included."""
        if is_long_running(info) or SYSTEM_MASTERS in user.groups:
            return
        limit = self._limits.reads if is_read(info) else self._limits.writes
        if limit and self._metrics.under_way(info) > limit:
            raise TooManyRequests("too many requests, please try again later", retry_after=1)

    def _may(self, user: User, info: RequestInfo, request: Request) -> None:
        """Raise Forbidden unless the caller may do this."""
        verbs = [info.verb]
        if info.subresource in _CONNECTING and info.verb == "get":
            verbs.append("create")  # a WebSocket begins as a GET, but running a program is not reading
        for verb in verbs:
            access = AccessRequest(
                user, verb, info.group, info.version, info.resource, info.subresource, info.namespace, info.name,
                info.path, request.query.get("fieldSelector"),
            )  # fmt: skip
            decision = self._authorizer.authorize(access)
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

    async def _resource(self, request: Request, info: RequestInfo, user: User, warnings: list[str]) -> Answer:
        handle = route(info, self._backend.catalog)
        resource = self._backend.catalog.resources.get((info.group, info.version, info.resource))
        if resource is not None and resource.deprecation:
            warnings.append(resource.deprecation)
        trace = request.headers.get("traceparent", "")
        if trace and info.verb not in ("get", "list", "watch"):
            _trace_log.info("%s %s by %s, trace %s", info.verb, info.path, user.name, trace)
        return await handle(Call(self._backend, request, info, user, warnings, trace))

    def _finished(self, answer: Answer, request: Request, warnings: list[str]) -> Answer:
        headers = answer.headers
        headers["Audit-Id"] = request.headers.get("Audit-Id") or generate_uid(self._random)
        headers.setdefault("Cache-Control", "no-cache, private")
        if warnings:
            headers["Warning"] = _warning_header(tuple(dict.fromkeys(warnings)))
        return answer

    def _measured(
        self, answer: Answer, request: Request, info: RequestInfo, began: float, done: Callable[[], None]
    ) -> Answer:
        """Count the request when its last byte is ready: at once, or when its stream ends."""
        code = 101 if isinstance(answer, Upgrade) else answer.status

        def ended() -> None:
            done()
            self._metrics.ended(info, code, self._clock.monotonic() - began, dry_run="dryRun" in request.query)

        if isinstance(answer, Response):
            ended()
        else:
            answer.on_end = ended
        return answer


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
