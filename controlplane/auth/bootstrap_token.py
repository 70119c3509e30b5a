"""Bootstrap tokens: what a machine that is nobody yet shows to become a node.

A token is `<id>.<secret>`, such as abcdef.0123456789abcdef; it is good while the Secret
kube-system/bootstrap-token-<id> holds the same secret, has not expired and says that it may authenticate.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from datetime import datetime

from controlplane.api.core_v1 import Secret
from controlplane.api.reader import ObjectReader
from controlplane.auth.interface import Credentials, User
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time

log = logging.getLogger(__name__)

SECRET_TYPE = "bootstrap.kubernetes.io/token"
DEFAULT_GROUP = "system:bootstrappers"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """Believes tokens that a Secret describes."""

    def __init__(self, reader: ObjectReader, clock: Clock):
        self._reader, self._clock = reader, clock

    async def authenticate(self, credentials: Credentials) -> User | None:
        found = _TOKEN.fullmatch(credentials.token)
        if found is None:
            return None
        token_id, token_secret = found.groups()
        secret = self._reader.get(Secret, "kube-system", f"bootstrap-token-{token_id}")
        if secret is None or secret.type != SECRET_TYPE or secret.metadata.deletion_timestamp:
            return None
        return user_of(_data(secret), token_id, token_secret, self._clock.now())


def user_of(data: dict[str, str], token_id: str, token_secret: str, now: datetime) -> User | None:
    """Return the bootstrap user if the Secret's data vouches for this token."""
    same_secret = hmac.compare_digest(data.get("token-secret", ""), token_secret)
    if not same_secret or data.get("token-id") != token_id or data.get("usage-bootstrap-authentication") != "true":
        return None
    if "expiration" in data and has_expired(data["expiration"], now):
        return None
    extra = [group for group in data.get("auth-extra-groups", "").split(",") if group]
    if wrong := [group for group in extra if not _EXTRA_GROUP.fullmatch(group)]:
        log.error("the bootstrap token %s wants groups it may not have: %s", token_id, ", ".join(wrong))
        return None
    return User(f"system:bootstrap:{token_id}", groups=(DEFAULT_GROUP, *extra))


def has_expired(expiration: str, now: datetime) -> bool:
    """Return whether the time has passed; one that cannot be read has."""
    try:
        return now >= parse_time(expiration)
    except ValueError:
        return True


def _data(secret: Secret) -> dict[str, str]:
    try:
        return {key: base64.b64decode(value, validate=True).decode("ascii") for key, value in secret.data.items()}
    except (binascii.Error, ValueError):
        log.error("the Secret %s holds data that is not text", secret.metadata.name)
        return {}
