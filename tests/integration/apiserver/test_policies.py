"""ValidatingAdmissionPolicy and MutatingAdmissionPolicy: what their expressions see, refuse and change."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.auth.interface import User
from tests.integration.apiserver.conftest import Asker, config_map, pod

Document = dict[str, Any]
GROUP = "admissionregistration.k8s.io/v1"
BASE = f"/apis/{GROUP}"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def rules(resources: str = "configmaps", group: str = "", operations: str = "*") -> Document:
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": [operations], "resources": [resources]}
    return {"resourceRules": [rule], "matchPolicy": "Equivalent"}


async def write(ask: Asker, kind: str, name: str, spec: Document) -> None:
    path = f"{BASE}/{kind.lower()}s".replace("policys", "policies")
    body = {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}
    told = await ask("POST", path, body)
    assert told.status == 201, told.body
    await ask("GET", path)  # which waits for the cache that admission reads


async def policy(
    ask: Asker, *validations: str | Document, name: str = "p", binding: Document | None = None, **spec: Any
) -> None:
    """Write a ValidatingAdmissionPolicy and a binding that denies."""
    listed = [{"expression": one} if isinstance(one, str) else one for one in validations]
    await write(ask, "ValidatingAdmissionPolicy", name, {"matchConstraints": rules(), "validations": listed, **spec})
    await write(
        ask,
        "ValidatingAdmissionPolicyBinding",
        f"{name}-binding",
        {"policyName": name, "validationActions": ["Deny"], **(binding or {})},
    )


async def mutation(ask: Asker, *mutations: str, name: str = "m", binding: Document | None = None, **spec: Any) -> None:
    """Write a MutatingAdmissionPolicy and a binding; a mutation that begins with [ makes a JSON patch."""
    listed = [
        {"patchType": "JSONPatch", "jsonPatch": {"expression": one}}
        if one.startswith("[")
        else {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": one}}
        for one in mutations
    ]
    spec = {"matchConstraints": rules(), "mutations": listed, "reinvocationPolicy": "Never", **spec}
    await write(ask, "MutatingAdmissionPolicy", name, spec)
    await write(ask, "MutatingAdmissionPolicyBinding", f"{name}-binding", {"policyName": name, **(binding or {})})


def deployment(name: str = "web", replicas: int = 1, **metadata: Any) -> Document:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod()["spec"]},
        },
    }  # fmt: skip


# --- validating


async def test_a_deployment_is_validated(ask: Asker) -> None:
    await policy(ask, "object.spec.replicas <= 5", matchConstraints=rules("deployments", "apps"))
    assert (await ask("POST", DEPLOYMENTS, deployment("small", 5))).status == 201
    told = await ask("POST", DEPLOYMENTS, deployment("large", 6))
    assert (told.status, told.reason) == (422, "Invalid")
    why = "ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: failed expression: "
    assert told.message == f'deployments.apps "large" is forbidden: {why}object.spec.replicas <= 5'
    assert told.body["details"] == {
        "name": "large", "group": "apps", "kind": "deployments",
        "causes": [{"message": f"{why}object.spec.replicas <= 5"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("validation", "code", "reason", "message"),
    [
        ({"expression": "false", "message": " no way "}, 422, "Invalid", "no way"),
        ({"expression": "false", "reason": "Forbidden"}, 403, "Forbidden", "failed expression: false"),
        ({"expression": "false", "reason": "RequestEntityTooLarge"}, 413, "RequestEntityTooLarge",
         "failed expression: false"),
        ({"expression": "false", "messageExpression": "'not ' + object.metadata.name"}, 422, "Invalid", "not cm"),
        ({"expression": "false", "message": "m", "messageExpression": "string(object.metadata.nothing)"}, 422,
         "Invalid", "m"),
        ({"expression": "false", "message": "m", "messageExpression": "'a\\nb'"}, 422, "Invalid", "m"),
        ({"expression": "object.data.missing == 'x'"}, 422, "Invalid",
         "expression 'object.data.missing == 'x'' resulted in error: no such key: missing"),
    ],
)  # fmt: skip
async def test_what_a_denial_says(ask: Asker, validation: Document, code: int, reason: str, message: str) -> None:
    await policy(ask, validation)
    told = await ask("POST", CONFIG_MAPS, config_map("cm"))
    assert (told.status, told.reason) == (code, reason)
    assert told.message.endswith(f"with binding 'p-binding' denied request: {message}")


async def test_everything_an_expression_may_look_at(ask: Asker) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"env": "prod"}}}
    await ask("POST", "/api/v1/namespaces", space)
    await ask("GET", "/api/v1/namespaces")
    seen = [
        "object.data.key == 'value'",
        "oldObject == null",
        "request.operation == 'CREATE' && request.resource.resource == 'configmaps'",
        "request.kind == request.requestKind && request.kind.kind == 'ConfigMap'",
        "request.namespace == 'team' && request.name == 'cm' && !has(request.subResource) && !request.dryRun",
        "request.userInfo.username == 'jane' && 'dev' in request.userInfo.groups",
        "request.userInfo.extra['scope'] == ['a']",
        "namespaceObject.metadata.labels['env'] == 'prod'",
        "namespaceObject.metadata.creationTimestamp.getFullYear() > 2000 && namespaceObject.status.phase == 'Active'",
        "authorizer.group('').resource('configmaps').namespace('team').check('create').allowed()",
        "authorizer.requestResource.check('create').allowed()",
        "!authorizer.serviceAccount('team', 'default').group('').resource('nodes').check('delete').allowed()",
        "authorizer.path('/healthz').check('get').allowed()",
        "variables.twice == 'valuevalue'",
    ]
    variables = [
        {"name": "value", "expression": "object.data.key"},
        {"name": "twice", "expression": "variables.value + variables.value"},
        {"name": "never", "expression": "object.data.missing"},
    ]
    await policy(ask, *seen, variables=variables)
    jane = User("jane", groups=("dev", "system:masters"), extra={"scope": ("a",)})
    told = await ask("POST", "/api/v1/namespaces/team/configmaps", config_map("cm"), user=jane)
    assert told.status == 201, told.body


async def test_updates_and_deletions(ask: Asker) -> None:
    await policy(ask, "request.operation != 'UPDATE' || object.data == oldObject.data", name="frozen")
    await policy(ask, "object != null || !has(oldObject.metadata.labels)", name="kept")
    await ask("POST", CONFIG_MAPS, config_map("cm", {"a": "1"}, labels={"keep": "me"}))
    told = await ask("PUT", f"{CONFIG_MAPS}/cm", config_map("cm", {"a": "2"}, labels={"keep": "me"}))
    assert "'frozen'" in told.message
    assert "'kept'" in (await ask("DELETE", f"{CONFIG_MAPS}/cm")).message
    assert (await ask("PUT", f"{CONFIG_MAPS}/cm", config_map("cm", {"a": "1"}))).status == 200
    await ask("GET", CONFIG_MAPS)
    assert (await ask("DELETE", f"{CONFIG_MAPS}/cm")).status == 200


async def test_warn_and_audit(ask: Asker) -> None:
    await policy(ask, "false", binding={"validationActions": ["Warn", "Audit"]})
    told = await ask("POST", CONFIG_MAPS, config_map())
    assert told.status == 201
    said = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': failed expression: false"
    assert told.headers["Warning"] == f'299 - "{said}"'


@pytest.mark.parametrize(("fails", "status"), [("Fail", 422), ("Ignore", 201)])
@pytest.mark.parametrize("how", ["expression", "condition", "binding"])
async def test_the_failure_policy_is_for_what_has_no_value(ask: Asker, fails: str, status: int, how: str) -> None:
    more: Document = {}
    if how == "condition":
        more["matchConditions"] = [{"name": "c", "expression": "object.metadata.nothing == 'x'"}]
    elif how == "binding":
        more["paramKind"] = {"apiVersion": "v1", "kind": "Nothing"}
        more["binding"] = {"paramRef": {"name": "x", "parameterNotFoundAction": "Deny"}}
    await policy(ask, "object.metadata.nothing == 'x'" if how == "expression" else "true", failurePolicy=fails, **more)
    assert (await ask("POST", CONFIG_MAPS, config_map())).status == status


async def test_match_conditions(ask: Asker) -> None:
    await policy(ask, "false", matchConditions=[{"name": "c", "expression": "object.metadata.name != 'skip'"}])
    assert (await ask("POST", CONFIG_MAPS, config_map("skip"))).status == 201
    assert (await ask("POST", CONFIG_MAPS, config_map("other"))).status == 422


async def test_what_a_policy_is_for(ask: Asker) -> None:
    match = rules()
    match["excludeResourceRules"] = [{**match["resourceRules"][0], "resourceNames": ["spared"]}]
    await policy(ask, "false", matchConstraints=match,
                 binding={"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}})  # fmt: skip
    assert (await ask("POST", CONFIG_MAPS, config_map("spared", labels={"a": "b"}))).status == 201
    assert (await ask("POST", CONFIG_MAPS, config_map("unlabelled"))).status == 201
    assert (await ask("POST", CONFIG_MAPS, config_map("bound", labels={"a": "b"}))).status == 422


async def test_a_policy_without_a_binding_does_nothing(ask: Asker) -> None:
    await write(ask, "ValidatingAdmissionPolicy", "idle",
                {"matchConstraints": rules(), "validations": [{"expression": "false"}]})  # fmt: skip
    assert (await ask("POST", CONFIG_MAPS, config_map())).status == 201


async def test_policies_have_no_say_in_what_configures_admission(ask: Asker) -> None:
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    await policy(ask, "false", matchConstraints={"resourceRules": [everything]})
    assert (await ask("DELETE", f"{BASE}/validatingadmissionpolicybindings/p-binding")).status == 200


# --- parameters


PARAMS: Document = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "matchConstraints": rules("secrets")}
SECRETS = "/api/v1/namespaces/default/secrets"


def secret(name: str = "s") -> Document:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}


async def test_parameters_by_name(ask: Asker) -> None:
    await ask("POST", CONFIG_MAPS, config_map("limits", {"longest": "3"}))
    await ask("GET", CONFIG_MAPS)
    await policy(
        ask,
        "object.metadata.name.size() <= int(params.data.longest)",
        binding={"paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"}},
        **PARAMS,
    )
    assert (await ask("POST", SECRETS, secret("abc"))).status == 201
    assert (await ask("POST", SECRETS, secret("abcd"))).status == 422


async def test_parameters_by_selector_are_each_evaluated(ask: Asker) -> None:
    for name, longest in (("a", "9"), ("b", "3")):
        await ask("POST", CONFIG_MAPS, config_map(name, {"longest": longest}, labels={"limits": "yes"}))
    await ask("GET", CONFIG_MAPS)
    await policy(
        ask,
        {
            "expression": "object.metadata.name.size() <= int(params.data.longest)",
            "messageExpression": "params.metadata.name + ' says ' + params.data.longest",
        },
        binding={"paramRef": {"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Deny"}},
        **PARAMS,
    )
    assert (await ask("POST", SECRETS, secret("abc"))).status == 201
    assert (await ask("POST", SECRETS, secret("abcd"))).message.endswith("denied request: b says 3")


@pytest.mark.parametrize(("action", "status"), [("Deny", 422), ("Allow", 201)])
async def test_parameters_that_are_not_there(ask: Asker, action: str, status: int) -> None:
    await policy(ask, "true", binding={"paramRef": {"name": "no", "parameterNotFoundAction": action}}, **PARAMS)
    told = await ask("POST", SECRETS, secret())
    assert told.status == status
    if status == 422:
        assert told.message.endswith(
            "denied request: failed to configure binding: "
            "no params found for policy binding with `Deny` parameterNotFoundAction"
        )


async def test_a_binding_may_leave_parameters_out(ask: Asker) -> None:
    await policy(ask, "params == null", **PARAMS)
    assert (await ask("POST", SECRETS, secret())).status == 201


# --- what is refused when a policy is written


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"validations": [{"expression": "object.spec.replicas <="}]}, "spec.validations[0].expression",
         "compilation failed: ERROR: <input>:1:24: Syntax error: mismatched input '<EOF>' expecting"),
        ({"validations": [{"expression": "'x'"}]}, "spec.validations[0].expression",
         "must evaluate to bool but got string"),
        ({"validations": [{"expression": "params.x == 1"}]}, "spec.validations[0].expression",
         "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')"),
        ({"validations": [{"expression": "true", "messageExpression": "authorizer.path('/').check('get').reason()"}]},
         "spec.validations[0].messageExpression",
         "compilation failed: ERROR: <input>:1:1: undeclared reference to 'authorizer' (in container '')"),
        ({"variables": [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}]},
         "spec.variables[0].expression", "compilation failed: ERROR: <input>:1:10: undefined field 'b'"),
        ({"auditAnnotations": [{"key": "k", "valueExpression": "1"}]}, "spec.auditAnnotations[0].valueExpression",
         "must evaluate to one of [string null] but got int"),
        ({"matchConditions": [{"name": "c", "expression": "nothing"}]}, "spec.matchConditions[0].expression",
         "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nothing' (in container '')"),
        ({"validations": [{"expression": "namespaceObject.metadata.nothing == ''"}]}, "spec.validations[0].expression",
         "compilation failed: ERROR: <input>:1:25: undefined field 'nothing'"),
    ],
)  # fmt: skip
async def test_a_policy_that_does_not_compile_is_refused(ask: Asker, spec: Document, field: str, message: str) -> None:
    spec = {"matchConstraints": rules(), "validations": [{"expression": "true"}], **spec}
    body = {"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": spec}
    told = await ask("POST", f"{BASE}/validatingadmissionpolicies", body)
    assert told.status == 422
    (cause,) = told.body["details"]["causes"]
    assert cause["field"] == field
    assert f": {message}" in cause["message"]


async def test_a_changed_policy_is_compiled_again(ask: Asker) -> None:
    await policy(ask, "false")
    path = f"{BASE}/validatingadmissionpolicies/p"
    patch = {"spec": {"validations": [{"expression": "bad"}]}}
    told = await ask("PATCH", path, patch, content_type="application/merge-patch+json")
    assert told.status == 422
    patch = {"spec": {"validations": [{"expression": "true"}]}}
    await ask("PATCH", path, patch, content_type="application/merge-patch+json")
    await ask("GET", f"{BASE}/validatingadmissionpolicies")
    assert (await ask("POST", CONFIG_MAPS, config_map())).status == 201


# --- mutating


async def test_a_configuration_is_merged_as_server_side_apply_does(ask: Asker) -> None:
    sidecar = (
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{"
        "initContainers: [Object.spec.template.spec.initContainers{name: 'mesh', image: 'mesh:1'}]}}}}"
    )
    await mutation(ask, sidecar, matchConstraints=rules("deployments", "apps"))
    told = await ask("POST", DEPLOYMENTS, deployment())
    spec = told.body["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["initContainers"]] == ["mesh"]
    assert spec["initContainers"][0]["imagePullPolicy"] == "IfNotPresent"  # defaults follow
    assert [one["name"] for one in spec["containers"]] == ["main"]


async def test_annotations_from_parameters_and_variables(ask: Asker) -> None:
    await ask("POST", CONFIG_MAPS, config_map("owners", {"team": "shop"}))
    await ask("GET", CONFIG_MAPS)
    await mutation(
        ask,
        "Object{metadata: Object.metadata{annotations: {'team': variables.team, 'by': request.userInfo.username}}}",
        matchConstraints=rules("deployments", "apps"),
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=[{"name": "team", "expression": "params.data.team"}],
        binding={"paramRef": {"name": "owners", "parameterNotFoundAction": "Deny"}},
    )
    told = await ask("POST", DEPLOYMENTS, deployment(annotations={"mine": "1"}))
    annotations = told.body["metadata"]["annotations"]
    assert annotations == {"mine": "1", "team": "shop", "by": "system:apiserver"}


async def test_json_patches(ask: Asker) -> None:
    await mutation(
        ask,
        "[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'add', path: '/data/b', value: '2'},"
        " JSONPatch{op: 'add', path: '/metadata/annotations', value: {'x/y': 'z'}},"
        " JSONPatch{op: 'replace', path: '/metadata/annotations/' + jsonpatch.escapeKey('x/y'), value: 'w'}]",
    )
    told = await ask("POST", CONFIG_MAPS, config_map("cm", {"a": "1"}))
    assert told.body["data"] == {"a": "1", "b": "2"}
    assert told.body["metadata"]["annotations"] == {"x/y": "w"}
    told = await ask("POST", CONFIG_MAPS, config_map("other", {"a": "9"}))  # the test does not hold: no patch
    assert told.body["data"] == {"a": "9"}


async def test_mutations_follow_each_other_and_conditions_hold_them(ask: Asker) -> None:
    await mutation(
        ask,
        "[JSONPatch{op: 'add', path: '/data/one', value: 'yes'}]",
        "[JSONPatch{op: 'add', path: '/data/two', value: object.data.one}]",
        matchConditions=[{"name": "c", "expression": "object.metadata.name != 'skip'"}],
    )
    assert (await ask("POST", CONFIG_MAPS, config_map("cm", {"a": "1"}))).body["data"] == {
        "a": "1", "one": "yes", "two": "yes",
    }  # fmt: skip
    assert (await ask("POST", CONFIG_MAPS, config_map("skip", {"a": "1"}))).body["data"] == {"a": "1"}


async def test_policies_that_wish_it_look_again(ask: Asker) -> None:
    count = "[JSONPatch{op: 'add', path: '/data/seen', value: object.data.?seen.orValue('') + 'x'}]"
    late = "[JSONPatch{op: 'add', path: '/data/late', value: 'yes'}]"
    await mutation(ask, count, name="a", reinvocationPolicy="IfNeeded")
    await mutation(ask, late, name="b")
    told = await ask("POST", CONFIG_MAPS, config_map("cm", {"k": "v"}))
    assert told.body["data"]["seen"] == "xx"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "Object{spec: Object.status{}}",
            'type mismatch: unexpected type name "Object.status", expected "Object.spec"',
        ),
        ("Object{data: {'a': string(object.data.missing)}}", "no such key: missing"),
        ("[JSONPatch{op: 'remove', path: '/data/missing'}]", "JSON Patch: remove operation does not apply"),
        ("Object{immutable: 'yes'}", "error applying patch: failed to convert patch object to typed object: "),
    ],
)
async def test_mutations_that_cannot_be_made(ask: Asker, expression: str, message: str) -> None:
    await mutation(ask, expression)
    told = await ask("POST", CONFIG_MAPS, config_map())
    assert told.status == 403
    assert told.message.startswith("policy 'm' with binding 'm-binding' denied request: ")
    assert message in told.message


async def test_what_is_merged_as_a_whole_may_not_be_mutated(ask: Asker) -> None:
    expression = "Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'a': 'b'}}}}"
    await mutation(ask, expression, matchConstraints=rules("deployments", "apps"))
    told = await ask("POST", DEPLOYMENTS, deployment())
    assert "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector" in told.message


async def test_a_mutation_must_give_a_patch(ask: Asker) -> None:
    spec = {
        "matchConstraints": rules(), "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "Object{}"}}],
    }  # fmt: skip
    body = {"apiVersion": GROUP, "kind": "MutatingAdmissionPolicy", "metadata": {"name": "m"}, "spec": spec}
    told = await ask("POST", f"{BASE}/mutatingadmissionpolicies", body)
    assert told.status == 422
    assert "must evaluate to list(JSONPatch) but got Object" in told.message


# --- what dashboards see


async def test_decisions_are_counted(ask: Asker) -> None:
    await policy(ask, "false")
    await ask("POST", CONFIG_MAPS, config_map())
    text = (await ask("GET", "/metrics")).body
    labels = 'enforcement_action="deny",error_type="no_error",policy="p",policy_binding="p-binding"'
    assert f"apiserver_validating_admission_policy_check_total{{{labels}}} 1.0" in text.splitlines()
