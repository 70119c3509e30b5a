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
import re
import ssl
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from controlplane.api.configuration import ConfigurationError, aggregate, decode_configuration
from controlplane.api.names import dns1123_subdomain
from controlplane.auth.expressions import CLAIMS, NO_EXPRESSIONS, USER, Expressions

_VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_MOST = 64  # providers
_EMAIL, _EMAIL_VERIFIED = re.compile(r"\bclaims\.\??email\b"), re.compile(r"\bclaims\.\??email_verified\b")
_RESERVED = re.compile(r"(?:.*\.)?(?:kubernetes|k8s)\.io")


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


def load(
    text: bytes, own_issuers: Sequence[str] = (), expressions: Expressions = NO_EXPRESSIONS
) -> AuthenticationConfiguration:
    """Return what a file says; no provider may be one of our `own_issuers`. Raises ConfigurationError."""
    configuration = decode_configuration(text, AuthenticationConfiguration, _VERSIONS)
    refuse(configuration, own_issuers, expressions)
    return configuration


def refuse(
    configuration: AuthenticationConfiguration, own_issuers: Sequence[str], expressions: Expressions = NO_EXPRESSIONS
) -> None:
    """Raise ConfigurationError if there is anything wrong, in upstream's words."""
    if problems := list(_problems(configuration, own_issuers, expressions)):
        raise ConfigurationError(aggregate(problems))


Problem: TypeAlias = str


def _problems(
    configuration: AuthenticationConfiguration, own_issuers: Sequence[str], expressions: Expressions
) -> Iterator[Problem]:
    if len(configuration.jwt) > _MOST:
        yield f"jwt: Too many: {len(configuration.jwt)}: must have at most {_MOST} items"
        return
    urls, discovery_urls = set[str](), set[str]()
    for number, one in enumerate(configuration.jwt):
        path, issuer = f"jwt[{number}]", one.issuer
        yield from _issuer_problems(issuer, own_issuers, f"{path}.issuer")
        yield from _rule_problems(one.claim_validation_rules, f"{path}.claimValidationRules", expressions)
        yield from _mapping_problems(one.claim_mappings, f"{path}.claimMappings", expressions)
        yield from _email_problems(one, f"{path}.claimMappings")
        yield from _user_rule_problems(one.user_validation_rules, f"{path}.userValidationRules", expressions)
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


def _rule_problems(rules: Sequence[ClaimValidationRule], path: str, expressions: Expressions) -> Iterator[Problem]:
    seen, seen_expressions = set[str](), set[str]()
    for number, rule in enumerate(rules):
        where = f"{path}[{number}]"
        if rule.claim and rule.expression:
            yield _invalid(where, rule.claim, "claim and expression can't both be set")
        elif not rule.claim and not rule.expression:
            yield f"{where}: Required value: claim or expression is required"
        elif rule.expression:
            if rule.required_value:
                yield _invalid(
                    f"{where}.requiredValue", rule.required_value, "may not be specified when expression is set"
                )
            if rule.expression in seen_expressions:
                yield f"{where}.expression: Duplicate value: {json.dumps(rule.expression)}"
                continue
            seen_expressions.add(rule.expression)
            yield from _expression_problems(rule.expression, CLAIMS, f"{where}.expression", expressions)
        else:
            if rule.message:
                yield _invalid(f"{where}.message", rule.message, "may not be specified when claim is set")
            if rule.claim in seen:
                yield f"{where}.claim: Duplicate value: {json.dumps(rule.claim)}"
            seen.add(rule.claim)


def _user_rule_problems(rules: Sequence[UserValidationRule], path: str, expressions: Expressions) -> Iterator[Problem]:
    for number, rule in enumerate(rules):
        where = f"{path}[{number}].expression"
        if not rule.expression:
            yield f"{where}: Required value"
        elif rule.expression in [one.expression for one in rules[:number]]:
            yield f"{where}: Duplicate value: {json.dumps(rule.expression)}"
        else:
            yield from _expression_problems(rule.expression, USER, where, expressions)


def _expression_problems(expression: str, variable: str, path: str, expressions: Expressions) -> Iterator[Problem]:
    if problem := expressions.problem(variable, expression):
        yield _invalid(path, expression, problem)


def _email_problems(one: JWTAuthenticator, path: str) -> Iterator[Problem]:
    """Refuse to believe an address that nobody has to have verified."""
    mappings = one.claim_mappings
    others = [rule.expression for rule in one.claim_validation_rules] + [x.value_expression for x in mappings.extra]
    if _EMAIL.search(mappings.username.expression) and not any(
        _EMAIL_VERIFIED.search(text) for text in (mappings.username.expression, *others)
    ):
        yield _invalid(
            f"{path}.username.expression",
            mappings.username.expression,
            "claims.email_verified must be used in claimMappings.username.expression or "
            "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in "
            "claimMappings.username.expression",
        )


def _mapping_problems(mappings: ClaimMappings, path: str, expressions: Expressions) -> Iterator[Problem]:
    for name, mapping in (("username", mappings.username), ("groups", mappings.groups)):
        yield from _prefixed_problems(mapping, f"{path}.{name}", expressions, required=name == "username")
    if mappings.uid.claim and mappings.uid.expression:
        yield _invalid(f"{path}.uid", "", "claim and expression can't both be set")
    elif mappings.uid.expression:
        yield from _expression_problems(mappings.uid.expression, CLAIMS, f"{path}.uid.expression", expressions)
    for number, extra in enumerate(mappings.extra):
        where = f"{path}.extra[{number}]"
        yield from _key_problems(extra.key, f"{where}.key")
        if extra.key in [one.key for one in mappings.extra[:number]]:
            yield f"{where}.key: Duplicate value: {json.dumps(extra.key)}"
        elif not extra.value_expression:
            yield f"{where}.valueExpression: Required value"
        else:
            yield from _expression_problems(extra.value_expression, CLAIMS, f"{where}.valueExpression", expressions)


def _key_problems(key: str, path: str) -> Iterator[Problem]:
    domain, slash, rest = key.partition("/")
    if not key:
        yield f"{path}: Required value"
    elif not slash or not rest or dns1123_subdomain(domain):
        yield _invalid(path, key, 'must be a domain-prefixed path (such as "acme.io/foo")')
    if key != key.lower():
        yield _invalid(path, key, "must be lowercase")
    if _RESERVED.fullmatch(domain) and slash:
        yield _invalid(path, key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")


def _prefixed_problems(
    mapping: PrefixedClaim, path: str, expressions: Expressions, *, required: bool
) -> Iterator[Problem]:
    if mapping.expression and mapping.claim:
        yield _invalid(path, "", "claim and expression can't both be set")
    elif mapping.expression:
        if mapping.prefix is not None:
            yield _invalid(f"{path}.prefix", mapping.prefix, "may not be specified when expression is set")
        yield from _expression_problems(mapping.expression, CLAIMS, f"{path}.expression", expressions)
    elif mapping.claim and mapping.prefix is None:
        why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        yield f"{path}.prefix: Required value: {why}"
    elif required and not mapping.claim:
        yield f"{path}: Required value: claim or expression is required"


def _invalid(path: str, value: str, why: str) -> Problem:
    return f"{path}: Invalid value: {json.dumps(value)}: {why}"
