"""Asking several authorizers, the group that may do anything, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.status import Forbidden
from controlplane.auth.interface import SYSTEM_MASTERS, AccessRequest, Authorizer, Decision


class MastersAuthorizer:
    """Lets system:masters do anything, so that no mistake in RBAC objects can lock everybody out."""

    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(SYSTEM_MASTERS in request.user.groups)


class AlwaysAllow:
    """--authorization-mode=AlwaysAllow: for tests and throw-away clusters."""

    def authorize(self, request: AccessRequest) -> Decision:
        return Decision(True)


class UnionAuthorizer:
    """Allows what one of several authorizers allows; the first to say yes is believed."""

    def __init__(self, *authorizers: Authorizer):
        self._authorizers: Sequence[Authorizer] = authorizers

    def authorize(self, request: AccessRequest) -> Decision:
        reasons = []
        for authorizer in self._authorizers:
            decision = authorizer.authorize(request)
            if decision.allowed:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, "\n".join(reasons))


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
