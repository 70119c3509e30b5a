"""From what a token claims to who its bearer is: the rules, without keys or clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from controlplane.auth.interface import User
from controlplane.auth.oidc.configuration import ClaimMappings, ClaimValidationRule, PrefixedClaim

Claims: TypeAlias = Mapping[str, Any]

_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_DISTRIBUTED = "_claim_names"


class Refused(Exception):
    """The claims do not make a user; the text, which is for the log, says why."""


def user_of(claims: Claims, mappings: ClaimMappings, rules: Sequence[ClaimValidationRule]) -> User:
    """Return the user that verified claims describe. Raises Refused."""
    user = User(
        _username(claims, mappings.username),
        _text(claims, mappings.uid.claim, "uid claim") if mappings.uid.claim else "",
        _groups(claims, mappings.groups),
        {_CREDENTIAL_ID: (f"JTI={claims['jti']}",)} if isinstance(claims.get("jti"), str) and claims["jti"] else {},
    )
    for rule in rules:
        _require(claims, rule)
    return user


def _username(claims: Claims, mapping: PrefixedClaim) -> str:
    name = _text(claims, mapping.claim, "username claims")
    if mapping.claim == "email" and "email_verified" in claims:
        verified = claims["email_verified"]
        if not isinstance(verified, bool):
            raise Refused("oidc: parse 'email_verified' claim: it is no boolean")
        if not verified:
            raise Refused("oidc: email not verified")
    return (mapping.prefix or "") + name


def _groups(claims: Claims, mapping: PrefixedClaim) -> tuple[str, ...]:
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
