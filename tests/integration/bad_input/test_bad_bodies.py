"""What is wrong with a body is said in the words that kubectl users know, and nothing of it is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.served import Caller

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
YAML = "application/yaml"

ONLY = {"name": "never"}


def named(**fields: Any) -> dict[str, Any]:
    return {"metadata": ONLY, **fields}


def bomb(levels: int = 12) -> bytes:
    """Return a kilobyte of YAML whose aliases stand for 9 to the power of `levels` values."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.fixture(autouse=True)
def nothing_is_written(ask: Caller) -> Any:
    """Compare what is stored before and after."""
    before = versions(ask)
    yield
    assert versions(ask) == before


def versions(ask: Caller) -> Any:
    return [ask("GET", path).body["items"] for path in (MAPS, PODS, SERVICES, DEPLOYMENTS)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "(<empty>)", id="nothing"),
        pytest.param(b"{", "json parse error", id="half"),
        pytest.param(b"null", "cannot unmarshal", id="null"),
        pytest.param(b'"text"', "cannot unmarshal", id="text"),
        pytest.param(b"[]", "cannot unmarshal", id="a list"),
        pytest.param(b'{"metadata":{"name":"never"}} x', "trailing characters", id="more than one value"),
        pytest.param(b'{"metadata":{"name":"never"},"data":{"a":"\xff\xfe"}}', "utf-8", id="bytes that are no text"),
        pytest.param(b'{"metadata":{"name":"never\x00"}}', "invalid character", id="a NUL byte"),
        pytest.param(b'{"a":' * 100_000, "exceeded max depth", id="deep, unfinished"),
        pytest.param(b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}", "exceeded max depth", id="deep"),
        pytest.param(b'{"metadata":{"generation":1e400}}', "out of range", id="a number beyond doubles"),
        pytest.param(b'{"metadata":{"generation":' + b"9" * 10_000 + b"}}", "out of range", id="a number of a page"),
        pytest.param(b'{"metadata":{"generation":NaN}}', "invalid character", id="not a number"),
    ],
)
def test_not_json(ask: Caller, body: bytes, says: str) -> None:
    told = ask("POST", MAPS, body)
    assert (told.status, told.reason) == (400, "BadRequest"), told.message
    assert told.message.startswith("the object provided is unrecognized (must be of type ConfigMap): ")
    assert says in told.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(bomb(), "yaml: document contains excessive aliasing", id="aliases of aliases"),
        pytest.param(b"a: &a {b: *a}", "value contains itself", id="an alias in itself"),
        pytest.param(b"[" * 500_000, "exceeded max depth", id="deep"),
        pytest.param(b"!!python/object/apply:os.getcwd []", "constructor", id="an object of a program"),
        pytest.param(b"a: b\n---\nc: d", "single document", id="two documents"),
        pytest.param(b"metadata:\n\tname: never", "cannot start any token", id="a tab"),
        pytest.param(b"- a\n- b", "not a mapping", id="a list"),
    ],
)
def test_not_yaml(ask: Caller, body: bytes, says: str) -> None:
    told = ask("POST", MAPS, body, content_type=YAML)
    assert (told.status, told.reason) == (400, "BadRequest")
    assert says in told.message


FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        pytest.param(
            MAPS,
            {"metadata": {"name": 5}},
            FIELD.format("number", "ObjectMeta.metadata.name", "string"),
            id="a number for text",
        ),
        pytest.param(MAPS, named(data={"a": 1}), FIELD.format("number", "ConfigMap.data", "string"), id="in a map"),
        pytest.param(
            MAPS,
            {"metadata": {**ONLY, "labels": []}},
            FIELD.format("array", "ObjectMeta.metadata.labels", "map[string]string"),
            id="a list for a map",
        ),
        pytest.param(PODS, named(spec="x"), FIELD.format("string", "Pod.spec", "v1.PodSpec"), id="text for an object"),
        pytest.param(
            PODS,
            named(spec={"containers": {}}),
            FIELD.format("object", "PodSpec.spec.containers", "[]v1.Container"),
            id="an object for a list",
        ),
        pytest.param(
            DEPLOYMENTS,
            named(spec={"replicas": "3"}),
            FIELD.format("string", "DeploymentSpec.spec.replicas", "int32"),
            id="text for a number",
        ),
        pytest.param(
            DEPLOYMENTS,
            named(spec={"replicas": 1.5}),
            FIELD.format("number 1.5", "DeploymentSpec.spec.replicas", "int32"),
            id="half a replica",
        ),
        pytest.param(
            DEPLOYMENTS,
            named(spec={"replicas": 2**31}),
            FIELD.format("number 2147483648", "DeploymentSpec.spec.replicas", "int32"),
            id="over 32 bits",
        ),
        pytest.param(
            PODS,
            named(spec={"activeDeadlineSeconds": 2**63}),
            FIELD.format("number 9223372036854775808", "PodSpec.spec.activeDeadlineSeconds", "int64"),
            id="over 64 bits",
        ),
        pytest.param(
            DEPLOYMENTS,
            named(spec={"paused": "yes"}),
            FIELD.format("string", "DeploymentSpec.spec.paused", "bool"),
            id="text for a bool",
        ),
        pytest.param(
            "/api/v1/namespaces/default/secrets",
            named(data={"a": "%%"}),
            "illegal base64 data at input byte 0",
            id="what is no base64",
        ),
    ],
)
def test_wrong_types(ask: Caller, path: str, body: Any, says: str) -> None:
    told = ask("POST", path, body)
    assert (told.status, told.reason) == (400, "BadRequest")
    assert told.message.endswith(says)
    assert "cannot be handled as a " in told.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b'{"metadata":{"name":"never"},"spec":{"foo":1}}', 'unknown field "spec.foo"', id="unknown"),
        pytest.param(
            b'{"metadata":{"name":"never"},"spec":{"containers":[{"imag":"x"}],"foo":1}}',
            'unknown field "spec.foo", unknown field "spec.containers[0].imag"',
            id="two unknown",
        ),
        pytest.param(b'{"metadata":{"name":"a","name":"never"}}', 'duplicate field "metadata.name"', id="twice"),
        pytest.param(b'{"metadata":{"Name":"never"}}', 'unknown field "metadata.Name"', id="in capitals"),
    ],
)
def test_strict(ask: Caller, body: bytes, says: str) -> None:
    told = ask("POST", PODS, body, fieldValidation="Strict")
    assert told.status == 400
    assert told.message == f'Pod in version "v1" cannot be handled as a Pod: strict decoding error: {says}'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"kind": "Pod", "apiVersion": "v1"}, "cannot be handled as a ConfigMap", id="another kind"),
        pytest.param(
            {"kind": "ConfigMap", "apiVersion": "v2"}, "does not match the expected API version", id="version"
        ),
        pytest.param({"kind": 5}, "cannot unmarshal", id="a number for a kind"),
        pytest.param({"kind": "List", "apiVersion": "v1", "items": []}, "cannot be handled", id="a list of objects"),
        pytest.param({"metadata": "x"}, "", id="text for metadata"),
        pytest.param({"metadata": {**ONLY, "namespace": "other"}}, "namespace of the provided object", id="elsewhere"),
        pytest.param({"metadata": {**ONLY, "resourceVersion": "1"}}, "resourceVersion should not be set", id="version"),
    ],
)
def test_not_what_the_path_takes(ask: Caller, body: Any, says: str) -> None:
    told = ask("POST", MAPS, body)
    assert (told.status, told.reason) == (400, "BadRequest")
    assert says in told.message


@pytest.mark.parametrize("content_type", ["text/html", "application/cbor", "application/x-www-form-urlencoded"])
def test_media_types(ask: Caller, content_type: str) -> None:
    told = ask("POST", MAPS, b"{}", content_type=content_type)
    assert (told.status, told.reason) == (415, "UnsupportedMediaType")
    assert told.message.startswith("the body of the request was in an unknown format - accepted media types include: ")


def test_one_byte_too_many(ask: Caller) -> None:
    limit = 3 * 1024 * 1024
    assert ask("POST", MAPS, b" " * limit).status == 400
    for method, content_type in (("POST", "application/json"), ("POST", YAML)):
        told = ask(method, MAPS, b" " * (limit + 1), content_type=content_type)
        assert (told.status, told.reason) == (413, "RequestEntityTooLarge")
        assert told.message == "Request entity too large: limit is 3145728"


@pytest.mark.parametrize(
    ("path", "body", "causes"),
    [
        pytest.param(MAPS, {"metadata": {"name": "Not_A_Name"}}, ["metadata.name"], id="name"),
        pytest.param(MAPS, {"metadata": {"name": "a/b"}}, ["metadata.name"], id="a slash in a name"),
        pytest.param(MAPS, {"metadata": {"name": "a" * 254}}, ["metadata.name"], id="a long name"),
        pytest.param(MAPS, {"metadata": {"name": "a\u0000b"}}, ["metadata.name"], id="a NUL in a name"),
        pytest.param(MAPS, {"metadata": {}}, ["metadata.name"], id="no name"),
        pytest.param(MAPS, {"metadata": {**ONLY, "labels": {"a b": "c"}}}, ["metadata.labels"], id="label"),
        pytest.param(MAPS, {"metadata": {**ONLY, "finalizers": ["x"]}}, ["metadata.finalizers[0]"], id="finalizer"),
        pytest.param(MAPS, named(data={"a b": "c"}), ["data[a b]"], id="key"),
        pytest.param(MAPS, named(data={"a": "x" * ((1 << 20) + 1)}), ["[]"], id="over a mebibyte"),
        pytest.param(PODS, named(), ["spec.containers"], id="no containers"),
        pytest.param(
            DEPLOYMENTS,
            named(
                spec={
                    "replicas": -1,
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {
                        "metadata": {"labels": {"a": "c"}},
                        "spec": {
                            "restartPolicy": "Never",
                            "containers": [{"name": "A_", "ports": [{"containerPort": 99999}], "env": [{"name": ""}]}],
                        },
                    },
                }
            ),
            [
                "spec.replicas",
                "spec.template.metadata.labels",
                "spec.template.spec.containers[0].name",
                "spec.template.spec.containers[0].image",
                "spec.template.spec.containers[0].ports[0].containerPort",
                "spec.template.spec.containers[0].env[0].name",
                "spec.template.spec.restartPolicy",
            ],
            id="all that is wrong with a Deployment",
        ),
        pytest.param(
            SERVICES,
            named(spec={"ports": [{"port": 0}, {"port": 80, "protocol": "X"}], "sessionAffinity": "Maybe"}),
            [
                "spec.ports[0].name",
                "spec.ports[0].port",
                "spec.ports[0].targetPort",
                "spec.ports[1].name",
                "spec.ports[1].protocol",
                "spec.sessionAffinity",
            ],
            id="all that is wrong with a Service",
        ),
    ],
)
def test_invalid(ask: Caller, path: str, body: Any, causes: list[str]) -> None:
    told = ask("POST", path, body)
    assert (told.status, told.reason) == (422, "Invalid"), told.message
    assert told.causes == causes
    assert told.body["details"]["kind"] in told.message
