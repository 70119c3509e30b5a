"""Which rule of an audit policy a request meets, and which policies are none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.audit.policy import Level, PolicyError, load_policy, match
from controlplane.apiserver.messages import Query
from controlplane.apiserver.request_info import parse_request_info
from controlplane.auth.interface import User

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
JANE = User("jane", groups=("dev", "system:authenticated"))


def policy(rules: str, more: str = "") -> bytes:
    return f"{HEAD}{more}rules: {rules}".encode()


@pytest.mark.parametrize(
    ("rule", "method", "path", "matches"),
    [
        pytest.param("", "GET", "/api/v1/pods", True, id="a rule that asks nothing"),
        pytest.param("users: [jane]", "GET", "/api/v1/pods", True, id="user"),
        pytest.param("users: [joe]", "GET", "/api/v1/pods", False, id="another user"),
        pytest.param("userGroups: [ops, dev]", "GET", "/api/v1/pods", True, id="one of the groups"),
        pytest.param("userGroups: [ops]", "GET", "/api/v1/pods", False, id="no group"),
        pytest.param("users: [jane], verbs: [list]", "GET", "/api/v1/pods", True, id="user and verb"),
        pytest.param("users: [jane], verbs: [get]", "GET", "/api/v1/pods", False, id="user but another verb"),
        pytest.param("namespaces: [shop]", "GET", "/api/v1/namespaces/shop/pods", True, id="namespace"),
        pytest.param("namespaces: [shop]", "GET", "/api/v1/pods", False, id="all namespaces are not this one"),
        pytest.param("namespaces: ['']", "GET", "/api/v1/nodes", True, id="what has no namespace"),
        pytest.param("namespaces: [shop]", "GET", "/healthz", False, id="a path has no namespace"),
        pytest.param("resources: [{resources: [pods]}]", "GET", "/api/v1/pods", True, id="resource of the core group"),
        pytest.param("resources: [{resources: [pods]}]", "GET", "/apis/apps/v1/pods", False, id="of another group"),
        pytest.param("resources: [{group: '*', resources: [pods]}]", "GET", "/apis/x/v1/pods", True, id="any group"),
        pytest.param("resources: [{group: apps}]", "GET", "/apis/apps/v1/deployments", True, id="all of a group"),
        pytest.param("resources: [{resources: [pods]}]", "GET", "/api/v1/namespaces/a/pods/b/log", False,
                     id="a subresource is not the resource"),
        pytest.param("resources: [{resources: [pods/log]}]", "GET", "/api/v1/namespaces/a/pods/b/log", True,
                     id="a subresource"),
        pytest.param("resources: [{resources: ['pods/*']}]", "GET", "/api/v1/namespaces/a/pods/b/log", True,
                     id="all of a resource's subresources"),
        pytest.param("resources: [{resources: ['pods/*']}]", "GET", "/api/v1/namespaces/a/pods/b", True,
                     id="and the resource itself, as upstream has it"),
        pytest.param("resources: [{resources: ['*/log']}]", "GET", "/api/v1/namespaces/a/pods/b/log", True,
                     id="a subresource of anything"),
        pytest.param("resources: [{resources: ['*/log']}]", "GET", "/api/v1/namespaces/a/pods/b/exec", False,
                     id="not another one"),
        pytest.param("resources: [{resources: ['*']}]", "GET", "/api/v1/namespaces/a/pods/b/log", True, id="anything"),
        pytest.param("resources: [{resources: [pods], resourceNames: [b]}]", "GET", "/api/v1/namespaces/a/pods/b",
                     True, id="by name"),
        pytest.param("resources: [{resources: [pods], resourceNames: [c]}]", "GET", "/api/v1/namespaces/a/pods/b",
                     False, id="by another name"),
        pytest.param("resources: [{resources: [pods]}]", "GET", "/healthz", False, id="a path is no resource"),
        pytest.param("nonResourceURLs: [/healthz]", "GET", "/healthz", True, id="path"),
        pytest.param("nonResourceURLs: [/healthz]", "GET", "/healthz/etcd", False, id="not below it"),
        pytest.param("nonResourceURLs: ['/healthz*']", "GET", "/healthz/etcd", True, id="below it"),
        pytest.param("nonResourceURLs: ['*']", "GET", "/metrics", True, id="any path"),
        pytest.param("nonResourceURLs: ['*']", "GET", "/api/v1/pods", False, id="a resource is no path"),
    ],
)  # fmt: skip
def test_match(rule: str, method: str, path: str, matches: bool) -> None:
    loaded = load_policy(policy(f"[{{level: Request, {rule}}}]"))
    info = parse_request_info(method, path, Query(""))
    assert match(loaded, JANE, info).level == (Level.REQUEST if matches else Level.NONE)


def test_the_first_rule_that_matches_is_the_one() -> None:
    rules = """
    - {level: None, users: [jane], verbs: [watch]}
    - {level: RequestResponse, userGroups: [dev], omitStages: [ResponseStarted], omitManagedFields: false}
    - {level: Metadata}
    """
    loaded = load_policy(policy(rules, "omitStages: [RequestReceived]\nomitManagedFields: true\n"))

    def verdict(user: User | None, query: str = "") -> tuple[Level, set[str], bool]:
        found = match(loaded, user, parse_request_info("GET", "/api/v1/pods", Query(query)))
        return found.level, set(found.omit_stages), found.omit_managed_fields

    assert verdict(JANE, "watch=1") == (Level.NONE, {"RequestReceived"}, True)
    assert verdict(JANE) == (Level.REQUEST_RESPONSE, {"RequestReceived", "ResponseStarted"}, False)
    assert verdict(User("joe")) == (Level.METADATA, {"RequestReceived"}, True)
    assert verdict(None) == (Level.METADATA, {"RequestReceived"}, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"a: [", "failed decoding: "),
        (b"text", "failed decoding: the policy is no mapping"),
        (b"kind: Policy", "unknown group version field None, Kind=Policy in policy"),
        (policy("[]"), "loaded illegal policy with 0 rules"),
        (policy("[{}]"), "rules[0].level: Required value"),
        (policy("[{level: All}]"), 'rules[0].level: Unsupported value: "All": supported values: "Metadata", "None", '),
        (policy("[{level: 3}]"), "failed decoding: Expected `str`, got `int`"),
        (policy("[{level: None, nonResourceURLs: [healthz]}]"),
         'rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin with a'),
        (policy("[{level: None, nonResourceURLs: ['/a*b']}]"), "wildcards '*' must be the final character of the rule"),
        (policy("[{level: None, nonResourceURLs: [/a], namespaces: [b]}]"),
         "rules cannot apply to both regular resources and non-resource URLs"),
        (policy("[{level: None, resources: [{resourceNames: [a]}]}]"), "resourceNames requires at least one resource"),
        (policy("[{level: None, resources: [{group: apps/v1}]}]"),
         'rules[0].resources.group: Invalid value: "apps/v1"'),
        (policy("[{level: None, omitStages: [Panic, Now]}]"),
         'rules[0].omitStages[1]: Invalid value: "Now": allowed stages are RequestReceived,'),
    ],
)  # fmt: skip
def test_what_is_no_policy(text: bytes, why: str) -> None:
    with pytest.raises(PolicyError) as error:
        load_policy(text)
    assert why in str(error.value)


def test_unknown_fields_are_passed_over() -> None:
    assert load_policy(policy("[{level: None, colour: red}]")).rules[0].level == "None"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_policy_or_refused(text: bytes) -> None:
    for body in (text, HEAD.encode() + b"rules: " + text):
        with suppress(PolicyError):
            load_policy(body)
