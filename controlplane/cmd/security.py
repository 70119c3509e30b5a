"""From flags to who may call the API server and do what: `security_settings(values, remotes)`, files read.

Who is asked besides (identity providers, webhooks, the order of authorizers) is in `authorities.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controlplane.cmd.admission import plugin_configuration
from controlplane.cmd.authorities import authorities
from controlplane.cmd.settings import SettingsError, duration, if_there, read_file
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.remotes import Remotes
    from controlplane.apiserver.security import SecuritySettings
    from controlplane.auth.interface import User
    from controlplane.auth.jwt import PublicKey, SigningKey
    from controlplane.auth.request_header import RequestHeaderSettings
    from controlplane.auth.service_account import Lifetimes

_log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def security_settings(values: Values, remotes: Remotes) -> SecuritySettings:
    """Return who may do what. Raises Explained."""
    from controlplane.apiserver.security import SecuritySettings

    enabled, disabled = _plugins(values)
    asked = authorities(values, remotes)
    client_ca = if_there(values["client-ca-file"])
    try:
        return SecuritySettings(
            signing_key=_signing_key(values["service-account-signing-key-file"]),
            verifying_keys=tuple(key for file in values["service-account-key-file"] for key in _verifying_keys(file)),
            issuers=tuple(values["service-account-issuer"]),
            audiences=tuple(values["api-audiences"]),
            jwks_uri=values["service-account-jwks-uri"],
            lifetimes=_lifetimes(values),
            static_tokens=_static_tokens(values["token-auth-file"]),
            anonymous=_anonymous(values, asked.modes),
            bootstrap_tokens=values["enable-bootstrap-token-auth"],
            providers=asked.providers,
            token_webhook=asked.token_webhook,
            client_ca=read_file("client-ca-file", client_ca) if client_ca is not None else b"",
            client_ca_file=client_ca,
            request_headers=_request_headers(values),
            authorization_modes=asked.modes,
            authorization_file=asked.authorization_file,
            enabled_plugins=enabled,
            disabled_plugins=disabled,
            plugin_configuration=plugin_configuration(values["admission-control-config-file"]),
        )
    except ValueError as error:
        raise Explained(str(error)) from error


def _verifying_keys(file: str) -> list[PublicKey]:
    from controlplane.auth.jwt import load_public_keys

    name = "service-account-key-file"
    try:
        return load_public_keys(read_file(name, file))
    except ValueError as error:
        raise Explained(f"--{name}: {file}: {error}") from error


def _static_tokens(file: str) -> Mapping[str, User]:
    from controlplane.auth.static_token import parse_token_file

    try:
        return parse_token_file(read_file("token-auth-file", file).decode()) if file else {}
    except ValueError as error:
        raise Explained(f"--token-auth-file: {file}: {error}") from error


def _anonymous(values: Values, modes: Sequence[object]) -> bool:
    """Return whether strangers are let in: not where everybody may do everything."""
    if values["anonymous-auth"] and "AlwaysAllow" in modes:
        _log.warning("anonymous requests are not allowed with the AlwaysAllow authorizer: --anonymous-auth is off")
        return False
    return bool(values["anonymous-auth"])


def _lifetimes(values: Values) -> Lifetimes:
    from controlplane.auth.service_account import Lifetimes

    longest = duration(values, "service-account-max-token-expiration")
    if longest and not 3600 <= longest <= 1 << 32:
        raise SettingsError("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds")
    return Lifetimes(int(longest), values["service-account-extend-token-expiration"])


def _signing_key(file: str) -> SigningKey:
    from controlplane.auth.jwt import SigningKey

    try:
        return SigningKey.from_pem(read_file("service-account-signing-key-file", file))
    except ValueError as error:
        raise SettingsError(f"--service-account-signing-key-file: {file} holds no private key in PEM") from error


def _plugins(values: Values) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the admission plugins switched on and off by name."""
    from controlplane.admission.chain import UnknownPlugin, selected

    enabled, disabled = tuple(values["enable-admission-plugins"]), tuple(values["disable-admission-plugins"])
    try:
        _, without_effect = selected(enabled, disabled)
    except UnknownPlugin as error:
        raise SettingsError(f"--enable-admission-plugins, --disable-admission-plugins: {error}") from error
    for name in without_effect:
        _log.warning("--enable-admission-plugins: %s is not part of Sampan yet", name)
    return enabled, disabled


def _request_headers(values: Values) -> RequestHeaderSettings | None:
    """Return which proxies are believed; none where there is no CA that signs for them."""
    from controlplane.auth.request_header import RequestHeaderSettings

    authority = if_there(values["requestheader-client-ca-file"])
    if authority is None:
        return None
    return RequestHeaderSettings(
        read_file("requestheader-client-ca-file", authority),
        tuple(values["requestheader-allowed-names"]),
        tuple(values["requestheader-username-headers"]),
        tuple(values["requestheader-uid-headers"]),
        tuple(values["requestheader-group-headers"]),
        tuple(values["requestheader-extra-headers-prefix"]),
        authority,
    )
