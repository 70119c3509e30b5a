"""Authentication by webhook: a TokenReview is sent to another server, whose answer is kept for a while.

{"spec": {"token": "014fbff9a07c...", "audiences": ["https://kubernetes.default.svc"]}}
{"status": {"authenticated": true, "user": {"username": "jane", "groups": ["dev"]}}}
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from controlplane.api.authentication_v1 import TokenReviewStatus
from controlplane.api.status import Unauthorized
from controlplane.auth.interface import Credentials, User
from controlplane.auth.remote import Unanswering, Webhook
from controlplane.kit.clock import Clock
from controlplane.kit.expiring import ExpiringCache

_log = logging.getLogger(__name__)

_KEPT = 8192  # answers


class WebhookTokens:
    """Believes the tokens that a webhook believes."""

    def __init__(self, webhook: Webhook, audiences: Sequence[str], version: str, ttl: float, clock: Clock):
        self._webhook, self._audiences, self._version, self._ttl = webhook, tuple(audiences), version, ttl
        # By the token's hash: a token is a secret, and this one is long-lived.
        self._known: ExpiringCache[bytes, tuple[User | None]] = ExpiringCache(_KEPT, clock)

    async def authenticate(self, credentials: Credentials) -> User | None:
        if not credentials.token:
            return None
        key = hashlib.sha256(credentials.token.encode()).digest()
        known = self._known.get(key)
        if known is None:
            known = (await self._ask(credentials.token),)
            self._known.put(key, known, self._ttl)
        return known[0]

    async def _ask(self, token: str) -> User | None:
        try:
            status = await self._webhook.status(review(token, self._audiences, self._version))
            return user_of(msgspec.convert(status, TokenReviewStatus), self._audiences)
        except (Unanswering, msgspec.ValidationError) as error:
            _log.error("the token webhook did not say whose token this is: %s", error)
            raise Unauthorized("Unauthorized") from error


def review(token: str, audiences: Sequence[str], version: str) -> dict[str, Any]:
    """Return the TokenReview to send."""
    return {
        "kind": "TokenReview",
        "apiVersion": f"authentication.k8s.io/{version}",
        "metadata": {},
        "spec": {"token": token} | ({"audiences": list(audiences)} if audiences else {}),
        "status": {"user": {}},
    }


def user_of(status: TokenReviewStatus, audiences: Sequence[str]) -> User | None:
    """Return the user, or None if the webhook does not know the token or it is not meant for this server."""
    if not status.authenticated or status.user is None:
        return None
    if status.audiences and audiences and not set(status.audiences) & set(audiences):
        return None
    user = status.user
    extra = {key: tuple(values) for key, values in user.extra.items()}
    return User(user.username, user.uid, tuple(user.groups), extra)
