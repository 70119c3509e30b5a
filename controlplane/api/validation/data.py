"""ConfigMaps and Secrets: keys that can be file names, at most a mebibyte, unchangeable if they say so."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping

from controlplane.api import names
from controlplane.api.core_v1 import ConfigMap, Secret
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, forbidden, immutable, invalid, required, too_long

_MOST_BYTES = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"


def validate_config_map(config_map: ConfigMap) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in config_map.data:
        errors += checked(f"data[{key}]", key, names.config_key(key))
        if key in config_map.binary_data:
            errors.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in config_map.binary_data:
        errors += checked(f"binaryData[{key}]", key, names.config_key(key))
    size = sum(len(value.encode()) for value in config_map.data.values())
    size += sum(_decoded_size(value) for value in config_map.binary_data.values())
    if size > _MOST_BYTES:
        errors.append(too_long("[]", _MOST_BYTES))  # upstream's name of the object as a whole
    return errors


def validate_config_map_update(new: ConfigMap, old: ConfigMap) -> list[FieldError]:
    if not old.immutable:
        return []
    return [
        forbidden(field, _FROZEN)
        for field, changed in (
            ("immutable", not new.immutable),
            ("data", new.data != old.data),
            ("binaryData", new.binary_data != old.binary_data),
        )
        if changed
    ]


def validate_secret(secret: Secret) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in secret.data:
        errors += checked(f"data[{key}]", key, names.config_key(key))
    if sum(_decoded_size(value) for value in secret.data.values()) > _MOST_BYTES:
        errors.append(too_long("data", _MOST_BYTES))
    errors += _validate_type(secret)
    return errors


def validate_secret_update(new: Secret, old: Secret) -> list[FieldError]:
    errors = immutable("type", new.type, old.type)
    if old.immutable:
        if not new.immutable:
            errors.append(forbidden("immutable", _FROZEN))
        if new.data != old.data:
            errors.append(forbidden("data", _FROZEN))
    return errors


def _decoded_size(text: str) -> int:
    return len(text) * 3 // 4 - text.count("=", -2)


_NEEDS: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"
_NOT_SHOWN = "<secret contents redacted>"


def _validate_type(secret: Secret) -> Iterator[FieldError]:
    """A Secret whose type says what it is for must hold what that takes."""
    if secret.type == "kubernetes.io/service-account-token" and not secret.metadata.annotations.get(_ACCOUNT):
        yield required(f"metadata.annotations[{_ACCOUNT}]")
    if secret.type == "kubernetes.io/basic-auth" and not {"username", "password"} & set(secret.data):
        yield required("data[username]")
        yield required("data[password]")
    for key in _NEEDS.get(secret.type, ()):
        if not secret.data.get(key) and (key not in secret.data or key.startswith(".")):
            yield required(f"data[{key}]")
        elif key.startswith(".docker") and not _is_json(secret.data[key]):
            yield invalid(f"data[{key}]", _NOT_SHOWN, "invalid character in JSON")


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(base64.b64decode(text)), dict)
    except (binascii.Error, ValueError):
        return False
