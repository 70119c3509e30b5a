"""Unknown, duplicate and wrongly typed fields."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controlplane.api.apps_v1 import Deployment
from controlplane.api.base import KubeStruct
from controlplane.api.core_v1 import ConfigMap, Pod
from controlplane.api.fields import duplicate_fields, duplicate_yaml_keys, prune, type_mistake


@pytest.mark.parametrize(
    ("type_", "document", "pruned", "found"),
    [
        pytest.param(Pod, {"spec": {"nodeName": "n"}}, {"spec": {"nodeName": "n"}}, [], id="clean"),
        pytest.param(Pod, {"spec": {"foo": 1}, "bar": {}}, {"spec": {}}, ["bar", "spec.foo"], id="unknown"),
        pytest.param(
            Pod,
            {"spec": {"containers": [{"name": "a"}, {"name": "b", "imag": "x"}]}},
            {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}},
            ["spec.containers[1].imag"],
            id="in a list",
        ),
        pytest.param(Pod, {"spec": {"nodeName": None}}, {"spec": {}}, [], id="null is absent"),
        pytest.param(Pod, {"spec": {"Nodename": "n"}}, {"spec": {}}, ["spec.Nodename"], id="capitals count"),
        pytest.param(
            Pod, {"spec": {"containers": [None]}}, {"spec": {"containers": [{}]}}, [], id="null in a list of objects"
        ),
        pytest.param(ConfigMap, {"data": {"any": "key", "b": None}}, {"data": {"any": "key", "b": ""}}, [], id="map"),
        pytest.param(Pod, {"spec": "x"}, {"spec": "x"}, [], id="wrong types are left to the conversion"),
    ],
)
def test_prune(type_: type[KubeStruct], document: dict[str, Any], pruned: dict[str, Any], found: list[str]) -> None:
    assert prune(document, type_) == [f'unknown field "{path}"' for path in found]
    assert document == pruned


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param(b'{"spec":{"replicas":1}}', [], id="none"),
        pytest.param(b'{"spec":{"replicas":1,"replicas":2}}', ["spec.replicas"], id="one"),
        pytest.param(b'{"spec" : {"a":1,"a":2}}', ["spec.a"], id="a blank before the colon"),
        pytest.param(b'{"a":[{"b":1,"b":1},{"b":1}]}', ["a[0].b"], id="in a list"),
        pytest.param(b'{"a":"{\\"b\\":1}"}', [], id="JSON inside a text"),
        pytest.param(b'{"a\\\\":1,"a\\\\":2}', ["a\\"], id="a key that ends in a backslash"),
        pytest.param(b'{"a":"x\\\\","b":1}', [], id="a text that ends in a backslash"),
        pytest.param(b'{\n  "a": 1,\n  "b": {"c": 2}\n}', [], id="indented"),
    ],
)
def test_duplicate_fields(raw: bytes, found: list[str]) -> None:
    assert duplicate_fields(raw, msgspec.json.decode(raw)) == [f'duplicate field "{path}"' for path in found]


def test_duplicate_yaml_keys() -> None:
    assert duplicate_yaml_keys("a: 1\nb:\n  c: 1\n  c: 2\n") == [
        'yaml: unmarshal errors:\n  line 4: key "c" already set in map'
    ]
    assert duplicate_yaml_keys("a: 1\nb: [{c: 1}, {c: 2}]\n") == []


FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {"spec": {"replicas": "x"}},
            FIELD.format("string", "DeploymentSpec.spec.replicas", "int32"),
            id="text for a number",
        ),
        pytest.param(
            {"spec": {"replicas": 3_000_000_000}},
            FIELD.format("number 3000000000", "DeploymentSpec.spec.replicas", "int32"),
            id="wider than 32 bits",
        ),
        pytest.param(
            {"metadata": {"generation": 10**30}},
            FIELD.format(f"number {10**30}", "ObjectMeta.metadata.generation", "int64"),
            id="wider than 64 bits",
        ),
        pytest.param(
            {"spec": {"replicas": 1.5}},
            FIELD.format("number 1.5", "DeploymentSpec.spec.replicas", "int32"),
            id="a fraction",
        ),
        pytest.param(
            {"spec": {"template": {"spec": {"containers": [{"env": [{"value": 1}]}]}}}},
            FIELD.format("number", "EnvVar.spec.template.spec.containers.env.value", "string"),
            id="the classic: a number in env",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": True}}},
            FIELD.format("bool", "ObjectMeta.metadata.labels", "string"),
            id="in a map",
        ),
        pytest.param(
            {"spec": {"template": {"spec": {"containers": {}}}}},
            FIELD.format("object", "PodSpec.spec.template.spec.containers", "[]v1.Container"),
            id="an object for a list",
        ),
        pytest.param(
            {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": "3"}}}},
            FIELD.format("string", "PodSpec.spec.template.spec.terminationGracePeriodSeconds", "int64"),
            id="a wide number",
        ),
        pytest.param(
            {"spec": "x"}, FIELD.format("string", "Deployment.spec", "v1.DeploymentSpec"), id="text for an object"
        ),
    ],
)
def test_type_mistake(document: dict[str, Any], expected: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document, Deployment)
    assert type_mistake(caught.value, Deployment, document) == expected
