"""Which requests are for other servers, and passing them on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from multidict import CIMultiDict

from controlplane.apiserver.aggregation.remote import Caller, Remote
from controlplane.apiserver.messages import Answer, Request, Response
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

    def __init__(self, dialer: Dialer, caller: Caller):
        self._dialer, self._caller = dialer, caller
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
                return await forward(request, self._dialer, destination, target, extra=headers)
        except Unreachable as error:
            return _failure(503, f"error trying to reach service: {error}")
        except TimeoutError:
            return _failure(503, "error trying to reach service: timed out")


def _failure(status: int, text: str) -> Response:
    return Response(status, text.encode() + b"\n", _TEXT, {"X-Content-Type-Options": "nosniff"})
