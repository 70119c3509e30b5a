"""Asking the API server who calls us and whether they may: components keep no list of users of their own.

A client certificate that TLS has verified says who it is by itself; a bearer token is shown to a TokenReview. Whether
that user may see `/metrics`, or reach a node's pods, is answered by a SubjectAccessReview. Answers are kept briefly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import msgspec

from controlplane.api.authentication_v1 import TokenReview, TokenReviewSpec, UserInfo
from controlplane.api.authorization_v1 import (
    NonResourceAttributes,
    ResourceAttributes,
    SubjectAccessReview,
    SubjectAccessReviewSpec,
)
from controlplane.api.codec import decode, encode
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.expiring import ExpiringCache
from controlplane.kit.serving import Caller, Refusal

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Upstream's --authentication-token-webhook-cache-ttl and --authorization-webhook-cache-*-ttl, in seconds.
_KEPT_SECONDS = 10.0
_KEPT_ANSWERS = 1024

ANONYMOUS = UserInfo(username="system:anonymous", groups=["system:unauthenticated"])


class DelegatedGuard:
    """Lets in whom the API server lets in; refuses everybody while it cannot be asked."""

    def __init__(self, client: Client, clock: Clock, *, anonymous: bool = True):
        self._client, self._anonymous = client, anonymous
        self._users: _Kept[str, UserInfo | None] = _Kept(clock)
        self._verdicts: _Kept[tuple[bytes, ...], bool] = _Kept(clock)

    async def refuse(self, caller: Caller, method: str, path: str) -> Refusal | None:
        """Return why `caller` may not use a path of ours, such as /metrics, or None."""
        return await self._refuse(caller, NonResourceAttributes(path=path, verb=_VERBS.get(method, method.lower())))

    async def refuse_resource(self, caller: Caller, attributes: ResourceAttributes) -> Refusal | None:
        """Return why `caller` may not do something to a resource, such as nodes/proxy of this node, or None."""
        return await self._refuse(caller, attributes)

    async def authenticate(self, caller: Caller) -> UserInfo | None:
        """Return who calls; None when nobody vouches for them. Raises StatusError, Unreachable."""
        if caller.token:
            return await self._users.get(caller.token, lambda: self._review_token(caller.token))
        if caller.common_name:
            groups = [*caller.organizations, "system:authenticated"]
            return UserInfo(username=caller.common_name, groups=groups)
        return ANONYMOUS if self._anonymous else None

    async def _refuse(self, caller: Caller, attributes: NonResourceAttributes | ResourceAttributes) -> Refusal | None:
        try:
            user = await self.authenticate(caller)
            if user is None:
                return Refusal(401, "Unauthorized")
            key = (encode(user), encode(attributes))
            allowed = await self._verdicts.get(key, lambda: self._review_access(user, attributes))
        except (StatusError, Unreachable) as error:
            return Refusal(
                503 if isinstance(error, Unreachable) else 500, f"the API server could not be asked: {error}"
            )
        return None if allowed else Refusal(403, _forbidden(user, attributes))

    async def _review_token(self, token: str) -> UserInfo | None:
        review = TokenReview(
            api_version="authentication.k8s.io/v1", kind="TokenReview", spec=TokenReviewSpec(token=token)
        )
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        answer = decode((await self._client.request("POST", path, body=encode(review))).body, TokenReview)
        return answer.status.user if answer.status.authenticated else None

    async def _review_access(self, user: UserInfo, attributes: NonResourceAttributes | ResourceAttributes) -> bool:
        spec = SubjectAccessReviewSpec(user=user.username, uid=user.uid, groups=user.groups, extra=user.extra)
        if isinstance(attributes, ResourceAttributes):
            spec = msgspec.structs.replace(spec, resource_attributes=attributes)
        else:
            spec = msgspec.structs.replace(spec, non_resource_attributes=attributes)
        review = SubjectAccessReview(api_version="authorization.k8s.io/v1", kind="SubjectAccessReview", spec=spec)
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = decode((await self._client.request("POST", path, body=encode(review))).body, SubjectAccessReview)
        return bool(answer.status.allowed)


_VERBS = {"HEAD": "get", "GET": "get"}


def _forbidden(user: UserInfo, attributes: NonResourceAttributes | ResourceAttributes) -> str:
    if isinstance(attributes, NonResourceAttributes):
        return f'forbidden: User "{user.username}" cannot {attributes.verb} path "{attributes.path}"'
    what = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    return f"Forbidden (user={user.username}, verb={attributes.verb}, resource={what})"


class _Kept(Generic[K, V]):
    """Remembers answers for a few seconds; failures to ask are never remembered."""

    def __init__(self, clock: Clock):
        self._answers: ExpiringCache[K, tuple[V]] = ExpiringCache(_KEPT_ANSWERS, clock)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        found = self._answers.get(key)
        if found is None:
            found = (await ask(),)
            self._answers.put(key, found, _KEPT_SECONDS)
        return found[0]
