"""Patches that cannot be read, do not fit, or make an object invalid: all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.served import Caller

DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/patched"
JSON, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
REJECTED = "the server rejected our request due to an error in our request"


@pytest.fixture(scope="module", autouse=True)
def there(ask: Caller) -> Any:
    """Put a Deployment there, which no patch of this module changes."""
    body = {
        "metadata": {"name": "patched"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    }
    made = ask("POST", DEPLOYMENT.rpartition("/")[0], body)
    assert made.status == 201
    yield
    assert ask("GET", DEPLOYMENT).body == made.body


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def containers(value: Any) -> Any:
    return {"spec": {"template": {"spec": {"containers": value}}}}


@pytest.mark.parametrize(
    ("type_", "body", "status", "says"),
    [
        pytest.param(MERGE, b"{", 400, "error decoding patch", id="half"),
        pytest.param(MERGE, b"", 400, "error decoding patch", id="nothing"),
        pytest.param(MERGE, [1], 400, "error decoding patch", id="a list"),
        pytest.param(MERGE, deep(5000), 400, "exceeded max depth", id="deep"),
        pytest.param(STRATEGIC, deep(900), 400, "exceeded max depth", id="strategic and deep"),
        pytest.param(
            "application/json", {}, 415, "accepted media types include: application/json-patch", id="no patch"
        ),
        pytest.param(MERGE, {"spec": {"replicas": -1}}, 422, "spec.replicas: Invalid value: -1", id="invalid"),
        pytest.param(MERGE, {"spec": {"selector": {"matchLabels": {"x": "y"}}}}, 422, "field is immutable", id="fixed"),
        pytest.param(MERGE, {"spec": None}, 422, "spec.selector: Required value", id="no spec"),
        pytest.param(MERGE, {"spec": {"replicas": "x"}}, 400, "of type int32", id="type"),
        pytest.param(MERGE, {"spec": "x"}, 400, "of type v1.DeploymentSpec", id="type of all"),
        pytest.param(MERGE, {"metadata": "x"}, 400, "", id="type of metadata"),
        pytest.param(MERGE, {"kind": "Pod"}, 400, 'no kind "Pod" is registered', id="another kind"),
        pytest.param(MERGE, {"apiVersion": "v1"}, 400, "does not match the expected API version", id="version"),
        pytest.param(
            STRATEGIC,
            {"spec": {"replicas": "x"}},
            422,
            'patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32',
            id="strategic type",
        ),
        pytest.param(STRATEGIC, containers({"a": 1}), 422, "cannot restore slice from map", id="strategic list"),
        pytest.param(
            STRATEGIC, containers([{"image": "x"}]), 400, "does not contain declared merge key: name", id="key"
        ),
        pytest.param(STRATEGIC, containers(["x"]), 400, "merge key", id="text for a container"),
        pytest.param(STRATEGIC, {"spec": {"$patch": "frob"}}, 400, "unknown patch type found: frob", id="directive"),
        pytest.param(
            STRATEGIC, {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}}, 400, "must be a list", id="deletion"
        ),
        pytest.param(JSON, {"op": "add"}, 400, "error decoding patch", id="no list"),
        pytest.param(JSON, [{"op": "test", "path": "/spec/replicas", "value": 7}], 422, REJECTED, id="test fails"),
        pytest.param(JSON, [{"op": "remove", "path": "/spec/absent"}], 422, REJECTED, id="absent"),
        pytest.param(JSON, [{"op": "jump", "path": "/spec"}], 422, REJECTED, id="operation"),
        pytest.param(JSON, [{"op": "replace", "path": "", "value": "x"}], 422, REJECTED, id="no object left"),
        pytest.param(
            JSON, [{"op": "replace", "path": "/spec/replicas", "value": "x"}], 400, "of type int32", id="JSON type"
        ),
        pytest.param(
            JSON, [{"op": "replace", "path": "/spec/replicas", "value": -1}], 422, "spec.replicas", id="JSON -1"
        ),
        pytest.param(
            JSON, [{"op": "test", "path": "/a"}] * 10_001, 413, "operations in a JSON patch is 10000", id="many"
        ),
        pytest.param(
            JSON,
            [{"op": "copy", "from": "", "path": f"/spec/a{n}"} for n in range(40)],
            422,
            REJECTED,
            id="copies of copies",
        ),
        pytest.param(APPLY, {"metadata": True}, 400, "of type v1.ObjectMeta", id="applied metadata"),
        pytest.param(APPLY, b"a: &a [*a]", 400, "yaml", id="applied YAML"),
        pytest.param(
            APPLY,
            b'{"apiVersion":"apps/v1","kind":"Deployment","spec":{"minReadySeconds":"x"}}',
            400,
            "",
            id="applied type",
        ),
        pytest.param(APPLY, b'{"apiVersion":"apps/v1","kind":"Pod"}', 400, "", id="applied kind"),
    ],
)
def test_refused(ask: Caller, type_: str, body: Any, status: int, says: str) -> None:
    told = ask("PATCH", DEPLOYMENT, body, content_type=type_, fieldManager="test")
    assert (told.status, says in told.message) == (status, True), (told.status, told.message)


def test_unknown_fields_of_a_patch(ask: Caller) -> None:
    told = ask("PATCH", DEPLOYMENT, {"spec": {"foo": 1}}, content_type=MERGE, fieldValidation="Strict")
    assert told.status == 400
    assert told.message.endswith('strict decoding error: unknown field "spec.foo"')


@pytest.mark.parametrize("spec", ["x", {"replicas": "x"}, {"replicas": 2**40}])
def test_scale_of_the_wrong_type(ask: Caller, spec: Any) -> None:
    assert ask("PATCH", f"{DEPLOYMENT}/scale", {"spec": spec}, content_type=MERGE).status == 400


def test_scale_below_nothing(ask: Caller) -> None:
    told = ask("PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": -1}}, content_type=MERGE)
    assert (told.status, told.causes) == (422, ["spec.replicas"])
