"""Service account tokens: what they claim, issuing them, and believing them.

A token names its account and, if it was made for a pod, the pod and its node, all by UID:

    {"iss": "https://kubernetes.default.svc.cluster.local", "aud": ["https://kubernetes.default..."],
     "sub": "system:serviceaccount:default:web", "iat": ..., "nbf": ..., "exp": ..., "jti": "<uuid>",
     "kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "web", "uid": "..."},
                       "pod": {"name": "web-0", "uid": "..."}, "node": {"name": "n1", "uid": "..."}, "warnafter": ...}}

It is good only while all of these exist with the same UID: deleting a pod takes back its tokens, without any list of
revoked ones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

import msgspec

from controlplane.api.core_v1 import Node, Pod, Secret, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.reader import ObjectReader
from controlplane.api.status import Unauthorized
from controlplane.auth import jwt
from controlplane.auth.interface import Credentials, User
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time

log = logging.getLogger(__name__)

# What the node agent asks for on behalf of a pod: an hour and a bit, which marks the token as the injected one.
INJECTED_SECONDS = 3607
# Clients older than token refresh read their token once, so the injected one lives a year and warns after the hour.
EXTENDED_SECONDS = 365 * 24 * 3600
# A pod that is being deleted may use its token for this long past its grace period, to say goodbye.
_LEEWAY = timedelta(seconds=60)

_EXTRA = "authentication.kubernetes.io/"


class BoundObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object that a token names."""

    name: str = ""
    uid: str = ""


class PrivateClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The claim `kubernetes.io`."""

    namespace: str = ""
    serviceaccount: BoundObject = BoundObject()
    pod: BoundObject | None = None
    secret: BoundObject | None = None
    node: BoundObject | None = None
    warnafter: int | None = None


class TokenClaims(msgspec.Struct, frozen=True):
    """The claims we read; `aud` is a list or, from others, one text."""

    iss: str = ""
    sub: str = ""
    aud: list[str] | str = []
    exp: int | float | None = None
    nbf: int | float | None = None
    iat: int | float | None = None
    jti: str = ""
    kubernetes: PrivateClaims | None = msgspec.field(name="kubernetes.io", default=None)

    @property
    def audiences(self) -> tuple[str, ...]:
        return (self.aud,) if isinstance(self.aud, str) else tuple(self.aud)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, and when it tells its holder that it ends (seconds since 1970)."""

    token: str
    expires: int


def username(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def split_username(name: str) -> tuple[str, str] | None:
    """Return namespace and name if this is a service account's user name."""
    parts = name.split(":")
    is_account = len(parts) == 4 and parts[:2] == ["system", "serviceaccount"] and all(parts)
    return (parts[2], parts[3]) if is_account else None


def groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens are good."""

    longest: int = 0  # seconds, of any token; 0: as long as asked for
    extend: bool = True  # whether injected ones outlive what was asked for


ANY_TIME = Lifetimes()


class TokenIssuer:
    """Signs tokens."""

    def __init__(
        self,
        key: jwt.SigningKey,
        issuer: str,
        audiences: Sequence[str],
        clock: Clock,
        new_uuid: Callable[[], str],
        lifetimes: Lifetimes = ANY_TIME,
    ):
        self._key, self._issuer, self._clock, self._new_uuid = key, issuer, clock, new_uuid
        self.lifetimes = lifetimes
        self.audiences = tuple(audiences)  # the API server's own, for requests that name none

    def issue(self, claims: PrivateClaims, audiences: Sequence[str], seconds: int) -> IssuedToken:
        """Return a token for the account that `claims` names."""
        now = int(self._clock.now().timestamp())
        audiences = tuple(audiences) or self.audiences
        expires = now + seconds
        is_injected = claims.pod is not None and seconds == INJECTED_SECONDS
        if self.lifetimes.extend and is_injected and set(audiences) <= set(self.audiences):
            claims = msgspec.structs.replace(claims, warnafter=expires)
            seconds = min(EXTENDED_SECONDS, self.lifetimes.longest or EXTENDED_SECONDS)
        payload = {
            "aud": audiences,
            "exp": now + seconds,
            "iat": now,
            "iss": self._issuer,
            "jti": self._new_uuid(),
            "kubernetes.io": msgspec.to_builtins(claims),
            "nbf": now,
            "sub": username(claims.namespace, claims.serviceaccount.name),
        }
        return IssuedToken(jwt.sign(payload, self._key), expires)


class _HasMetadata(Protocol):
    @property
    def metadata(self) -> ObjectMeta: ...


Problem: TypeAlias = str
"""Why a token is not believed: for the server's log, for the caller only learns that it is not."""


class ServiceAccountTokens:
    """Believes tokens of our issuer whose objects still exist."""

    def __init__(
        self,
        keys: Iterable[jwt.PublicKey],
        issuers: Sequence[str],
        audiences: Sequence[str],
        reader: ObjectReader,
        clock: Clock,
    ):
        self._keys = {jwt.key_id(key): key for key in keys}
        self._issuers, self._audiences = frozenset(issuers), frozenset(audiences)
        self._reader, self._clock = reader, clock
        # Signature checks cost 50 µs or more and their answer never changes, unlike that of the other checks.
        self._verified: dict[str, TokenClaims] = {}

    @property
    def keys(self) -> Sequence[jwt.PublicKey]:
        return list(self._keys.values())

    async def authenticate(self, credentials: Credentials) -> User | None:
        return self.believe(credentials.token, self._audiences) if credentials.token else None

    def believe(self, token: str, audiences: Iterable[str]) -> User | None:
        """Return the account of a token meant for one of `audiences`; None if it is no token of our issuer."""
        claims = self._claims(token)
        if claims is None or claims.kubernetes is None:
            return None
        problem = self._problem(claims, claims.kubernetes, frozenset(audiences))
        if problem:
            log.info("refused a token of %s: %s", claims.sub, problem)
            raise Unauthorized("Unauthorized")
        return _user(claims, claims.kubernetes)

    def audiences_of(self, token: str) -> tuple[str, ...]:
        """Return whom a token is meant for, or nobody if it is not one of ours."""
        claims = self._claims(token)
        return claims.audiences if claims else ()

    def _claims(self, token: str) -> TokenClaims | None:
        if (known := self._verified.get(token)) is not None:
            return known
        try:
            if jwt.unverified_claims(token).get("iss") not in self._issuers:
                return None
        except (jwt.InvalidToken, TypeError):
            return None
        try:
            claims = msgspec.convert(jwt.verify(token, self._keys), TokenClaims)
        except (jwt.InvalidToken, msgspec.ValidationError) as error:
            log.info("refused a service account token: %s", error)
            raise Unauthorized("Unauthorized") from error
        if len(self._verified) >= 4096:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _problem(self, claims: TokenClaims, private: PrivateClaims, audiences: frozenset[str]) -> Problem:
        return (
            _time_problem(claims, self._clock.now().timestamp())
            or ("" if audiences & set(claims.audiences) else f"meant for {claims.audiences}")
            or self._account_problem(claims, private)
            or self._binding_problem(private)
        )

    def _account_problem(self, claims: TokenClaims, private: PrivateClaims) -> Problem:
        if claims.sub != username(private.namespace, private.serviceaccount.name):
            return "its subject is not its service account"
        account = self._reader.get(ServiceAccount, private.namespace, private.serviceaccount.name)
        return self._gone("service account", account, private.serviceaccount)

    def _binding_problem(self, private: PrivateClaims) -> Problem:
        if private.secret is not None:
            secret = self._reader.get(Secret, private.namespace, private.secret.name)
            return self._gone("secret", secret, private.secret)
        if private.pod is not None:
            pod = self._reader.get(Pod, private.namespace, private.pod.name)
            return self._gone("pod", pod, private.pod)
        if private.node is not None:
            node = self._reader.get(Node, "", private.node.name)
            return self._gone("node", node, private.node)
        return ""

    def _gone(self, kind: str, found: _HasMetadata | None, bound: BoundObject) -> Problem:
        if found is None:
            return f"the {kind} {bound.name} is gone"
        metadata = found.metadata
        if metadata.uid != bound.uid:
            return f"the {kind} {bound.name} is another one now"
        if metadata.deletion_timestamp and parse_time(metadata.deletion_timestamp) + _LEEWAY < self._clock.now():
            return f"the {kind} {bound.name} should be gone"
        return ""


def _time_problem(claims: TokenClaims, now: float) -> Problem:
    if claims.exp is None or now > claims.exp:
        return "expired"
    # A minute of leeway for servers whose clocks differ.
    not_before = max(claims.nbf or 0, claims.iat or 0)
    return "not valid yet" if now + _LEEWAY.total_seconds() < not_before else ""


def _user(claims: TokenClaims, private: PrivateClaims) -> User:
    extra: dict[str, tuple[str, ...]] = {}
    if claims.jti:
        extra[f"{_EXTRA}credential-id"] = (f"JTI={claims.jti}",)
    for kind in ("node", "pod"):
        bound: BoundObject | None = getattr(private, kind)
        if bound is not None and bound.name:
            extra[f"{_EXTRA}{kind}-name"] = (bound.name,)
            if bound.uid:
                extra[f"{_EXTRA}{kind}-uid"] = (bound.uid,)
    name = username(private.namespace, private.serviceaccount.name)
    return User(name, private.serviceaccount.uid, groups(private.namespace), extra)


def openid_configuration(issuer: str, jwks_uri: str, keys: Sequence[jwt.PublicKey]) -> Mapping[str, Any]:
    """Return /.well-known/openid-configuration: where the keys are that verify our tokens."""
    return {
        "issuer": issuer,
        "jwks_uri": jwks_uri or f"{issuer}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted({jwt.algorithm_of(key) for key in keys}, reverse=True),
    }


def key_set(keys: Sequence[jwt.PublicKey]) -> Mapping[str, Any]:
    """Return /openid/v1/jwks."""
    return {"keys": [jwt.json_web_key(key) for key in keys]}
