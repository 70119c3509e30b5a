"""Webhooks over HTTPS: whose token this is, and who may do what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controlplane.auth.interface import User
from tests.fakes.elsewhere import Elsewhere
from tests.integration.identity.conftest import calling

TOKENS = {"janes": {"username": "jane", "uid": "42", "groups": ["dev"], "extra": {"example.com/team": ["red"]}}}
EVE = User("eve", groups=("system:authenticated",))
PODS = "/api/v1/namespaces/shop/pods"


def review_token(question: Any) -> Any:
    user = TOKENS.get(question["spec"]["token"])
    return {**question, "status": {"authenticated": True, "user": user} if user else {"authenticated": False}}


def review_access(question: Any) -> Any:
    """Let jane read pods, deny bob everything, and have no opinion of others."""
    spec = question["spec"]
    verb = spec.get("resourceAttributes", {}).get("verb", "")
    if spec["user"] == "bob":
        return {**question, "status": {"denied": True, "reason": "bob is on holiday"}}
    return {**question, "status": {"allowed": spec["user"] == "jane" and verb in ("get", "list")}}


@pytest.fixture
def asked(there: Elsewhere) -> Elsewhere:
    there.answers.update({"/tokens": review_token, "/access": review_access})
    return there


async def test_tokens_are_asked_about_once(asked: Elsewhere, tmp_path: Path) -> None:
    flags = {"authentication_token_webhook_config_file": str(asked.kubeconfig(tmp_path, "/tokens")),
             "authentication_token_webhook_version": "v1"}  # fmt: skip
    async with calling(tmp_path, **flags) as call:
        who = await call.whoami("janes")
        assert who["username"] == "jane"
        assert who["uid"] == "42"
        assert who["groups"] == ["dev", "system:authenticated"]
        assert who["extra"] == {"example.com/team": ["red"]}
        assert await call.whoami("janes") == who
        assert await call.whoami("unknown") == 401
        assert await call.whoami("unknown") == 401
    assert [question["spec"]["token"] for question in asked.asked] == ["janes", "unknown"]
    assert asked.asked[0]["apiVersion"] == "authentication.k8s.io/v1"
    assert asked.asked[0]["spec"]["audiences"] == ["https://kubernetes.default.svc.cluster.local"]


async def test_a_token_review_asks_the_webhook_too(asked: Elsewhere, tmp_path: Path) -> None:
    file = str(asked.kubeconfig(tmp_path, "/tokens"))
    async with calling(tmp_path, authentication_token_webhook_config_file=file,
                       authorization_mode=["AlwaysAllow"]) as call:  # fmt: skip
        body = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": "janes"}}
        _, told = await call("/apis/authentication.k8s.io/v1/tokenreviews", "janes", body=body)
        assert told["status"]["authenticated"] is True
        assert told["status"]["user"]["username"] == "jane"
    assert asked.asked[0]["apiVersion"] == "authentication.k8s.io/v1beta1"  # the version if none is given


def both(asked: Elsewhere, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "authentication_token_webhook_config_file": str(asked.kubeconfig(tmp_path, "/tokens")),
        "authorization_mode": ["Node", "RBAC", "Webhook"],
        "authorization_webhook_config_file": str(asked.kubeconfig(tmp_path, "/access")),
        "authorization_webhook_version": "v1",
    } | more


async def test_access_is_asked_about_once(asked: Elsewhere, tmp_path: Path) -> None:
    async with calling(tmp_path, **both(asked, tmp_path)) as call:
        assert (await call(f"{PODS}?fieldSelector=spec.nodeName=n1&labelSelector=tier%3Dfront", "janes"))[0] == 200
        assert (await call(f"{PODS}?fieldSelector=spec.nodeName=n1&labelSelector=tier%3Dfront", "janes"))[0] == 200
        status, told = await call(f"{PODS}", "janes", body={"kind": "Pod", "apiVersion": "v1"})
        assert (status, told["message"]) == (
            403,
            'pods is forbidden: User "jane" cannot create resource "pods" in API group "" in the namespace "shop"',
        )
        assert (await call("/readyz", "janes"))[0] == 200  # RBAC allows it: the webhook is not asked
        metrics = (await call.api.memory.client().request("GET", "/metrics")).body.decode()
        assert 'apiserver_authorization_webhook_evaluations_total{name="webhook",result="success"} 2.0' in metrics
    questions = [question["spec"] for question in asked.asked if question["kind"] == "SubjectAccessReview"]
    assert len(questions) == 2
    assert questions[0] == {
        "resourceAttributes": {
            "namespace": "shop",
            "verb": "list",
            "version": "v1",
            "resource": "pods",
            "fieldSelector": {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]},
            "labelSelector": {"requirements": [{"key": "tier", "operator": "In", "values": ["front"]}]},
        },
        "user": "jane",
        "groups": ["dev", "system:authenticated"],
        "extra": {"example.com/team": ["red"]},
        "uid": "42",
    }


CONFIGURATION = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: policy
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    failurePolicy: {policy}
    connectionInfo: {{type: KubeConfigFile, kubeConfigFile: {file}}}
- {{type: Node, name: node}}
- {{type: RBAC, name: rbac}}
"""


def configured(asked: Elsewhere, tmp_path: Path, policy: str) -> Path:
    file = tmp_path / "authorization.yaml"
    file.write_text(CONFIGURATION.format(policy=policy, file=asked.kubeconfig(tmp_path, "/access")))
    return file


async def test_who_is_denied_first_is_not_allowed_later(asked: Elsewhere, tmp_path: Path) -> None:
    async with calling(tmp_path, authorization_config=str(configured(asked, tmp_path, "NoOpinion"))) as call:
        denied = await call.api.memory.transport(User("bob")).request("GET", "/readyz")
        assert denied.status == 403
        assert b"bob is on holiday" in denied.body
        assert (await call.api.memory.transport(EVE).request("GET", "/readyz")).status == 200
        review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                  "spec": {"user": "bob", "nonResourceAttributes": {"verb": "get", "path": "/readyz"}}}  # fmt: skip
        told = await call.api.memory.client().request(
            "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=json.dumps(review).encode()
        )
        assert b'"allowed":false' in told.body
        assert b'"denied":true' in told.body


@pytest.mark.parametrize(("policy", "expected"), [("NoOpinion", 200), ("Deny", 403)])
async def test_a_webhook_that_does_not_answer(asked: Elsewhere, tmp_path: Path, policy: str, expected: int) -> None:
    asked.answers["/access"] = lambda _: 403
    async with calling(tmp_path, authorization_config=str(configured(asked, tmp_path, policy))) as call:
        answer = await call.api.memory.transport(EVE).request("GET", "/readyz")
        assert answer.status == expected
        metrics = (await call.api.memory.client().request("GET", "/metrics")).body.decode()
        opened = 'apiserver_authorization_webhook_evaluations_fail_open_total{name="policy",result="error"} 1.0'
        assert (opened in metrics) is (policy == "NoOpinion")
