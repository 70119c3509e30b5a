"""From what a token claims to who its bearer is: the rules, without keys or clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from controlplane.auth.expressions import CLAIMS, NO_EXPRESSIONS, USER, Expressions
from controlplane.auth.interface import User
from controlplane.auth.oidc.configuration import (
    Claim,
    ClaimValidationRule,
    ExtraMapping,
    JWTAuthenticator,
    PrefixedClaim,
)

Claims: TypeAlias = Mapping[str, Any]

_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_DISTRIBUTED = "_claim_names"


class Refused(Exception):
    """The claims do not make a user; the text, which is for the log, says why."""


def user_of(claims: Claims, configuration: JWTAuthenticator, expressions: Expressions = NO_EXPRESSIONS) -> User:
    """Return the user that verified claims describe. Raises Refused."""
    mappings = configuration.claim_mappings
    user = User(
        _username(claims, mappings.username, expressions),
        _uid(claims, mappings.uid, expressions),
        _groups(claims, mappings.groups, expressions),
        _extra(claims, mappings.extra, expressions),
    )
    for rule in configuration.claim_validation_rules:
        if rule.claim:
            _require(claims, rule)
        else:
            _hold(rule.expression, rule.message, CLAIMS, claims, expressions)
    for user_rule in configuration.user_validation_rules:
        _hold(user_rule.expression, user_rule.message, USER, _shown(user), expressions)
    return user


def _shown(user: User) -> Mapping[str, Any]:
    extra = {key: list(values) for key, values in user.extra.items()}
    return {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}


def _evaluated(expression: str, variable: str, value: Any, expressions: Expressions, what: str) -> Any:
    try:
        return expressions.program(variable, expression).evaluate(value)
    except ValueError as error:
        raise Refused(f"oidc: error evaluating {what} expression: {error}") from error


def _hold(expression: str, message: str, variable: str, value: Any, expressions: Expressions) -> None:
    """Raise Refused unless a rule holds."""
    what = "claim validation" if variable == CLAIMS else "user info validation rule"
    found = _evaluated(expression, variable, value, expressions, what)
    if not isinstance(found, bool):
        raise Refused(f"oidc: error evaluating {what} expression: validation expression must return a boolean")
    if not found:
        raise Refused(
            f"oidc: error evaluating {what} expression: validation expression '{expression}' failed: {message}"
        )


def _uid(claims: Claims, mapping: Claim, expressions: Expressions) -> str:
    if mapping.claim:
        return _text(claims, mapping.claim, "uid claim")
    if not mapping.expression:
        return ""
    found = _evaluated(mapping.expression, CLAIMS, claims, expressions, "uid claim")
    if not isinstance(found, str):
        raise Refused("oidc: error evaluating uid claim expression: uid claim expression must return a string")
    return found


def _extra(claims: Claims, mappings: Sequence[ExtraMapping], expressions: Expressions) -> dict[str, tuple[str, ...]]:
    token_id = claims.get("jti")
    extra: dict[str, tuple[str, ...]] = {}
    if isinstance(token_id, str) and token_id:
        extra[_CREDENTIAL_ID] = (f"JTI={token_id}",)
    for mapping in mappings:
        found = _evaluated(mapping.value_expression, CLAIMS, claims, expressions, "extra claim")
        if values := _texts(found, "extra claim"):
            extra[mapping.key] = values
    return extra


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """Return a text or a list of texts without the empty ones; null is none."""
    listed = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise Refused(f"oidc: error evaluating {what} expression: expression must return a string or a list of strings")
    return tuple(one for one in listed if one)


def _username(claims: Claims, mapping: PrefixedClaim, expressions: Expressions) -> str:
    if mapping.expression:
        found = _evaluated(mapping.expression, CLAIMS, claims, expressions, "username claim")
        if not isinstance(found, str):
            raise Refused(
                "oidc: error evaluating username claim expression: username claim expression must return a string"
            )
        if not found:
            raise Refused("oidc: empty username via CEL expression is not allowed")
        return found
    name = _text(claims, mapping.claim, "username claims")
    if mapping.claim == "email" and "email_verified" in claims:
        verified = claims["email_verified"]
        if not isinstance(verified, bool):
            raise Refused("oidc: parse 'email_verified' claim: it is no boolean")
        if not verified:
            raise Refused("oidc: email not verified")
    return (mapping.prefix or "") + name


def _groups(claims: Claims, mapping: PrefixedClaim, expressions: Expressions) -> tuple[str, ...]:
    if mapping.expression:
        return _texts(_evaluated(mapping.expression, CLAIMS, claims, expressions, "group claim"), "group claim")
    if not mapping.claim:
        return ()
    if mapping.claim not in claims:
        names = claims.get(_DISTRIBUTED)
        if isinstance(names, dict) and mapping.claim in names:
            # They would be at another server. Without them the user would have fewer groups than the provider says.
            raise Refused("oidc: could not expand distributed claims: they are not supported")
        return ()
    value = claims[mapping.claim]
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(group, str) for group in listed):
        raise Refused(f'oidc: parse groups claim "{mapping.claim}": it is neither a text nor a list of texts')
    return tuple((mapping.prefix or "") + group for group in listed)


def _require(claims: Claims, rule: ClaimValidationRule) -> None:
    if rule.claim not in claims:
        raise Refused(f"oidc: required claim {rule.claim} not present in ID token")
    value = claims[rule.claim]
    if not isinstance(value, str):
        raise Refused(f"oidc: parse claim {rule.claim}: it is no text")
    if value != rule.required_value:
        raise Refused(
            f"oidc: required claim {rule.claim} value does not match. Got = {value}, want = {rule.required_value}"
        )


def _text(claims: Claims, claim: str, what: str) -> str:
    if claim not in claims:
        raise Refused(f'oidc: parse {what} "{claim}": claim not present')
    value = claims[claim]
    if not isinstance(value, str):
        raise Refused(f'oidc: parse {what} "{claim}": it is no text')
    return value
