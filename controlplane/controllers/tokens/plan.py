"""What a token Secret should hold."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from msgspec.structs import replace

from controlplane.api.core_v1 import Secret, ServiceAccount
from controlplane.auth.jwt import SigningKey, sign
from controlplane.auth.legacy_token import ACCOUNT_NAME, ACCOUNT_UID, SECRET_TYPE, TOKEN_KEY, claims_of

_ROOT_CA, _NAMESPACE = "ca.crt", "namespace"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a Secret: write this, delete it, or nothing."""

    write: Secret | None = None
    delete: bool = False


def plan(secret: Secret, account: ServiceAccount | None, key: SigningKey, root_ca: bytes) -> Plan:
    """Decide; `account` is the one that the Secret names, if there is one."""
    metadata = secret.metadata
    if secret.type != SECRET_TYPE or not metadata.annotations.get(ACCOUNT_NAME) or metadata.deletion_timestamp:
        return Plan()
    uid = metadata.annotations.get(ACCOUNT_UID, "")
    if account is None or (uid and uid != account.metadata.uid):
        return Plan(delete=True)  # its account has ended, or is another one now
    filled = _filled(secret, account, key, root_ca)
    annotations = {**metadata.annotations, ACCOUNT_UID: account.metadata.uid}
    if filled == secret.data and annotations == metadata.annotations:
        return Plan()
    return Plan(replace(secret, metadata=replace(metadata, annotations=annotations), data=filled))


def _filled(secret: Secret, account: ServiceAccount, key: SigningKey, root_ca: bytes) -> dict[str, str]:
    """Return the data with what is missing; a token that is there stays, for somebody may hold it."""
    data = dict(secret.data)
    if root_ca:
        data[_ROOT_CA] = _text(root_ca)
    if not data.get(TOKEN_KEY):
        data[TOKEN_KEY] = _text(sign(claims_of(account, secret.metadata.name), key).encode())
    data.setdefault(_NAMESPACE, _text(secret.metadata.namespace.encode()))
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
