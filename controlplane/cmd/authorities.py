"""From flags and configuration files to who is believed and who decides: providers, webhooks, authorization modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from controlplane.cmd.settings import SettingsError, duration, read_file, seconds
from controlplane.cmd.tables import APISERVER
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.apiserver.authorization import AuthorizationFile, Mode, WebhookMode
    from controlplane.apiserver.identity_providers import ProviderSettings
    from controlplane.apiserver.remotes import Remotes
    from controlplane.apiserver.security import TokenWebhook
    from controlplane.auth.authorization_configuration import WebhookConfiguration
    from controlplane.auth.expressions import Expressions

Values = Mapping[str, Any]
T = TypeVar("T")

_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Authorities:
    """What `SecuritySettings` takes of all this."""

    providers: ProviderSettings | None
    token_webhook: TokenWebhook | None
    modes: tuple[Mode, ...]
    authorization_file: AuthorizationFile | None


def authorities(values: Values, remotes: Remotes) -> Authorities:
    """Return who is believed and who decides. Raises Explained."""
    modes, file = _authorization(values, remotes)
    return Authorities(_providers(values), _token_webhook(values, remotes), tuple(modes), file)


# --- authentication


def _providers(values: Values) -> ProviderSettings | None:
    from controlplane.apiserver.identity_providers import ProviderSettings
    from controlplane.apiserver.reload import content_hash
    from controlplane.auth.oidc.configuration import load

    file = values["authentication-config"]
    if not file:
        return _provider_of_flags(values)
    if given := _given(values, "oidc-"):
        raise SettingsError(f"authentication-config file and oidc-* flags are mutually exclusive: {', '.join(given)}")
    own = tuple(values["service-account-issuer"])
    text = read_file("authentication-config", file)
    expressions = evaluator()
    configuration = _understood("authentication-config", file, lambda: load(text, own, expressions))
    if configuration.anonymous is not None and not values["anonymous-auth"]:
        raise SettingsError("--anonymous-auth flag cannot be set when anonymous field is configured in authentication "
                            "configuration file")  # fmt: skip
    return ProviderSettings(
        configuration,
        _algorithms(values),
        Path(file),
        content_hash(text),
        lambda changed: load(changed, own, expressions),
        expressions,
    )


def _provider_of_flags(values: Values) -> ProviderSettings | None:
    from controlplane.apiserver.identity_providers import ProviderSettings
    from controlplane.auth.oidc.configuration import AuthenticationConfiguration, refuse

    url, client = values["oidc-issuer-url"], values["oidc-client-id"]
    if not url and not client:
        if given := _given(values, "oidc-"):
            raise SettingsError(f"{', '.join(given)} need --oidc-issuer-url and --oidc-client-id")
        return None
    if not (url and client):
        raise SettingsError(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
        )
    configuration = AuthenticationConfiguration(jwt=[_jwt_of_flags(values)])
    try:
        refuse(configuration, tuple(values["service-account-issuer"]))
    except ValueError as error:
        raise SettingsError(f"--oidc-*: {error}") from error
    return ProviderSettings(configuration, _algorithms(values))


def _jwt_of_flags(values: Values) -> Any:
    from controlplane.auth.oidc.configuration import (
        ClaimMappings,
        ClaimValidationRule,
        Issuer,
        JWTAuthenticator,
        PrefixedClaim,
    )

    issuer = Issuer(url=values["oidc-issuer-url"], audiences=[values["oidc-client-id"]])
    if values["oidc-ca-file"]:
        issuer.certificate_authority = read_file("oidc-ca-file", values["oidc-ca-file"]).decode(errors="replace")
    claim, groups = values["oidc-username-claim"], values["oidc-groups-claim"]
    username = PrefixedClaim(claim=claim, prefix=username_prefix(values["oidc-username-prefix"], claim, issuer.url))
    rules = []
    for pair in values["oidc-required-claim"]:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--oidc-required-claim: {pair!r} is not key=value")
        rules.append(ClaimValidationRule(claim=key.strip(), required_value=value.strip()))
    mapped = PrefixedClaim(claim=groups, prefix=values["oidc-groups-prefix"]) if groups else PrefixedClaim()
    return JWTAuthenticator(
        issuer=issuer,
        claim_validation_rules=rules,
        claim_mappings=ClaimMappings(username=username, groups=mapped),
    )


def username_prefix(given: str, claim: str, issuer: str) -> str:
    """Return what is put in front of names: without a word, only e-mail addresses are unique by themselves."""
    if given == "-":
        return ""
    return given or ("" if claim == "email" else f"{issuer}#")


def _algorithms(values: Values) -> Sequence[str]:
    from controlplane.auth.oidc.signatures import ALGORITHMS

    given = values["oidc-signing-algs"]
    if values["authentication-config"] and given == APISERVER.defaults["oidc-signing-algs"]:
        return ALGORITHMS  # with a configuration file, every one of them
    for one in given:
        if one not in ALGORITHMS:
            raise SettingsError(f'--oidc-signing-algs: oidc: unsupported signing alg: "{one}"')
    return tuple(given)


def _token_webhook(values: Values, remotes: Remotes) -> TokenWebhook | None:
    from controlplane.apiserver.security import TokenWebhook

    prefix = "authentication-token-webhook"
    file = values[f"{prefix}-config-file"]
    if not file:
        return None
    version = _version(values, f"{prefix}-version")
    ask = _understood(f"{prefix}-config-file", file, lambda: remotes.webhook(Path(file)))
    return TokenWebhook(ask, version, duration(values, f"{prefix}-cache-ttl"))


# --- authorization


def _authorization(values: Values, remotes: Remotes) -> tuple[Sequence[Mode], AuthorizationFile | None]:
    from controlplane.apiserver.authorization import AuthorizationFile
    from controlplane.apiserver.reload import content_hash

    file = values["authorization-config"]
    if not file:
        return _modes_of_flags(values, remotes), None
    if [name for name in _given(values, "authorization-") if name != "--authorization-config"]:
        raise SettingsError(
            "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags "
            "are defined"
        )
    text = read_file("authorization-config", file)
    modes = _understood("authorization-config", file, lambda: modes_of_file(text, remotes))
    return modes, AuthorizationFile(Path(file), content_hash(text), lambda changed: modes_of_file(changed, remotes))


def modes_of_file(text: bytes, remotes: Remotes) -> Sequence[Mode]:
    """Return the authorizers of an AuthorizationConfiguration, in order. Raises ConfigurationError, Explained."""
    from controlplane.auth.authorization_configuration import load

    expressions = evaluator()
    return [
        one.type if one.webhook is None else _webhook_mode(one.name, one.webhook, remotes, expressions)
        for one in load(text, expressions).authorizers
    ]


def _webhook_mode(name: str, webhook: WebhookConfiguration, remotes: Remotes, expressions: Expressions) -> WebhookMode:
    from controlplane.apiserver.authorization import WebhookMode
    from controlplane.auth.expressions import matcher
    from controlplane.auth.webhook_authorizer import WebhookPolicy

    policy = WebhookPolicy(
        name=name,
        authorized_ttl=seconds(webhook.authorized_ttl) if webhook.cache_authorized_requests else 0.0,
        unauthorized_ttl=seconds(webhook.unauthorized_ttl) if webhook.cache_unauthorized_requests else 0.0,
        version=webhook.subject_access_review_version,
        deny_on_error=webhook.failure_policy == "Deny",
        matches=matcher([one.expression for one in webhook.match_conditions], expressions),
    )
    kubeconfig = Path(webhook.connection_info.kube_config_file or "")
    return WebhookMode(remotes.webhook(kubeconfig, seconds(webhook.timeout)), policy)


def _modes_of_flags(values: Values, remotes: Remotes) -> Sequence[Mode]:
    from controlplane.apiserver.authorization import AUTHORIZATION_MODES, WebhookMode
    from controlplane.auth.webhook_authorizer import WebhookPolicy

    prefix, modes = "authorization-webhook", list[Any](values["authorization-mode"])
    known = (*AUTHORIZATION_MODES, "Webhook")
    if unknown := [mode for mode in modes if mode not in known]:
        raise SettingsError(f"--authorization-mode: {', '.join(unknown)} is not one of {', '.join(known)}")
    if twice := [mode for position, mode in enumerate(modes) if mode in modes[:position]]:
        raise SettingsError(f"--authorization-mode: {twice[0]} is named twice")
    file = values[f"{prefix}-config-file"]
    if "Webhook" not in modes:
        if file:
            raise SettingsError(
                "cannot specify --authorization-webhook-config-file without mode Webhook in --authorization-mode"
            )
        return modes
    if not file:
        raise SettingsError("authorization-mode Webhook's authorization config file not passed")
    policy = WebhookPolicy(
        name="webhook",
        authorized_ttl=duration(values, f"{prefix}-cache-authorized-ttl"),
        unauthorized_ttl=duration(values, f"{prefix}-cache-unauthorized-ttl"),
        version=_version(values, f"{prefix}-version"),
    )
    ask = _understood(f"{prefix}-config-file", file, lambda: remotes.webhook(Path(file)))
    return [WebhookMode(ask, policy) if mode == "Webhook" else mode for mode in modes]


# --- what they share


def evaluator() -> Expressions:
    """Return what compiles the expressions of both files."""
    from controlplane.auth.evaluation import compile_cel
    from controlplane.auth.expressions import Expressions

    return Expressions(compile_cel)


def _version(values: Values, flag: str) -> str:
    version: str = values[flag]
    if version not in _VERSIONS:
        raise SettingsError(f"--{flag}: {version!r} is not one of {', '.join(_VERSIONS)}")
    return version


def _given(values: Values, prefix: str) -> list[str]:
    """Return the flags of a family whose value is not the default."""
    defaults = APISERVER.defaults
    return [f"--{name}" for name in defaults if name.startswith(prefix) and values[name] != defaults[name]]


def _understood(flag: str, file: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, Explained) as error:
        raise Explained(f"--{flag}: {file}: {error}") from error
