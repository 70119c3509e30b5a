"""Which requests are for other servers, and passing them on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from multidict import CIMultiDict

from controlplane.apiserver.aggregation.remote import Caller, Remote
from controlplane.apiserver.messages import Answer, Request, Response, Stream
from controlplane.apiserver.proxying.dialer import Dialer, Unreachable
from controlplane.apiserver.proxying.forward import forward
from controlplane.apiserver.proxying.headers import identity
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User

_TEXT = "text/plain; charset=utf-8"
_DISCOVERY_SECONDS = 5.0  # a server that is slow to say what it serves must not make every client slow

GroupVersion = tuple[str, str]


class Aggregator:
    """Passes requests on; the controller tells it to whom."""

    def __init__(self, dialer: Dialer, caller: Caller, *, reject_redirects: bool = True):
        self._dialer, self._caller, self._reject_redirects = dialer, caller, reject_redirects
        self.remotes: Mapping[GroupVersion, Remote] = {}

    def remote_of(self, info: RequestInfo) -> Remote | None:
        """Return whom a request is for; None: this server, which the great majority are."""
        if not self.remotes or info.prefix != "apis":
            return None
        if info.group:
            return self.remotes.get((info.group, info.version))
        parts = [part for part in info.path.split("/") if part]
        return self.remotes.get((parts[1], parts[2])) if len(parts) > 2 else None

    async def answer(self, remote: Remote, request: Request, info: RequestInfo, user: User) -> Answer:
        """Return the answer of the server behind `remote`."""
        if not remote.available:
            return _failure(503, "service unavailable")
        if remote.broken:
            return _failure(500, remote.broken)
        try:
            destination = self._caller.destination(remote)
        except Unreachable:
            return _failure(503, "service unavailable")
        headers = CIMultiDict([("Host", destination.authority), *identity(user)])
        target = request.target or request.path + (f"?{request.query.text}" if request.query.text else "")
        try:
            async with asyncio.timeout(None if info.is_resource else _DISCOVERY_SECONDS):
                answer = await forward(request, self._dialer, destination, target, extra=headers)
        except Unreachable as error:
            return _failure(503, f"error trying to reach service: {error}")
        except TimeoutError:
            return _failure(503, "error trying to reach service: timed out")
        return await self._without_redirect(answer)

    async def _without_redirect(self, answer: Answer) -> Answer:
        """Refuse to send a caller elsewhere: a client that follows shows its credentials there."""
        if not isinstance(answer, Response | Stream) or not self._reject_redirects:
            return answer
        if not 300 <= answer.status <= 399 or "Location" not in answer.headers:
            return answer
        if isinstance(answer, Stream):
            await cast(Any, answer.chunks).aclose()
        return _failure(502, "the backend attempted to redirect this request, which is not permitted")


def _failure(status: int, text: str) -> Response:
    return Response(status, text.encode() + b"\n", _TEXT, {"X-Content-Type-Options": "nosniff"})
