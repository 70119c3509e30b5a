"""Reading token Secrets, and signing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controlplane.api.core_v1 import Secret
from controlplane.kit.timestamps import parse_time

TOKEN_TYPE = "bootstrap.kubernetes.io/token"
KUBECONFIG, SIGNATURE_PREFIX = "kubeconfig", "jws-kubeconfig-"


@dataclass(frozen=True, slots=True)
class Token:
    """A bootstrap token."""

    id: str
    secret: str
    signs: bool


def _text(secret: Secret, key: str) -> str:
    try:
        return base64.b64decode(secret.data.get(key, "")).decode()
    except ValueError:
        return ""


def expires_at(secret: Secret) -> datetime | None:
    """Return when a token Secret expires; None: never, or nobody can tell."""
    text = _text(secret, "expiration")
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


def token_of(secret: Secret, now: datetime) -> Token | None:
    """Return the token a Secret holds; None if it holds none that is valid now."""
    id_, expiry = _text(secret, "token-id"), expires_at(secret)
    if not id_ or secret.metadata.name != f"bootstrap-token-{id_}" or (expiry is not None and expiry <= now):
        return None
    return Token(id_, _text(secret, "token-secret"), _text(secret, "usage-bootstrap-signing") == "true")


def signature(content: str, token: Token) -> str:
    """Return a JWS (RFC 7515, HS256) whose payload is left out, because it stands beside it."""
    header = _base64url(b'{"alg":"HS256","kid":"' + token.id.encode() + b'"}')
    signed = f"{header}.{_base64url(content.encode())}".encode()
    return f"{header}..{_base64url(hmac.new(token.secret.encode(), signed, hashlib.sha256).digest())}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(data: Mapping[str, str], tokens: Iterable[Token]) -> dict[str, str]:
    """Return the ConfigMap's data with a signature for each signing token, and for no other."""
    others = {key: value for key, value in data.items() if not key.startswith(SIGNATURE_PREFIX)}
    if KUBECONFIG not in data:
        return others
    return others | {
        SIGNATURE_PREFIX + token.id: signature(data[KUBECONFIG], token)
        for token in sorted(tokens, key=lambda one: one.id)
        if token.signs and token.secret
    }
