"""Admission webhooks, asked over real HTTPS: who is asked what and when, and what their answers do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controlplane.auth.interface import User
from tests.fakes.webhook import Answer, WebhookServer, patched
from tests.integration.apiserver.conftest import Asker, config_map, pod

Document = dict[str, Any]
ALLOW: Document = {"allowed": True}
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}


def rule(resources: str, operations: str = "*", **more: Any) -> Document:
    return {
        "apiGroups": [""], "apiVersions": ["v1"], "operations": operations.split(","),
        "resources": resources.split(","), **more,
    }  # fmt: skip


def hook(config: Document, *rules: Document, name: str = "one.example.com", **more: Any) -> Document:
    return {
        "name": name, "clientConfig": config, "rules": list(rules) or [rule("configmaps")], "sideEffects": "None",
        "admissionReviewVersions": ["v1"], **more,
    }  # fmt: skip


async def configure(ask: Asker, kind: str, *hooks: Document, name: str = "policy") -> None:
    """Write a MutatingWebhookConfiguration or ValidatingWebhookConfiguration."""
    path = f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}webhookconfigurations"
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name}, "webhooks": list(hooks),
    }  # fmt: skip
    told = await ask("POST", path, body)
    assert told.status == 201, told.body
    await ask("GET", path)  # which waits for the cache that admission reads


@asynccontextmanager
async def validating(ask: Asker, answer: Answer, *rules: Document, **more: Any) -> AsyncIterator[WebhookServer]:
    async with WebhookServer.listening(answer) as server:
        await configure(ask, "Validating", hook(server.by_url(), *rules, **more))
        yield server


@asynccontextmanager
async def mutating(ask: Asker, answer: Answer, *rules: Document, **more: Any) -> AsyncIterator[WebhookServer]:
    async with WebhookServer.listening(answer) as server:
        await configure(ask, "Mutating", hook(server.by_url(), *rules, **more))
        yield server


async def test_a_webhook_sees_the_request(ask: Asker) -> None:
    jane = User("jane", "42", ("system:masters", "dev"), {"scopes": ("a", "b")})
    async with validating(ask, lambda *_: ALLOW) as server:
        told = await ask("POST", CONFIG_MAPS, config_map("cm", {"a": "1"}), user=jane, fieldManager="me")
        assert told.status == 201
    (review,) = server.reviews
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    request = review["request"]
    assert len(request.pop("uid")) == 36
    written = request.pop("object")
    assert written["apiVersion"] == "v1"
    assert written["data"] == {"a": "1"}
    assert written["metadata"]["uid"]
    assert request == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "cm",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {
            "username": "jane", "uid": "42", "groups": ["system:masters", "dev"], "extra": {"scopes": ["a", "b"]},
        },
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me"},
    }  # fmt: skip


async def test_updates_and_deletions_are_asked_about(ask: Asker) -> None:
    await ask("POST", CONFIG_MAPS, config_map("cm", {"a": "1"}))
    async with validating(ask, lambda *_: ALLOW) as server:
        await ask("PUT", f"{CONFIG_MAPS}/cm", config_map("cm", {"a": "2"}))
        await ask("GET", CONFIG_MAPS)
        await ask("DELETE", f"{CONFIG_MAPS}/cm", propagationPolicy="Background")
    update, deletion = (request for _, request in server.asked)
    assert (update["oldObject"]["data"], update["object"]["data"]) == ({"a": "1"}, {"a": "2"})
    assert (deletion["oldObject"]["data"], deletion["object"]) == ({"a": "2"}, None)
    assert deletion["options"]["propagationPolicy"] == "Background"


async def test_a_denial_is_told_in_the_webhooks_words(ask: Asker) -> None:
    answer = {"allowed": False, "status": {"code": 418, "reason": "Teapot", "message": "no coffee"}}
    async with validating(ask, lambda *_: answer):
        told = await ask("POST", CONFIG_MAPS, config_map())
    assert told.status == 418
    assert told.reason == "Teapot"
    assert told.message == 'admission webhook "one.example.com" denied the request: no coffee'


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (None, 400, 'admission webhook "one.example.com" denied the request without explanation'),
        ({"reason": "Because"}, 400, 'admission webhook "one.example.com" denied the request: Because'),
        ({"code": 200, "message": "no"}, 400, 'admission webhook "one.example.com" denied the request: no'),
        ({"code": 403, "message": "no"}, 403, 'admission webhook "one.example.com" denied the request: no'),
    ],
)
async def test_denials(ask: Asker, status: Document | None, code: int, message: str) -> None:
    async with validating(ask, lambda *_: {"allowed": False, "status": status}):
        told = await ask("POST", CONFIG_MAPS, config_map())
    assert (told.status, told.message) == (code, message)


async def test_warnings_reach_the_caller(ask: Asker) -> None:
    async with validating(ask, lambda *_: {**ALLOW, "warnings": ["careful"]}):
        told = await ask("POST", CONFIG_MAPS, config_map())
    assert told.headers["Warning"] == '299 - "careful"'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (500, 'failed to call webhook: an error on the server ("it does not work") has prevented the request from '
              "succeeding"),
        (404, "failed to call webhook: the server could not find the requested resource"),
        (b"{}", "received invalid webhook response: webhook response was absent"),
        ({"allowed": True, "uid": "other"}, "received invalid webhook response: expected response.uid="),
        (patched({"op": "remove", "path": "/data"}),
         "received invalid webhook response: validating webhook may not return response.patch"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
async def test_a_broken_webhook_fails_the_request_unless_it_may_be_ignored(
    ask: Asker, answer: Any, why: str, policy: str
) -> None:
    async with validating(ask, lambda *_: answer, failurePolicy=policy):
        told = await ask("POST", CONFIG_MAPS, config_map())
    if policy == "Ignore":
        assert told.status == 201
        return
    assert told.status == 500
    assert told.reason == "InternalError"
    assert told.message.startswith(f'Internal error occurred: failed calling webhook "one.example.com": {why}')


async def test_a_slow_webhook_is_waited_for_as_long_as_it_says(ask: Asker) -> None:
    async with validating(ask, lambda *_: 20.0, timeoutSeconds=1) as server:
        told = await ask("POST", CONFIG_MAPS, config_map())
        assert told.message == (
            'Internal error occurred: failed calling webhook "one.example.com": failed to call webhook: '
            f'Post "https://127.0.0.1:{server.port}/?timeout=1s": context deadline exceeded'
        )


async def test_nobody_listens(ask: Asker) -> None:
    async with WebhookServer.listening(lambda *_: ALLOW) as gone:
        config = gone.by_url("/x")
    await configure(ask, "Validating", hook(config))
    told = await ask("POST", CONFIG_MAPS, config_map())
    assert f"dial tcp 127.0.0.1:{gone.port}: connect: connection refused" in told.message


async def test_a_certificate_of_somebody_else_is_refused(ask: Asker) -> None:
    async with WebhookServer.listening(lambda *_: ALLOW) as other, WebhookServer.listening(lambda *_: ALLOW) as server:
        await configure(ask, "Validating", hook({**server.by_url(), "caBundle": other.ca_bundle}))
        told = await ask("POST", CONFIG_MAPS, config_map())
    assert "tls: failed to verify certificate: x509:" in told.message
    assert server.asked == []


# --- who is asked


async def test_rules_and_selectors(ask: Asker) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"hooks": "on"}}}
    await ask("POST", "/api/v1/namespaces", space)
    async with validating(
        ask,
        lambda *_: ALLOW,
        rule("configmaps", "CREATE"),
        namespaceSelector={"matchLabels": {"hooks": "on"}},
        objectSelector={"matchLabels": {"app": "a"}},
    ) as server:
        team = "/api/v1/namespaces/team/configmaps"
        await ask("POST", CONFIG_MAPS, config_map("elsewhere", labels={"app": "a"}))
        await ask("POST", team, config_map("unlabelled"))
        await ask("POST", team, config_map("asked", labels={"app": "a"}))
        await ask("PUT", f"{team}/asked", config_map("asked", {"a": "b"}, labels={"app": "a"}))
        assert server.operations == ["CREATE configmaps asked"]


async def test_subresources_and_connections_are_asked_about(ask: Asker) -> None:
    async with validating(ask, lambda *_: ALLOW, EVERYTHING) as server:
        await ask("POST", "/api/v1/namespaces/default/pods", pod())
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web"}, "target": {"name": "node-1"}}
        await ask("POST", "/api/v1/namespaces/default/pods/web/binding", binding)
        await ask("GET", "/api/v1/pods")
        await ask("PATCH", "/api/v1/namespaces/default/pods/web/status", {"status": {"phase": "Running"}},
                  content_type="application/merge-patch+json")  # fmt: skip
        await ask("GET", "/api/v1/pods")
        await ask("GET", "/api/v1/namespaces/default/pods/web/exec?command=ls&stdout=true&container=main")
        await ask("POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
                  {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})  # fmt: skip
    assert server.operations == [
        "CREATE pods web",
        "CREATE pods/binding web",
        "UPDATE pods/status web",
        "CONNECT pods/exec web",
        "CREATE serviceaccounts/token default",
    ]
    kinds = [request["kind"]["kind"] for _, request in server.asked]
    assert kinds == ["Pod", "Binding", "Pod", "PodExecOptions", "TokenRequest"]
    assert server.asked[3][1]["object"] == {
        "kind": "PodExecOptions", "apiVersion": "v1", "stdout": True, "container": "main", "command": ["ls"],
    }  # fmt: skip


async def test_a_scale_is_seen_and_changed_as_a_scale(ask: Asker) -> None:
    at_most_two = patched({"op": "replace", "path": "/spec/replicas", "value": 2})
    scales = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["*/scale"]}
    labels = {"matchLabels": {"app": "web"}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": labels, "template": template},
    }  # fmt: skip
    path = "/apis/apps/v1/namespaces/default/deployments"
    await ask("POST", path, deployment)
    await ask("GET", path)
    async with mutating(ask, lambda *_: at_most_two, scales) as server:
        patch = {"spec": {"replicas": 9}}
        told = await ask("PATCH", f"{path}/web/scale", patch, content_type="application/merge-patch+json")
        assert told.body["spec"]["replicas"] == 2
        ((_, request),) = server.asked
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert request["resource"]["resource"] == "deployments"
    assert (request["oldObject"]["spec"], request["object"]["spec"]) == ({"replicas": 1}, {"replicas": 9})
    assert (await ask("GET", f"{path}/web")).body["spec"]["replicas"] == 2


async def test_a_connection_may_be_denied(ask: Asker) -> None:
    async with validating(ask, lambda *_: {"allowed": False}, rule("pods/attach", "CONNECT")):
        await ask("POST", "/api/v1/namespaces/default/pods", pod())
        told = await ask("GET", "/api/v1/namespaces/default/pods/web/attach?stdin=true")
    assert told.message == 'admission webhook "one.example.com" denied the request without explanation'


async def test_webhooks_have_no_say_in_what_configures_admission(ask: Asker) -> None:
    async with (
        mutating(ask, lambda *_: {"allowed": False}, EVERYTHING) as one,
        validating(ask, lambda *_: {"allowed": False}, EVERYTHING) as other,
    ):
        for kind in ("mutating", "validating"):
            path = f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/policy"
            assert (await ask("DELETE", path)).status == 200
        assert (one.asked, other.asked) == ([], [])


async def test_a_resource_by_its_other_name(ask: Asker) -> None:
    events = {"apiGroups": ["events.k8s.io"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["events"]}
    body = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "message": "hello", "type": "Normal",
        "involvedObject": {"namespace": "default"},
    }  # fmt: skip
    async with validating(ask, lambda *_: ALLOW, events, matchPolicy="Equivalent") as server:
        assert (await ask("POST", "/api/v1/namespaces/default/events", body)).status == 201
        (_, request) = server.asked[0]
    assert request["kind"] == {"group": "events.k8s.io", "version": "v1", "kind": "Event"}
    assert request["requestKind"] == {"group": "", "version": "v1", "kind": "Event"}
    assert (request["object"]["apiVersion"], request["object"]["note"]) == ("events.k8s.io/v1", "hello")


async def test_dry_run_asks_only_what_has_no_side_effects(ask: Asker) -> None:
    async with validating(ask, lambda *_: ALLOW, sideEffects="NoneOnDryRun") as server:
        assert (await ask("POST", CONFIG_MAPS, config_map(), dryRun="All")).status == 201
        assert server.asked[0][1]["dryRun"] is True


# --- what is changed


def add(key: str, value: str) -> Document:
    return {"op": "add", "path": f"/data/{key}", "value": value}


async def test_each_webhook_sees_what_the_one_before_did(ask: Asker) -> None:
    def answer(path: str, request: Document) -> Document:
        assert path == "/first" or request["object"]["data"]["first"] == "yes"
        return patched(add(path[1:], "yes"))

    async with WebhookServer.listening(answer) as server:
        await configure(ask, "Mutating", hook(server.by_url("/second")), name="b")
        await configure(ask, "Mutating", hook(server.by_url("/first")), name="a")
        told = await ask("POST", CONFIG_MAPS, config_map("cm", {"mine": "1"}))
    assert told.body["data"] == {"mine": "1", "first": "yes", "second": "yes"}


async def test_what_a_webhook_adds_is_defaulted_and_validated(ask: Asker) -> None:
    container = {"name": "sidecar", "image": "busybox"}
    operation = {"op": "add", "path": "/spec/initContainers", "value": [container]}
    async with mutating(ask, lambda *_: patched(operation), rule("pods", "CREATE")):
        told = await ask("POST", "/api/v1/namespaces/default/pods", pod())
        assert told.body["spec"]["initContainers"][0]["terminationMessagePolicy"] == "File"
        del container["image"]
        told = await ask("POST", "/api/v1/namespaces/default/pods", pod("bad"))
    assert (told.status, told.body["details"]["causes"][0]["field"]) == (422, "spec.initContainers[0].image")


async def test_validating_webhooks_see_what_mutating_ones_made(ask: Asker) -> None:
    async with mutating(ask, lambda *_: patched(add("a", "b"))), validating(ask, lambda *_: ALLOW) as server:
        await ask("POST", CONFIG_MAPS, config_map())
        assert server.asked[0][1]["object"]["data"]["a"] == "b"


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        ([{"op": "replace", "path": "/nothing/here", "value": 1}], "doc is missing path"),
        ([{"op": "add", "path": "/data", "value": {"a": 1}}], "cannot be handled as a ConfigMap"),
    ],
)
async def test_a_patch_that_does_not_fit_is_an_internal_error(ask: Asker, operations: list[Document], why: str) -> None:
    async with mutating(ask, lambda *_: patched(*operations)):
        told = await ask("POST", CONFIG_MAPS, config_map())
    assert told.status == 500
    assert why in told.message


async def test_a_webhook_is_asked_again_if_it_wishes_when_another_changed_something(ask: Asker) -> None:
    def answer(path: str, request: Document) -> Document:
        return patched(add("late", "yes")) if path == "/late" and "late" not in request["object"]["data"] else ALLOW

    async with WebhookServer.listening(answer) as server:
        await configure(
            ask,
            "Mutating",
            hook(server.by_url("/curious"), name="a.example.com", reinvocationPolicy="IfNeeded"),
            hook(server.by_url("/once"), name="b.example.com"),
            hook(server.by_url("/late"), name="c.example.com", reinvocationPolicy="IfNeeded"),
        )
        assert (await ask("POST", CONFIG_MAPS, config_map())).status == 201
        assert [path for path, _ in server.asked] == ["/curious", "/once", "/late", "/curious"]
        assert server.asked[-1][1]["object"]["data"]["late"] == "yes"


async def test_a_deletion_cannot_be_changed(ask: Asker) -> None:
    await ask("POST", CONFIG_MAPS, config_map("cm"))
    async with mutating(ask, lambda *_: patched(add("a", "b"))):
        told = await ask("DELETE", f"{CONFIG_MAPS}/cm")
    assert told.message == (
        'Internal error occurred: admission webhook "one.example.com" attempted to modify the object, '
        "which is not supported for this operation"
    )


# --- match conditions


async def test_match_conditions_decide_who_is_asked(ask: Asker) -> None:
    conditions = [
        {"name": "not-nodes", "expression": "!request.userInfo.groups.exists(g, g == 'system:nodes')"},
        {"name": "not-me", "expression": "object == null || object.metadata.name != 'skip-me'"},
    ]
    async with validating(ask, lambda *_: {"allowed": False}, matchConditions=conditions):
        assert (await ask("POST", CONFIG_MAPS, config_map("skip-me"))).status == 201
        assert (await ask("POST", CONFIG_MAPS, config_map("other"))).status == 400


@pytest.mark.parametrize(("policy", "status"), [("Fail", 403), ("Ignore", 201)])
async def test_a_condition_without_a_value_is_for_the_failure_policy(ask: Asker, policy: str, status: int) -> None:
    conditions = [{"name": "a", "expression": "object.metadata.annotations['x'] == 'y'"}]
    async with validating(ask, lambda *_: ALLOW, matchConditions=conditions, failurePolicy=policy) as server:
        told = await ask("POST", CONFIG_MAPS, config_map("cm"))
        assert told.status == status
        assert server.asked == []
    if status == 403:
        assert told.message == (
            "configmaps \"cm\" is forbidden: expression 'object.metadata.annotations['x'] == 'y'' "
            "resulted in error: no such key: annotations"
        )


async def test_the_authorizer_may_be_asked_in_conditions(ask: Asker) -> None:
    check = "authorizer.group('').resource('configmaps').namespace('default').check('breakglass').allowed()"
    conditions = [{"name": "breakglass", "expression": f"!{check}"}]
    async with validating(ask, lambda *_: {"allowed": False}, matchConditions=conditions):
        assert (await ask("POST", CONFIG_MAPS, config_map("a"))).status == 201  # an administrator may


@pytest.mark.parametrize("kind", ["Mutating", "Validating"])
async def test_conditions_that_do_not_compile_are_refused(ask: Asker, kind: str) -> None:
    path = f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}webhookconfigurations"
    conditions = [{"name": "bad", "expression": "object.metadata.name == invalidVariable && true"}]
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": "bad"},
        "webhooks": [hook({"url": "https://127.0.0.1/"}, matchConditions=conditions)],
    }  # fmt: skip
    told = await ask("POST", path, body)
    assert told.status == 422
    assert "compilation failed: ERROR: <input>:1:25: undeclared reference to 'invalidVariable'" in told.message
    assert told.body["details"]["causes"][0]["field"] == "webhooks[0].matchConditions[0].expression"


# --- metrics and audit


async def test_what_dashboards_plot(ask: Asker) -> None:
    async with validating(ask, lambda *_: {"allowed": False, "status": {"code": 403}}):
        await ask("POST", CONFIG_MAPS, config_map())
        text = (await ask("GET", "/metrics")).body
    named, refused = 'name="one.example.com",operation="CREATE"', 'rejected="true",type="validate"'
    admission = "apiserver_admission"
    for line in (
        f'{admission}_webhook_admission_duration_seconds_count{{{named},rejected="true",type="validating"}} 1.0',
        f'{admission}_webhook_request_total{{code="403",{named},rejected="true",type="validating"}} 1.0',
        f'{admission}_webhook_rejection_count{{error_type="no_error",{named},rejection_code="403",'
        'type="validating"} 1.0',
        f'{admission}_controller_admission_duration_seconds_bucket{{le="2.5",name="ValidatingAdmissionWebhook",'
        f'operation="CREATE",{refused}}} 1.0',
        f'{admission}_step_admission_duration_seconds_count{{operation="CREATE",{refused}}} 1.0',
    ):
        assert line in text.splitlines()


async def test_reviews_are_json_that_anybody_can_read(ask: Asker) -> None:
    async with validating(ask, lambda *_: ALLOW, rule("secrets")) as server:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
        assert (await ask("POST", "/api/v1/namespaces/default/secrets", secret)).status == 201
        assert json.dumps(server.reviews[0])
