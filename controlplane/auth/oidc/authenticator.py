"""Believing the ID tokens of one provider: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from controlplane.api.status import Unauthorized
from controlplane.auth import jwt
from controlplane.auth.expressions import NO_EXPRESSIONS, Expressions
from controlplane.auth.interface import Credentials, User
from controlplane.auth.oidc.claims import Refused, user_of
from controlplane.auth.oidc.configuration import JWTAuthenticator
from controlplane.auth.oidc.keys import NotReady, ProviderKey, RemoteKeys
from controlplane.auth.oidc.signatures import verifies
from controlplane.kit.clock import Clock
from controlplane.kit.expiring import ExpiringCache

_log = logging.getLogger(__name__)

_EARLY = 300  # seconds a token may come before its `nbf`, for clocks differ: as upstream's library
_KEPT, _KEPT_FOR = 4096, 10.0  # tokens, and seconds for which one that was believed is believed again


class OidcTokens:
    """Believes the tokens of one provider."""

    def __init__(
        self,
        configuration: JWTAuthenticator,
        algorithms: Iterable[str],
        keys: RemoteKeys,
        clock: Clock,
        expressions: Expressions = NO_EXPRESSIONS,
    ):
        self._configuration, self._algorithms = configuration, frozenset(algorithms)
        self._expressions = expressions
        self.keys, self._clock = keys, clock
        self._issuer = configuration.issuer.url
        self._audiences = frozenset(configuration.issuer.audiences)
        self._known: ExpiringCache[str, User] = ExpiringCache(_KEPT, clock)

    async def authenticate(self, credentials: Credentials) -> User | None:
        token = credentials.token
        if not token or issuer_of(token) != self._issuer:
            return None
        known = self._known.get(token)
        if known is not None:
            return known
        try:
            user = await self._user(token)
        except (Refused, NotReady, jwt.InvalidToken) as error:
            _log.error("Unable to authenticate the request: %s", error)
            raise Unauthorized("Unauthorized") from error
        self._known.put(token, user, _KEPT_FOR)
        return user

    async def _user(self, token: str) -> User:
        claims = await self._verified(token)
        check(claims, self._audiences, self._clock.now().timestamp())
        return user_of(claims, self._configuration, self._expressions)

    async def _verified(self, token: str) -> Mapping[str, Any]:
        parts = jwt.split(token)
        algorithm, key_id = parts.header.get("alg"), parts.header.get("kid", "")
        if algorithm not in self._algorithms or not isinstance(key_id, str):
            expected = " ".join(sorted(self._algorithms))
            raise Refused(f"oidc: id token signed with unsupported algorithm, expected [{expected}] got {algorithm}")
        if _any(algorithm, await self.keys.candidates(key_id), parts) or _any(
            algorithm, await self.keys.refreshed(key_id), parts
        ):
            return parts.claims
        raise Refused("oidc: verify token: failed to verify signature: failed to verify id token signature")


def _any(algorithm: str, keys: Sequence[ProviderKey], parts: jwt.Parts) -> bool:
    return any(verifies(algorithm, one.key, parts.message, parts.signature) for one in keys)


def issuer_of(token: str) -> str:
    """Return who a token says it is of; nobody for what is no token."""
    try:
        issuer = jwt.unverified_claims(token).get("iss")
    except jwt.InvalidToken:
        return ""
    if issuer == "accounts.google.com":  # as Google writes itself, now and then
        return "https://accounts.google.com"
    return issuer if isinstance(issuer, str) else ""


def check(claims: Mapping[str, Any], audiences: frozenset[str], now: float) -> None:
    """Raise Refused unless a token is for us, and now."""
    audience = claims.get("aud", [])
    meant_for = [audience] if isinstance(audience, str) else audience
    if not isinstance(meant_for, list) or not audiences.intersection(one for one in meant_for if isinstance(one, str)):
        raise Refused(f"oidc: expected audience in {sorted(audiences)} got {meant_for}")
    expires, not_before = claims.get("exp"), claims.get("nbf")
    if not _is_number(expires) or now > expires:
        raise Refused(f"oidc: token is expired (Token Expiry: {expires})")
    if not_before is not None and (not _is_number(not_before) or now + _EARLY < not_before):
        raise Refused(f"oidc: current time {now:.0f} before the nbf (not before) time: {not_before}")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
