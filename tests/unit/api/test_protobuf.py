"""Protobuf bodies read as the documents their JSON would be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api import codec
from controlplane.api.base import KubeStruct
from controlplane.api.protobuf import ProtobufError, decode_object, encode_object, has_message
from controlplane.api.protobuf.decode import message_of, schema_of
from controlplane.api.resources import RESOURCES, Resource


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    """Encode one field: a number as varint, anything else with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    return b"".join(field(number, value) for number, value in fields)


def body(raw: bytes, api_version: str = "", kind: str = "") -> bytes:
    return b"k8s\x00" + message((1, message((1, api_version), (2, kind))), (2, raw), (3, ""), (4, ""))


# What kubectl 1.37 sends for `kubectl create namespace foo`.
NAMESPACE = bytes.fromhex(
    "6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a020a001a002200"
)


def test_what_kubectl_sends() -> None:
    document = decode_object(NAMESPACE, "", "")
    assert document["apiVersion"] == "v1"
    assert document["kind"] == "Namespace"
    assert document["metadata"] == {"name": "foo"}


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        pytest.param("ConfigMap", message((2, message((1, "a"), (2, "b")))), {"data": {"a": "b"}}, id="map of text"),
        pytest.param("Secret", message((2, message((1, "a"), (2, b"\x00\xff")))), {"data": {"a": "AP8="}}, id="bytes"),
        pytest.param("Secret", message((5, 0)), {"immutable": False}, id="a pointer to false is said"),
        pytest.param(
            "Service",
            message((2, message((1, message((2, "TCP"), (3, 80), (4, message((1, 1), (3, "http")))))))),
            {"spec": {"ports": [{"protocol": "TCP", "port": 80, "targetPort": "http"}]}},
            id="int or string",
        ),
        pytest.param(
            "Pod",
            message((2, message((1, message((1, "v"), (2, message((2, message((1, "Memory")))))))))),
            {"spec": {"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]}},
            id="fields of an inlined struct",
        ),
        pytest.param(
            "ObjectMeta", message((8, message((1, 1767225600)))), None, id="no kind of its own",
        ),
        pytest.param(
            "Event", message((6, message((1, 1767225600)))), {"firstTimestamp": "2026-01-01T00:00:00Z"}, id="time"
        ),
        pytest.param("Pod", message((999, "later")), {}, id="a field of the future"),
    ],
)  # fmt: skip
def test_decode(kind: str, raw: bytes, expected: Any) -> None:
    if expected is None:
        with pytest.raises(ProtobufError, match='no kind "ObjectMeta" is registered'):
            decode_object(body(raw), "v1", kind)
        return
    assert decode_object(body(raw), "v1", kind) == {"apiVersion": "v1", "kind": kind, **expected}


def test_negative_numbers() -> None:
    raw = message((2, message((1, -1))))
    assert decode_object(body(raw), "apps/v1", "Deployment")["spec"]["replicas"] == -1


def test_a_named_list_is_a_list() -> None:
    extra = message((1, "scopes"), (2, message((1, "a"), (1, "b"))))
    raw = message((2, message((5, extra))))
    document = decode_object(body(raw), "authorization.k8s.io/v1", "SubjectAccessReview")
    assert document["spec"]["extra"] == {"scopes": ["a", "b"]}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"k8s\x00\xff", id="cut off in a number"),
        pytest.param(body(b"\x0a\x7fshort"), id="cut off in a text"),
        pytest.param(body(message((1, message((1, b"\xff"))))), id="not UTF-8"),
        pytest.param(body(message((1, 5))), id="a number where a message is"),
        pytest.param(body(b"\x0b"), id="a group"),
    ],
)
def test_bad_bytes(data: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode_object(data, "v1", "Namespace")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        document = decode_object(body(raw), "v1", "Pod")
    except ProtobufError:
        return
    assert document["kind"] == "Pod"


# What JSON shows of some messages is nothing but a value.
VALUES = {
    "Quantity", "IntOrString", "Time", "MicroTime", "FieldsV1", "Raw", "SchemaOrArray", "SchemaOrBool",
    "SchemaOrStrings", "string", "int", "bool", "bytes", "double",
}  # fmt: skip


# Newer than the published Go types that the numbers were read off, or without a number upstream too.
UNNUMBERED = {
    ".status.nodeInfo.runningInUserNamespace",
    ".spec.volumeClaimTemplates.apiVersion",
    ".spec.volumeClaimTemplates.kind",
    ".spec.devices.requests.exactly.derivedAttributes",
    ".spec.devices.requests.firstAvailable.derivedAttributes",
    ".spec.spec.devices.requests.exactly.derivedAttributes",
    ".spec.spec.devices.requests.firstAvailable.derivedAttributes",
    ".spec.devices.consumesCounters.compatibilityGroups",
}


def fields_of(message: str) -> dict[str, str]:
    """Every field that JSON shows of a message, with its kind; those of messages lent to it too."""
    found: dict[str, str] = {}
    for field in schema_of(message).values():
        if field.name:
            found[field.name] = field.kind
        elif field.kind not in VALUES:
            found |= fields_of(field.kind)
    return found


def missing(type_: type[KubeStruct], message: str, path: str, seen: set[type]) -> Iterator[str]:
    """Yield the paths of fields that a type has and the table has not."""
    if type_ in seen:
        return
    seen.add(type_)
    numbered = fields_of(message)
    for field in msgspec.structs.fields(type_):
        if field.encode_name in ("apiVersion", "kind") and not path:
            continue
        kind = numbered.get(field.encode_name)
        if kind is None:
            yield f"{path}.{field.encode_name}"
            continue
        for inner in structs_in(field.type):
            if kind not in VALUES:
                yield from missing(inner, kind, f"{path}.{field.encode_name}", seen)


def structs_in(type_: Any) -> Iterator[type[KubeStruct]]:
    if isinstance(type_, type) and issubclass(type_, KubeStruct):
        yield type_
    for inner in get_args(type_):
        yield from structs_in(inner)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: f"{resource.api_version}/{resource.kind}")
def test_every_field_of_every_kind_has_a_number(resource: Resource) -> None:
    found = missing(resource.type, message_of(resource.api_version, resource.kind), "", set())
    assert set(found) - UNNUMBERED == set()


@pytest.mark.parametrize(
    ("api_version", "kind", "rest"),
    [
        pytest.param("v1", "ConfigMap", {"data": {"a": "b", "": ""}, "immutable": False}, id="maps, a said false"),
        pytest.param("v1", "Secret", {"data": {"a": "AP8="}, "type": "Opaque"}, id="bytes"),
        pytest.param("apps/v1", "Deployment", {"spec": {"replicas": -1, "minReadySeconds": 2**31 - 1}}, id="numbers"),
        pytest.param(
            "v1",
            "Service",
            {"spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 8080, "targetPort": 300}]}},
            id="numbers or texts",
        ),
        pytest.param(
            "v1",
            "Pod",
            {
                "metadata": {
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                    "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {".": {}}}}],
                },
                "spec": {
                    "containers": [{"name": "c", "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}],
                    "volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}],
                },
            },
            id="lent fields, amounts, raw JSON",
        ),
        pytest.param(
            "coordination.k8s.io/v1", "Lease", {"spec": {"renewTime": "2026-01-01T00:00:00.000001Z"}}, id="microseconds"
        ),
        pytest.param(
            "authorization.k8s.io/v1", "SubjectAccessReview", {"spec": {"extra": {"a": ["b", "c"]}}}, id="a named list"
        ),
        pytest.param(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {
                "spec": {
                    "versions": [
                        {
                            "name": "v1",
                            "schema": {
                                "openAPIV3Schema": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {
                                        "a": {"maximum": 1.5, "minimum": 2, "default": {"x": [1]}, "enum": ["a", None]},
                                        "b": {"items": {"type": "string"}, "additionalProperties": {"type": "string"}},
                                        "c": {"dependencies": {"d": ["e"], "f": {"type": "string"}}},
                                    },
                                    "x-kubernetes-validations": [{"rule": "true"}],
                                }
                            },
                        }
                    ]
                }
            },
            id="a schema",
        ),
        pytest.param(
            "resource.k8s.io/v1",
            "ResourceSlice",
            {"spec": {"devices": [{"attributes": {"a": {"bool": False}}, "capacity": {"m": {"value": "1Gi"}}}]}},
            id="maps of messages",
        ),
    ],
)  # fmt: skip
def test_what_is_written_is_read_back(api_version: str, kind: str, rest: codec.Document) -> None:
    document = {"apiVersion": api_version, "kind": kind, **rest}
    assert decode_object(encode_object(document), "", "") == document


@given(st.dictionaries(st.text(), st.text()), st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_any_text_and_number_is_read_back(data: dict[str, str], number: int) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"annotations": {"a": "b", **data}, "generation": number or 1},
    }
    assert decode_object(encode_object(document), "", "") == document


def test_a_custom_group_is_not_ours_for_its_first_word() -> None:
    assert has_message("apps/v1", "Deployment")
    assert has_message("meta.k8s.io/v1", "PartialObjectMetadata")
    assert not has_message("apps.example.com/v1", "Deployment")


def test_no_message_for_a_kind_that_nobody_knows() -> None:
    with pytest.raises(ProtobufError, match='no kind "Widget" is registered'):
        encode_object({"apiVersion": "example.com/v1", "kind": "Widget"})
