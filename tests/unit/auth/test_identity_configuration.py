"""AuthenticationConfiguration, AuthorizationConfiguration: what is refused, in upstream's words; claims as users."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.api.configuration import ConfigurationError
from controlplane.auth import authorization_configuration
from controlplane.auth.expressions import Expressions, matcher
from controlplane.auth.interface import User
from controlplane.auth.oidc import configuration as oidc_configuration
from controlplane.auth.oidc.claims import Refused, user_of
from controlplane.auth.oidc.configuration import (
    Claim,
    ClaimMappings,
    ClaimValidationRule,
    ExtraMapping,
    JWTAuthenticator,
    PrefixedClaim,
    UserValidationRule,
)
from controlplane.auth.oidc.keys import jwks_uri, keys_of
from controlplane.cmd.authorities import username_prefix
from tests.fakes.identity_provider import Key

OWN = ("https://kubernetes.default.svc",)
ISSUER = {"url": "https://issuer.example.com", "audiences": ["my-cluster"]}
MAPPINGS = {"username": {"claim": "sub", "prefix": ""}}


def authentication(*jwt: Any, **more: Any) -> bytes:
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return json.dumps({**kind, "jwt": list(jwt), **more}).encode()


def provider(issuer: Any = None, mappings: Any = None, **more: Any) -> Any:
    return {"issuer": ISSUER | (issuer or {}), "claimMappings": MAPPINGS | (mappings or {}), **more}


def test_a_configuration_that_is_fine() -> None:
    text = authentication(provider(), provider({"url": "https://other.example.com"}), anonymous={"enabled": False})
    found = oidc_configuration.load(text, OWN)
    assert [one.issuer.url for one in found.jwt] == ["https://issuer.example.com", "https://other.example.com"]
    assert found.anonymous is not None
    assert not found.anonymous.enabled


@pytest.mark.parametrize(
    ("jwt", "why"),
    [
        pytest.param(provider({"url": ""}), "jwt[0].issuer.url: Required value", id="no url"),
        pytest.param(provider({"url": "http://issuer.example.com"}), "URL scheme must be https", id="not https"),
        pytest.param(provider({"url": "https://a:b@example.com"}), "contain a username or password", id="user"),
        pytest.param(provider({"url": "https://example.com?a=b"}), "URL must not contain a query", id="query"),
        pytest.param(provider({"url": "https://example.com#a"}), "URL must not contain a fragment", id="fragment"),
        pytest.param(provider({"url": OWN[0]}),
                     "URL must not overlap with disallowed issuers: [https://kubernetes.default.svc]", id="our own"),
        pytest.param(provider({"discoveryURL": "https://issuer.example.com/"}), "must be different from URL",
                     id="the same discovery"),
        pytest.param(provider({"audiences": []}), "at least one jwt[0].issuer.audiences is required", id="no audience"),
        pytest.param(provider({"audiences": ["a", "b"]}), "audienceMatchPolicy must be MatchAny for multiple audiences",
                     id="audiences without a policy"),
        pytest.param(provider({"audiences": ["a", "a"], "audienceMatchPolicy": "MatchAny"}),
                     'jwt[0].issuer.audiences[1]: Duplicate value: "a"', id="an audience twice"),
        pytest.param(provider({"certificateAuthority": "nonsense"}), 'certificateAuthority: Invalid value: "<omitted>"',
                     id="no certificate"),
        pytest.param(provider(mappings={"username": {"claim": "sub"}}),
                     "prefix is required when claim is set. It can be set to an empty string to disable prefixing",
                     id="no prefix"),
        pytest.param(provider(mappings={"username": {}}), "username: Required value: claim or expression is required",
                     id="no claim"),
        pytest.param(provider(mappings={"username": {"expression": "claims.sub"}}), "CEL expressions are not evaluated",
                     id="an expression"),
        pytest.param(provider(mappings={"extra": [{"key": "example.com/a", "valueExpression": "claims.a"}]}),
                     "CEL expressions are not evaluated", id="an expression for extra"),
        pytest.param(provider(userValidationRules=[{"expression": "true"}]), "CEL expressions are not evaluated",
                     id="a rule for users"),
        pytest.param(provider(claimValidationRules=[{"claim": "a"}, {"claim": "a"}]),
                     'claimValidationRules[1].claim: Duplicate value: "a"', id="a rule twice"),
        pytest.param(provider(claimValidationRules=[{"claim": "a", "message": "no"}]),
                     "may not be specified when claim is set", id="a message"),
        pytest.param(provider(claimMapping={}), "strict decoding error", id="a typing error"),
    ],
)  # fmt: skip
def test_providers_that_are_refused(jwt: Any, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        oidc_configuration.load(authentication(jwt), OWN)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(authentication(provider(), provider()), 'jwt[1].issuer.url: Duplicate value: "https://issuer',
                     id="a provider twice"),
        pytest.param(authentication(anonymous={"enabled": False, "conditions": [{"path": "/livez"}]}),
                     "enabled should be set to true when conditions are defined", id="conditions of nothing"),
        pytest.param(b"kind: Pod\napiVersion: v1", 'no kind "Pod" is registered for version "v1"', id="another kind"),
        pytest.param(b"[", "it is not YAML", id="no YAML"),
    ],
)  # fmt: skip
def test_files_that_are_refused(text: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        oidc_configuration.load(text, OWN)
    assert why in str(refused.value)


WEBHOOK = {"timeout": "3s", "subjectAccessReviewVersion": "v1", "failurePolicy": "Deny",
           "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "/etc/w.conf"}}  # fmt: skip


def authorization(*authorizers: Any) -> bytes:
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    return json.dumps({**kind, "authorizers": list(authorizers)}).encode()


def webhook(name: str = "w", **changes: Any) -> Any:
    return {"type": "Webhook", "name": name, "webhook": WEBHOOK | changes}


def test_authorizers_in_order_and_webhooks_more_than_once() -> None:
    found = authorization_configuration.load(
        authorization(webhook("first"), {"type": "RBAC", "name": "rbac"}, webhook("second"))
    )
    assert [one.name for one in found.authorizers] == ["first", "rbac", "second"]
    assert found.authorizers[0].webhook is not None
    assert found.authorizers[0].webhook.authorized_ttl == "5m0s"


@pytest.mark.parametrize(
    ("authorizers", "why"),
    [
        pytest.param([], "authorizers: Required value: at least one authorization mode must be defined", id="none"),
        pytest.param([{"type": "ABAC", "name": "abac"}], 'authorizers[0].type: Unsupported value: "ABAC"', id="ABAC"),
        pytest.param([{"type": "RBAC", "name": "a"}, {"type": "RBAC", "name": "b"}],
                     'authorizers[1].type: Duplicate value: "RBAC"', id="a type twice"),
        pytest.param([webhook(), webhook()], 'authorizers[1].name: Duplicate value: "w"', id="a name twice"),
        pytest.param([{"type": "RBAC", "name": "Not_a_name"}], "authorizer name is invalid", id="no name"),
        pytest.param([{"type": "Webhook", "name": "w"}], "required when type=Webhook", id="a webhook without"),
        pytest.param([{"type": "RBAC", "name": "r", "webhook": WEBHOOK}], "may only be specified when type=Webhook",
                     id="a webhook too many"),
        pytest.param([webhook(timeout="31s")], "must be > 0s and <= 30s", id="too patient"),
        pytest.param([webhook(timeout="")], "authorizers[0].timeout: Required value", id="no timeout"),
        pytest.param([webhook(failurePolicy="Open")], 'supported values: "NoOpinion", "Deny"', id="no such policy"),
        pytest.param([webhook(subjectAccessReviewVersion="v2")], 'supported values: "v1", "v1beta1"', id="no version"),
        pytest.param([webhook(connectionInfo={"type": "KubeConfigFile", "kubeConfigFile": "w.conf"})],
                     "must be an absolute path", id="a relative path"),
        pytest.param([webhook(connectionInfo={"type": "InClusterConfig"})], "does not run in a pod", id="in a pod"),
        pytest.param([webhook(matchConditions=[{"expression": "true"}])],
                     "required if match conditions are specified", id="conditions without a version"),
        pytest.param([webhook(matchConditions=[{"expression": "true"}], matchConditionSubjectAccessReviewVersion="v1")],
                     "CEL expressions are not evaluated yet", id="conditions"),
    ],
)  # fmt: skip
def test_authorizers_that_are_refused(authorizers: list[Any], why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        authorization_configuration.load(authorization(*authorizers))
    assert why in str(refused.value)


def mapped(**mappings: Any) -> JWTAuthenticator:
    return JWTAuthenticator(claim_mappings=ClaimMappings(**mappings))


SUB = mapped(username=PrefixedClaim("sub", "idp:"), groups=PrefixedClaim("groups", "g:"))
EMAIL = mapped(username=PrefixedClaim("email", ""), uid=Claim("uid"))


@pytest.mark.parametrize(
    ("claims", "mappings", "expected"),
    [
        pytest.param({"sub": "7"}, SUB, User("idp:7"), id="a name"),
        pytest.param({"sub": "7", "groups": ["a", "b"]}, SUB, User("idp:7", groups=("g:a", "g:b")), id="groups"),
        pytest.param({"sub": "7", "groups": "a"}, SUB, User("idp:7", groups=("g:a",)), id="one group"),
        pytest.param({"email": "j@x", "uid": "1", "email_verified": True}, EMAIL, User("j@x", "1"), id="an address"),
        pytest.param({"email": "j@x", "uid": "1"}, EMAIL, User("j@x", "1"), id="an address of which nothing is said"),
    ],
)
def test_claims_make_users(claims: Any, mappings: JWTAuthenticator, expected: User) -> None:
    assert user_of(claims, mappings) == expected


@pytest.mark.parametrize(
    ("claims", "mappings", "why"),
    [
        pytest.param({}, SUB, 'parse username claims "sub": claim not present', id="no name"),
        pytest.param({"sub": 7}, SUB, "it is no text", id="a number"),
        pytest.param({"sub": "7", "groups": [1]}, SUB, 'parse groups claim "groups"', id="groups that are none"),
        pytest.param(
            {"sub": "7", "_claim_names": {"groups": "src1"}}, SUB, "distributed claims", id="groups elsewhere"
        ),
        pytest.param(
            {"email": "j@x", "uid": "1", "email_verified": False}, EMAIL, "email not verified", id="unverified"
        ),
        pytest.param(
            {"email": "j@x", "uid": "1", "email_verified": "true"}, EMAIL, "parse 'email_verified'", id="a text"
        ),
        pytest.param({"email": "j@x"}, EMAIL, 'parse uid claim "uid"', id="no uid"),
    ],
)
def test_claims_that_make_nobody(claims: Any, mappings: JWTAuthenticator, why: str) -> None:
    with pytest.raises(Refused) as refused:
        user_of(claims, mappings)
    assert why in str(refused.value)


ONLY_X = replace(SUB, claim_validation_rules=[ClaimValidationRule(claim="hd", required_value="x")])


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["sub", "groups", "jti", "hd", "_claim_names"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=3)
        ),
    )
)
def test_any_claims_make_a_user_or_are_refused(claims: Any) -> None:
    try:
        user = user_of(claims, ONLY_X)
    except Refused:
        return
    assert user.name == "idp:" + claims["sub"]
    assert claims["hd"] == "x"


def test_discovery_is_of_the_issuer_that_was_asked_for() -> None:
    document = {"issuer": "https://a.example.com", "jwks_uri": "https://a.example.com/keys"}
    assert jwks_uri(json.dumps(document).encode(), "https://a.example.com") == "https://a.example.com/keys"
    for wrong in (document | {"issuer": "https://b.example.com"}, document | {"jwks_uri": ""}, {}):
        with pytest.raises(ValueError, match=r"issuer did not match|JWKS URL"):
            jwks_uri(json.dumps(wrong).encode(), "https://a.example.com")


def test_keys_that_cannot_be_used_are_left_out() -> None:
    good = [Key("RS256", "r").public, Key("ES384", "e").public]
    others = [{"kty": "oct", "k": "AA"}, {"kty": "RSA", "kid": "x"}, "no key", {**good[0], "use": "enc", "kid": "enc"}]
    assert [key.id for key in keys_of(json.dumps({"keys": [*others, *good]}).encode())] == ["r", "e"]


@pytest.mark.parametrize(
    ("given_prefix", "claim", "expected"),
    [("", "sub", "https://i#"), ("", "email", ""), ("-", "sub", ""), ("oidc:", "sub", "oidc:"), ("-", "email", "")],
)
def test_prefixes_of_names(given_prefix: str, claim: str, expected: str) -> None:
    assert username_prefix(given_prefix, claim, "https://i") == expected


# Expressions, by an evaluator that knows paths, texts, == and nothing else ------------------------------------------


class Path:
    """claims.a.b, or claims.a == "text": enough to see what becomes of values and of failures."""

    def __init__(self, expression: str):
        path, _, self._expected = expression.partition(" == ")
        self._keys = path.split(".")[1:]

    def evaluate(self, value: Any) -> Any:
        for key in self._keys:
            if not isinstance(value, dict) or key not in value:
                raise ValueError(f"no such key: {key}")
            value = value[key]
        return value == json.loads(self._expected) if self._expected else value


def compile_path(variable: str, expression: str) -> Path:
    if not expression.startswith(f"{variable}."):
        raise ValueError(f"compilation failed: undeclared reference in {expression}")
    return Path(expression)


PATHS = Expressions(compile_path)
BY_EXPRESSION = JWTAuthenticator(
    claim_mappings=ClaimMappings(
        username=PrefixedClaim(expression="claims.who.name"),
        groups=PrefixedClaim(expression="claims.roles"),
        uid=Claim(expression="claims.who.id"),
        extra=[ExtraMapping("example.com/team", "claims.team")],
    ),
    claim_validation_rules=[ClaimValidationRule(expression='claims.hd == "x"', message="only x")],
    user_validation_rules=[UserValidationRule('user.uid == "7"', "only seven")],
)
WHO = {"who": {"name": "jane", "id": "7"}, "roles": ["a", "", "b"], "team": "red", "hd": "x"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, User("jane", "7", ("a", "b"))),
        ({"roles": "a"}, User("jane", "7", ("a",))),
        ({"roles": None}, User("jane", "7")),
        ({"roles": []}, User("jane", "7")),
    ],
)
def test_expressions_make_users(changes: Any, expected: User) -> None:
    user = user_of({**WHO, **changes}, BY_EXPRESSION, PATHS)
    assert user == expected
    assert user.extra == {"example.com/team": ("red",)}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"who": {"id": "7"}}, "error evaluating username claim expression: no such key: name"),
        ({"who": {"name": "", "id": "7"}}, "empty username via CEL expression is not allowed"),
        ({"who": {"name": 7, "id": "7"}}, "username claim expression must return a string"),
        (
            {"roles": [1]},
            "group claim expression: expression must return a string or a list of strings",
        ),
        ({"hd": "y"}, "validation expression 'claims.hd == \"x\"' failed: only x"),
        ({"who": {"name": "jane", "id": "8"}}, "validation expression 'user.uid == \"7\"' failed: only seven"),
    ],
)
def test_expressions_that_make_nobody(changes: Any, why: str) -> None:
    with pytest.raises(Refused) as refused:
        user_of({**WHO, **changes}, BY_EXPRESSION, PATHS)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("jwt", "why"),
    [
        pytest.param(provider(mappings={"username": {"expression": "user.name"}}), "compilation failed", id="wrong"),
        pytest.param(provider(mappings={"username": {"expression": "claims.a", "prefix": ""}}),
                     "username.prefix: Invalid value: \"\": may not be specified when expression is set", id="prefix"),
        pytest.param(provider(mappings={"username": {"expression": "claims.email"}}),
                     "claims.email_verified must be used in", id="an address that nobody verified"),
        pytest.param(provider(mappings={"extra": [{"key": "team", "valueExpression": "claims.a"}]}),
                     "must be a domain-prefixed path", id="a key without a domain"),
        pytest.param(provider(mappings={"extra": [{"key": "a.k8s.io/b", "valueExpression": "claims.a"}]}),
                     "are reserved for Kubernetes use", id="a reserved key"),
        pytest.param(provider(mappings={"extra": [{"key": "example.com/A", "valueExpression": "claims.a"}]}),
                     "must be lowercase", id="capitals"),
        pytest.param(provider(userValidationRules=[{"expression": "user.a"}, {"expression": "user.a"}]),
                     'userValidationRules[1].expression: Duplicate value: "user.a"', id="a rule twice"),
    ],
)  # fmt: skip
def test_expressions_that_are_refused(jwt: Any, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        oidc_configuration.load(authentication(jwt), OWN, PATHS)
    assert why in str(refused.value)


def test_an_address_that_has_to_be_verified_will_do() -> None:
    rule = [{"expression": "claims.email_verified == true"}]
    given_jwt = provider(mappings={"username": {"expression": "claims.email"}}, claimValidationRules=rule)
    assert oidc_configuration.load(authentication(given_jwt), OWN, PATHS).jwt


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (['request.user == "jane"'], True),
        (['request.user == "bob"'], False),
        (['request.uid == ""', 'request.resourceAttributes.subresource == ""'], True),
        (['request.missing == "x"', 'request.user == "bob"'], False),
        (['request.missing == "x"', 'request.user == "jane"'], None),
    ],
)
def test_match_conditions(conditions: list[str], expected: bool | None) -> None:
    matches = matcher(conditions, PATHS)
    assert matches is not None
    review = {"spec": {"user": "jane", "resourceAttributes": {"verb": "get"}}}
    if expected is None:
        with pytest.raises(ValueError, match=r"cel evaluation error: expression 'request\.missing"):
            matches(review)
    else:
        assert matches(review) is expected
    assert matcher([], PATHS) is None


def test_conditions_are_compiled_when_the_file_is_read() -> None:
    versioned = {"matchConditionSubjectAccessReviewVersion": "v1"}
    fine = webhook(matchConditions=[{"expression": 'request.user == "jane"'}], **versioned)
    assert authorization_configuration.load(authorization(fine), PATHS).authorizers
    for conditions, why in (
        ([{"expression": "user.name"}], "compilation failed"),
        ([{"expression": "request.a"}, {"expression": "request.a"}], "Duplicate value"),
        ([{"expression": " "}], "Required value"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            authorization_configuration.load(authorization(webhook(matchConditions=conditions, **versioned)), PATHS)
