"""Asking several authorizers, the group that may do anything, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.status import Forbidden
from controlplane.auth.interface import SYSTEM_MASTERS, AccessRequest, Authorizer, Decision, Unanswered


class MastersAuthorizer:
    """Lets system:masters do anything, so that no mistake in RBAC objects can lock everybody out."""

    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(SYSTEM_MASTERS in request.user.groups)


class AlwaysAllow:
    """--authorization-mode=AlwaysAllow: for tests and throw-away clusters."""

    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(True)


class AlwaysDeny:
    """--authorization-mode=AlwaysDeny: for tests."""

    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(False, "Everything is forbidden.")


async def decide(authorizer: Authorizer, request: AccessRequest) -> Decision:
    """Return what an authorizer says, asking other servers if memory does not hold the answer."""
    try:
        return authorizer.authorize(request)
    except Unanswered as pending:
        return await pending.answer()


class UnionAuthorizer:
    """Allows what one of several authorizers allows; the first to say yes, or to deny, is believed."""

    def __init__(self, *authorizers: Authorizer):
        self._authorizers: Sequence[Authorizer] = authorizers

    def authorize(self, request: AccessRequest) -> Decision:
        reasons = list[str]()
        for authorizer in self._authorizers:
            try:
                decision = authorizer.authorize(request)
            except Unanswered as pending:
                rest = self._authorizers[self._authorizers.index(authorizer) + 1 :]
                raise Unanswered(partial(_after, pending.answer, rest, request, reasons)) from pending
            if decision.allowed or decision.denied:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, "\n".join(reasons))


async def _after(
    answer: Callable[[], Awaitable[Decision]], rest: Sequence[Authorizer], request: AccessRequest, reasons: list[str]
) -> Decision:
    """Wait for one authorizer's answer, and ask the rest if it settles nothing."""
    decision = await answer()
    if decision.allowed or decision.denied:
        return decision
    later = await decide(UnionAuthorizer(*rest), request)
    if later.allowed or later.denied:
        return later
    return Decision(False, "\n".join(filter(None, [*reasons, decision.reason, later.reason])))


def refusal(request: AccessRequest, reason: str = "") -> Forbidden:
    """Return the 403 for a request that nothing allows, in the words kubectl users know."""
    why = describe(request) + (f": {reason}" if reason else "")
    if not request.resource:
        return Forbidden(f"forbidden: {why}", details=StatusDetails())
    subject = f"{request.resource}.{request.group}" if request.group else request.resource
    named = f'{subject} "{request.name}"' if request.name else subject
    details = StatusDetails(name=request.name, group=request.group, kind=request.resource)
    return Forbidden(f"{named} is forbidden: {why}", details=details)


def describe(request: AccessRequest) -> str:
    """Say what the caller cannot do: User "jane" cannot get resource "pods/log" in API group "" in ..."""
    cannot = f'User "{request.user.name}" cannot {request.verb}'
    if not request.resource:
        return f'{cannot} path "{request.path}"'
    resource = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    where = f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
    return f'{cannot} resource "{resource}" in API group "{request.group}" {where}'
