"""Protobuf bodies read as the documents their JSON would be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.protobuf import ProtobufError, decode_object


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
