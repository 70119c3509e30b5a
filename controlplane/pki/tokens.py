"""Bootstrap tokens: their form, and the Secret that makes one valid.

abcdef.0123456789abcdef       six characters that name it, sixteen that are secret
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controlplane.kit.timestamps import format_time

SECRET_TYPE = "bootstrap.kubernetes.io/token"
SECRET_PREFIX = "bootstrap-token-"
DEFAULT_GROUPS = ("system:bootstrappers:kubeadm:default-node-token",)
USAGES = ("authentication", "signing")

_FORM = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class BootstrapToken:
    """A token; written out it is `<id>.<secret>`."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"

    @property
    def secret_name(self) -> str:
        return SECRET_PREFIX + self.id


def parse(text: str) -> BootstrapToken:
    """Return the token. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f'the bootstrap token "{text}" was not of the form "[a-z0-9]{{6}}.[a-z0-9]{{16}}"')
    return BootstrapToken(*found.groups())


def generate() -> BootstrapToken:
    """Return a new token."""
    return BootstrapToken(_random(6), _random(16))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def secret_data(
    token: BootstrapToken,
    *,
    expires: datetime | None,
    description: str = "",
    groups: tuple[str, ...] = DEFAULT_GROUPS,
    usages: tuple[str, ...] = USAGES,
) -> Mapping[str, str]:
    """Return what the token's Secret says, as text."""
    data = {"token-id": token.id, "token-secret": token.secret}
    data |= {f"usage-bootstrap-{usage}": "true" for usage in usages}
    if groups:
        data["auth-extra-groups"] = ",".join(groups)
    if expires is not None:
        data["expiration"] = format_time(expires)
    if description:
        data["description"] = description
    return data
