"""TokenReview: whose token is this? How an extension, or a node, authenticates its own callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from controlplane.api.authentication_v1 import TokenReview
from controlplane.api.codec import Document
from controlplane.api.status import BadRequest, Unauthorized
from controlplane.apiserver.virtual.dependencies import Dependencies, Handler, answered, typed, user_info
from controlplane.auth.interface import ALL_AUTHENTICATED, Credentials, User


def handler(dependencies: Dependencies) -> Handler:
    async def handle(document: Document, user: User, namespace: str, name: str) -> Document:
        spec = typed(document, TokenReview).spec
        if not spec.token:
            raise BadRequest("token is required for TokenReview in authentication")
        return answered(document, await _review(dependencies, spec.token, spec.audiences))

    return handle


async def _review(dependencies: Dependencies, token: str, audiences: Sequence[str]) -> dict[str, Any]:
    """Return the status: the user, and which of the audiences asked for the token is meant for."""
    own = dependencies.issuer.audiences
    wanted = list(audiences) or list(own)
    try:
        found = dependencies.service_accounts.believe(token, wanted)
        if found is not None:
            meant_for = set(dependencies.service_accounts.audiences_of(token))
            shared = [audience for audience in wanted if audience in meant_for]
        else:
            # Other tokens know no audience: they are for this API server.
            shared = [audience for audience in wanted if audience in own]
            found = await dependencies.tokens.authenticate(Credentials(token=token)) if shared else None
    except Unauthorized:
        found = None
    if found is None:
        return {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
    return {
        "authenticated": True,
        "user": msgspec.to_builtins(user_info(_authenticated(found))),
        "audiences": shared,
    }


def _authenticated(user: User) -> User:
    groups = user.groups if ALL_AUTHENTICATED in user.groups else (*user.groups, ALL_AUTHENTICATED)
    return User(user.name, user.uid, groups, user.extra)
