"""AuthenticationConfiguration (apiserver.config.k8s.io/v1): which identity providers are believed, and of what.

apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: https://issuer.example.com, audiences: [my-cluster]}
  claimMappings:
    username: {claim: sub, prefix: 'example:'}
    groups: {claim: groups, prefix: ''}
anonymous: {enabled: true, conditions: [{path: /livez}]}
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from controlplane.api.configuration import ConfigurationError, aggregate, decode_configuration

_VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_MOST = 64  # providers
_NO_CEL = "CEL expressions are not evaluated yet: use claim"


class _Strict(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A field that nobody knows is a mistake."""


class Issuer(_Strict):
    """A provider, and for whom its tokens must be meant."""

    url: str = ""
    discovery_url: str = msgspec.field(name="discoveryURL", default="")
    certificate_authority: str = ""
    audiences: list[str] = []
    audience_match_policy: str = ""
    egress_selector_type: str = ""


class ClaimValidationRule(_Strict):
    """What a token has to claim."""

    claim: str = ""
    required_value: str = ""
    expression: str = ""
    message: str = ""


class PrefixedClaim(_Strict):
    """Where a name comes from, and what is put in front of it."""

    claim: str = ""
    prefix: str | None = None
    expression: str = ""


class Claim(_Strict):
    """Where a value comes from."""

    claim: str = ""
    expression: str = ""


class ExtraMapping(_Strict):
    """One key of the user's extra."""

    key: str = ""
    value_expression: str = ""


class ClaimMappings(_Strict):
    """How claims become a user."""

    username: PrefixedClaim = msgspec.field(default_factory=PrefixedClaim)
    groups: PrefixedClaim = msgspec.field(default_factory=PrefixedClaim)
    uid: Claim = msgspec.field(default_factory=Claim)
    extra: list[ExtraMapping] = []


class UserValidationRule(_Strict):
    """What has to hold of the user."""

    expression: str = ""
    message: str = ""


class JWTAuthenticator(_Strict):
    """One provider."""

    issuer: Issuer = msgspec.field(default_factory=Issuer)
    claim_validation_rules: list[ClaimValidationRule] = []
    claim_mappings: ClaimMappings = msgspec.field(default_factory=ClaimMappings)
    user_validation_rules: list[UserValidationRule] = []


class AnonymousCondition(_Strict):
    """A path that strangers may ask for."""

    path: str = ""


class Anonymous(_Strict):
    """Whether callers without credentials are let in, and where."""

    enabled: bool
    conditions: list[AnonymousCondition] = []


class AuthenticationConfiguration(_Strict):
    """The file."""

    jwt: list[JWTAuthenticator] = []
    anonymous: Anonymous | None = None


def load(text: bytes, own_issuers: Sequence[str] = ()) -> AuthenticationConfiguration:
    """Return what a file says; no provider may be one of our `own_issuers`. Raises ConfigurationError."""
    configuration = decode_configuration(text, AuthenticationConfiguration, _VERSIONS)
    refuse(configuration, own_issuers)
    return configuration


def refuse(configuration: AuthenticationConfiguration, own_issuers: Sequence[str]) -> None:
    """Raise ConfigurationError if there is anything wrong, in upstream's words."""
    if problems := list(_problems(configuration, own_issuers)):
        raise ConfigurationError(aggregate(problems))


Problem: TypeAlias = str


def _problems(configuration: AuthenticationConfiguration, own_issuers: Sequence[str]) -> Iterator[Problem]:
    if len(configuration.jwt) > _MOST:
        yield f"jwt: Too many: {len(configuration.jwt)}: must have at most {_MOST} items"
        return
    urls, discovery_urls = set[str](), set[str]()
    for number, one in enumerate(configuration.jwt):
        path, issuer = f"jwt[{number}]", one.issuer
        yield from _issuer_problems(issuer, own_issuers, f"{path}.issuer")
        yield from _rule_problems(one.claim_validation_rules, f"{path}.claimValidationRules")
        yield from _mapping_problems(one.claim_mappings, f"{path}.claimMappings")
        for position, rule in enumerate(one.user_validation_rules):
            where = f"{path}.userValidationRules[{position}].expression"
            yield f"{where}: Required value" if not rule.expression else _invalid(where, rule.expression, _NO_CEL)
        if issuer.url in urls:
            yield f"{path}.issuer.url: Duplicate value: {json.dumps(issuer.url)}"
        if issuer.discovery_url in discovery_urls:
            yield f"{path}.issuer.discoveryURL: Duplicate value: {json.dumps(issuer.discovery_url)}"
        urls.add(issuer.url)
        discovery_urls |= {issuer.discovery_url} - {""}
    if configuration.anonymous and not configuration.anonymous.enabled and configuration.anonymous.conditions:
        yield "anonymous.conditions: Invalid value: enabled should be set to true when conditions are defined"


def _issuer_problems(issuer: Issuer, own_issuers: Sequence[str], path: str) -> Iterator[Problem]:
    if issuer.url:
        yield from _url_problems(issuer.url, own_issuers, f"{path}.url")
    else:
        yield f"{path}.url: Required value"
    if issuer.discovery_url:
        if issuer.url and issuer.url.rstrip("/") == issuer.discovery_url.rstrip("/"):
            yield _invalid(f"{path}.discoveryURL", issuer.discovery_url, "discoveryURL must be different from URL")
        yield from _url_problems(issuer.discovery_url, (), f"{path}.discoveryURL")
    yield from _audience_problems(issuer, path)
    if issuer.certificate_authority:
        try:
            ssl.create_default_context(cadata=issuer.certificate_authority)
        except ssl.SSLError:
            why = "data does not contain any valid RSA or ECDSA certificates"
            yield f'{path}.certificateAuthority: Invalid value: "<omitted>": {why}'
    if issuer.egress_selector_type:
        yield _invalid(f"{path}.egressSelectorType", issuer.egress_selector_type, "there is no egress selector")


def _url_problems(url: str, forbidden: Sequence[str], path: str) -> Iterator[Problem]:
    if url in forbidden:
        listed = " ".join(sorted(forbidden))
        yield _invalid(path, url, f"URL must not overlap with disallowed issuers: [{listed}]")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield _invalid(path, url, str(error))
        return
    if parts.scheme != "https":
        yield _invalid(path, url, "URL scheme must be https")
    if "@" in parts.netloc:
        yield _invalid(path, url, "URL must not contain a username or password")
    if parts.query:
        yield _invalid(path, url, "URL must not contain a query")
    if parts.fragment:
        yield _invalid(path, url, "URL must not contain a fragment")


def _audience_problems(issuer: Issuer, path: str) -> Iterator[Problem]:
    if not issuer.audiences:
        yield f"{path}.audiences: Required value: at least one {path}.audiences is required"
        return
    for number, audience in enumerate(issuer.audiences):
        if not audience:
            yield f"{path}.audiences[{number}]: Required value"
        if audience in issuer.audiences[:number]:
            yield f"{path}.audiences[{number}]: Duplicate value: {json.dumps(audience)}"
    policy, several = issuer.audience_match_policy, len(issuer.audiences) > 1
    if policy != "MatchAny" and (several or policy):
        rule = "must be MatchAny for multiple audiences" if several else "must be empty or MatchAny for single audience"
        yield _invalid(f"{path}.audienceMatchPolicy", policy, f"audienceMatchPolicy {rule}")


def _rule_problems(rules: Sequence[ClaimValidationRule], path: str) -> Iterator[Problem]:
    seen = set[str]()
    for number, rule in enumerate(rules):
        where = f"{path}[{number}]"
        if rule.claim and rule.expression:
            yield _invalid(where, rule.claim, "claim and expression can't both be set")
        elif not rule.claim and not rule.expression:
            yield f"{where}: Required value: claim or expression is required"
        elif rule.expression:
            yield _invalid(f"{where}.expression", rule.expression, _NO_CEL)
        else:
            if rule.message:
                yield _invalid(f"{where}.message", rule.message, "may not be specified when claim is set")
            if rule.claim in seen:
                yield f"{where}.claim: Duplicate value: {json.dumps(rule.claim)}"
            seen.add(rule.claim)


def _mapping_problems(mappings: ClaimMappings, path: str) -> Iterator[Problem]:
    for name, mapping in (("username", mappings.username), ("groups", mappings.groups)):
        yield from _prefixed_problems(mapping, f"{path}.{name}", required=name == "username")
    if mappings.uid.claim and mappings.uid.expression:
        yield _invalid(f"{path}.uid", "", "claim and expression can't both be set")
    elif mappings.uid.expression:
        yield _invalid(f"{path}.uid.expression", mappings.uid.expression, _NO_CEL)
    for number, extra in enumerate(mappings.extra):
        yield _invalid(f"{path}.extra[{number}].valueExpression", extra.value_expression, _NO_CEL)


def _prefixed_problems(mapping: PrefixedClaim, path: str, *, required: bool) -> Iterator[Problem]:
    if mapping.expression and mapping.claim:
        yield _invalid(path, "", "claim and expression can't both be set")
    elif mapping.expression:
        yield _invalid(f"{path}.expression", mapping.expression, _NO_CEL)
    elif mapping.claim and mapping.prefix is None:
        why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        yield f"{path}.prefix: Required value: {why}"
    elif required and not mapping.claim:
        yield f"{path}: Required value: claim or expression is required"


def _invalid(path: str, value: str, why: str) -> Problem:
    return f"{path}: Invalid value: {json.dumps(value)}: {why}"
