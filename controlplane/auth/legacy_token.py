"""Service account tokens that live in Secrets of type kubernetes.io/service-account-token, and never expire.

    {"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:web",
     "kubernetes.io/serviceaccount/namespace": "default", "kubernetes.io/serviceaccount/secret.name": "web-token",
     "kubernetes.io/serviceaccount/service-account.name": "web", ".../service-account.uid": "..."}

Nobody gets one unasked since v1.24; who makes such a Secret has it filled in by the tokens controller. A token is good
as long as its Secret holds it and its account is the one it was made for: deleting the Secret takes it back.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from controlplane.api.core_v1 import Secret, ServiceAccount
from controlplane.api.reader import ObjectReader
from controlplane.api.status import Unauthorized
from controlplane.auth import jwt
from controlplane.auth.interface import Credentials, User
from controlplane.auth.service_account import groups, username

_log = logging.getLogger(__name__)

ISSUER = "kubernetes/serviceaccount"
SECRET_TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
TOKEN_KEY = "token"
_INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
_CLAIM = "kubernetes.io/serviceaccount/"


class _Claims(msgspec.Struct):
    sub: str = ""
    namespace: str = msgspec.field(name=f"{_CLAIM}namespace", default="")
    secret: str = msgspec.field(name=f"{_CLAIM}secret.name", default="")
    account: str = msgspec.field(name=f"{_CLAIM}service-account.name", default="")
    uid: str = msgspec.field(name=f"{_CLAIM}service-account.uid", default="")


def claims_of(account: ServiceAccount, secret: str) -> Mapping[str, Any]:
    """Return what the token in a Secret claims."""
    metadata = account.metadata
    return {
        "iss": ISSUER,
        f"{_CLAIM}namespace": metadata.namespace,
        f"{_CLAIM}secret.name": secret,
        f"{_CLAIM}service-account.name": metadata.name,
        f"{_CLAIM}service-account.uid": metadata.uid,
        "sub": username(metadata.namespace, metadata.name),
    }


class LegacyTokens:
    """Believes tokens that a Secret still holds."""

    def __init__(self, keys: Iterable[jwt.PublicKey], reader: ObjectReader):
        self._keys = {jwt.key_id(key): key for key in keys}
        self._reader = reader
        self._verified: dict[str, _Claims] = {}  # signatures cost more than all the rest, and never change

    async def authenticate(self, credentials: Credentials) -> User | None:
        token = credentials.token
        claims = self._verified.get(token) or self._claims(token)
        if claims is None:
            return None
        if problem := self._problem(claims, token):
            _log.info("refused the token of Secret %s/%s: %s", claims.namespace, claims.secret, problem)
            raise Unauthorized("Unauthorized")
        return User(username(claims.namespace, claims.account), claims.uid, groups(claims.namespace))

    def _claims(self, token: str) -> _Claims | None:
        """Return what a token claims; None if it is not of this kind. Raises Unauthorized for a forged one."""
        try:
            if jwt.unverified_claims(token).get("iss") != ISSUER:
                return None
        except jwt.InvalidToken:
            return None
        try:
            claims = msgspec.convert(jwt.verify(token, self._keys), _Claims)
        except (jwt.InvalidToken, msgspec.ValidationError) as error:
            _log.info("refused a legacy service account token: %s", error)
            raise Unauthorized("Unauthorized") from error
        if len(self._verified) >= 4096:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _problem(self, claims: _Claims, token: str) -> str:
        if not (claims.namespace and claims.secret and claims.account and claims.uid):
            return "it does not say whose it is"
        if claims.sub != username(claims.namespace, claims.account):
            return "its subject is not its service account"
        secret = self._reader.get(Secret, claims.namespace, claims.secret)
        if secret is None or secret.metadata.deletion_timestamp:
            return "the Secret is gone"
        if not hmac.compare_digest(_decoded(secret.data.get(TOKEN_KEY, "")), token.encode()):
            return "the Secret holds another"
        if secret.metadata.labels.get(_INVALID_SINCE):
            return "it has been marked as invalid, for nobody used it"
        account = self._reader.get(ServiceAccount, claims.namespace, claims.account)
        if account is None or account.metadata.deletion_timestamp or account.metadata.uid != claims.uid:
            return "the service account is gone"
        return ""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
