"""Questions and their answers: reviews and token requests."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry

from controlplane.admission.interface import Attributes, Operation
from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Node, Pod, PodSpec, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import resource_of
from controlplane.api.status import BadRequest, Conflict, Forbidden, Invalid, NotFound, StatusError, Unauthorized
from controlplane.apiserver.authorization import WebhookMetrics
from controlplane.apiserver.security import Security, SecuritySettings, build
from controlplane.apiserver.virtual import VIRTUAL
from controlplane.auth import jwt
from controlplane.auth.bootstrap_policy import default_policy
from controlplane.auth.interface import Credentials, User
from controlplane.auth.policy import bind, bind_in, namespaced_role, role, rule
from controlplane.kit.clock import ManualClock
from tests.fakes.reader import FakeReader

OBSERVER = WebhookMetrics(CollectorRegistry())
NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
KEY = jwt.SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
AUTHN, AUTHZ = "authentication.k8s.io", "authorization.k8s.io"
JANE = User("jane", "42", ("dev", "system:authenticated"), {"scope": ("all",)})
ISSUER = "https://kubernetes.default.svc.cluster.local"

READER = FakeReader(
    *default_policy(),
    role("reader", rule("get list", "pods", names="")),
    bind("reader", users="jane"),
    namespaced_role("prod", "logs", rule("get", "pods/log", names="web")),
    bind_in("prod", "logs", groups="dev"),
    ServiceAccount(metadata=ObjectMeta(name="web", namespace="prod", uid="u-web")),
    Pod(
        metadata=ObjectMeta(name="web-0", namespace="prod", uid="u-pod"),
        spec=PodSpec(node_name="n1", service_account_name="web"),
    ),
    Pod(metadata=ObjectMeta(name="other", namespace="prod", uid="u-other"), spec=PodSpec(service_account_name="other")),
    Node(metadata=ObjectMeta(name="n1", uid="u-node")),
)


@pytest.fixture
def security() -> Security:
    settings = SecuritySettings(KEY, (KEY.key.public_key(),), static_tokens={"secret": User("joe", groups=("ops",))})
    return build(settings, READER, ManualClock(NOW), Random(1), new_uuid=lambda: "id-1", observer=OBSERVER)


async def ask(
    security: Security, group: str, plural: str, spec: Any, *, namespace: str = "", name: str = "", user: User = JANE
) -> Document:
    handle = VIRTUAL[group, "v1", plural].make(security.dependencies)
    return await handle({"kind": "X", "apiVersion": f"{group}/v1", "spec": spec}, user, namespace, name)


async def status_of(security: Security, group: str, plural: str, spec: Any, **more: Any) -> Document:
    status: Document = (await ask(security, group, plural, spec, **more))["status"]
    msgspec.json.encode(status)
    return status


def resource(verb: str, plural: str, **more: str) -> Document:
    return {"resourceAttributes": {"verb": verb, "resource": plural, **more}}


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        pytest.param(resource("get", "pods", namespace="test"), True, id="a cluster-wide right"),
        pytest.param(resource("delete", "pods", namespace="test"), False, id="another verb"),
        pytest.param(
            resource("get", "pods", subresource="log", namespace="prod", name="web"), True, id="a subresource"
        ),
        pytest.param(resource("get", "pods", subresource="log", namespace="test", name="web"), False, id="elsewhere"),
        pytest.param({"nonResourceAttributes": {"verb": "get", "path": "/version"}}, True, id="a path"),
        pytest.param({"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}, False, id="another path"),
    ],
)
async def test_may_i(security: Security, spec: Document, allowed: bool) -> None:
    mine = await status_of(security, AUTHZ, "selfsubjectaccessreviews", spec)
    hers = await status_of(
        security,
        AUTHZ,
        "subjectaccessreviews",
        spec | {"user": "jane", "groups": ["dev", "system:authenticated"]},
        user=User("somebody else"),
    )
    assert (mine["allowed"], hers["allowed"]) == (allowed, allowed)


async def test_a_local_review_is_about_its_namespace(security: Security) -> None:
    spec = resource("get", "pods", subresource="log", namespace="prod", name="web") | {"groups": ["dev"]}
    plural = "localsubjectaccessreviews"
    assert (await status_of(security, AUTHZ, plural, spec, namespace="prod"))["allowed"]
    with pytest.raises(BadRequest, match="must match namespace"):
        await ask(security, AUTHZ, plural, spec, namespace="test")


ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


@pytest.mark.parametrize(
    ("plural", "spec", "field"),
    [
        pytest.param("selfsubjectaccessreviews", {}, "spec.resourceAttributes", id="neither"),
        pytest.param(
            "selfsubjectaccessreviews",
            resource("get", "pods") | {"nonResourceAttributes": {"path": "/"}},
            "spec.nonResourceAttributes",
            id="both",
        ),
        pytest.param("subjectaccessreviews", resource("get", "pods"), "spec.user", id="about nobody"),
        pytest.param(
            "localsubjectaccessreviews",
            {"user": "jane", "nonResourceAttributes": {"path": "/"}},
            "spec.nonResourceAttributes",
            id="a path has no namespace",
        ),
    ],
)
async def test_questions_that_are_none(security: Security, plural: str, spec: Document, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(security, AUTHZ, plural, spec)
    details = refused.value.details
    assert details is not None
    assert [cause.field for cause in details.causes] == [field]


async def test_a_question_of_another_shape_is_a_bad_request(security: Security) -> None:
    with pytest.raises(BadRequest):
        await ask(security, AUTHZ, "selfsubjectaccessreviews", {"resourceAttributes": {"verb": 7}})


async def test_what_may_i(security: Security) -> None:
    status = await status_of(security, AUTHZ, "selfsubjectrulesreviews", {"namespace": "prod"})
    assert not status["incomplete"]
    logs = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"], "resourceNames": ["web"]}
    assert logs in status["resourceRules"]
    assert any("/version" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])
    with pytest.raises(BadRequest, match="no namespace on request"):
        await ask(security, AUTHZ, "selfsubjectrulesreviews", {})


async def test_who_am_i(security: Security) -> None:
    status = await status_of(security, AUTHN, "selfsubjectreviews", {})
    assert status["userInfo"] == {
        "username": "jane",
        "uid": "42",
        "groups": ["dev", "system:authenticated"],
        "extra": {"scope": ["all"]},
    }


async def a_token(security: Security, **spec: Any) -> Document:
    return await ask(security, "", "serviceaccounts/token", spec, namespace="prod", name="web")


async def test_a_token_says_who_asks(security: Security) -> None:
    answer = await a_token(security, expirationSeconds=600)
    assert answer["status"]["expirationTimestamp"] == "2026-11-21T06:40:00Z"
    assert answer["spec"]["audiences"] == [ISSUER]
    user = await security.authenticator.authenticate(Credentials(token=answer["status"]["token"]))
    assert (user.name, user.uid) == ("system:serviceaccount:prod:web", "u-web")
    status = await status_of(security, AUTHN, "tokenreviews", {"token": answer["status"]["token"]})
    assert (status["authenticated"], status["audiences"]) == (True, [ISSUER])
    assert status["user"]["username"] == "system:serviceaccount:prod:web"


async def test_a_token_for_a_pod_names_pod_and_node(security: Security) -> None:
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "u-pod"}
    token = (await a_token(security, boundObjectRef=reference))["status"]["token"]
    claims = jwt.unverified_claims(token)["kubernetes.io"]
    assert claims["pod"] == {"name": "web-0", "uid": "u-pod"}
    assert claims["node"] == {"name": "n1", "uid": "u-node"}


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        pytest.param({"expirationSeconds": 60}, Invalid, "may not specify a duration less than 10 minutes", id="short"),
        pytest.param({"expirationSeconds": 1 << 33}, Invalid, r"larger than 2\^32 seconds", id="long"),
        pytest.param(
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "gone"}}, NotFound, "gone", id="gone"
        ),
        pytest.param(
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web-0", "uid": "old"}},
            Conflict,
            "does not match the UID in record",
            id="another pod of that name",
        ),
        pytest.param(
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "other"}},
            BadRequest,
            "different serviceaccount name",
            id="somebody else's pod",
        ),
        pytest.param(
            {"boundObjectRef": {"kind": "Service", "apiVersion": "v1", "name": "s"}},
            BadRequest,
            "cannot bind",
            id="kind",
        ),
    ],
)
async def test_tokens_that_are_refused(
    security: Security, spec: Document, error: type[StatusError], message: str
) -> None:
    with pytest.raises(error, match=message):
        await a_token(security, **spec)


async def test_no_token_for_an_account_that_is_not_there(security: Security) -> None:
    with pytest.raises(NotFound, match='serviceaccounts "nobody" not found'):
        await ask(security, "", "serviceaccounts/token", {}, namespace="prod", name="nobody")


async def test_a_token_is_reviewed_for_whom_it_is_meant(security: Security) -> None:
    token = (await a_token(security, audiences=["vault", "x"]))["status"]["token"]
    status = await status_of(security, AUTHN, "tokenreviews", {"token": token, "audiences": ["vault", "y"]})
    assert (status["authenticated"], status["audiences"]) == (True, ["vault"])
    status = await status_of(security, AUTHN, "tokenreviews", {"token": token})
    assert "authenticated" not in status
    assert status["error"]
    with pytest.raises(Unauthorized):
        await security.authenticator.authenticate(Credentials(token=token))


@pytest.mark.parametrize(("token", "known"), [("secret", True), ("guess", False)])
async def test_other_tokens_are_reviewed_too(security: Security, token: str, known: bool) -> None:
    status = await status_of(security, AUTHN, "tokenreviews", {"token": token})
    assert status.get("authenticated", False) is known
    if known:
        assert status["user"]["groups"] == ["ops", "system:authenticated"]


async def test_a_review_needs_a_token(security: Security) -> None:
    with pytest.raises(BadRequest, match="token is required for TokenReview in authentication"):
        await ask(security, AUTHN, "tokenreviews", {})


def test_the_keys_are_public(security: Security) -> None:
    assert security.public_documents["/openid/v1/jwks"].content_type == "application/jwk-set+json"
    keys = msgspec.json.decode(security.public_documents["/openid/v1/jwks"].body)["keys"]
    assert [key["kid"] for key in keys] == [KEY.key_id]
    assert set(security.public_documents) == {"/.well-known/openid-configuration", "/openid/v1/jwks"}


async def test_the_chain_keeps_people_from_granting_what_they_lack(security: Security) -> None:
    wanted = role("root", rule("*", "*", groups="*"))
    attributes = Attributes(Operation.CREATE, resource_of(type(wanted)), "root", JANE, document=to_document(wanted))
    with pytest.raises(Forbidden, match="attempting to grant RBAC permissions not currently held"):
        await security.admission.validate(attributes)


def test_unknown_authorization_modes_are_refused() -> None:
    settings = SecuritySettings(KEY, (), authorization_modes=("ABAC",))
    with pytest.raises(ValueError, match="ABAC"):
        build(settings, READER, ManualClock(NOW), Random(1), new_uuid=lambda: "id", observer=OBSERVER)
