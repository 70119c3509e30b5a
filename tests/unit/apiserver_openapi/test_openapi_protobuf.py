"""The v2 document in the form that client-go reads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.resources import RESOURCES
from controlplane.apiserver.openapi.documents import build_v2
from controlplane.apiserver.openapi.protobuf import encode_v2

JSON, PROTOBUF = (gzip.decompress(one.body) for one in build_v2("v1.37.0", RESOURCES, {}))


def fields(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Read a message as protobuf's wire format has it: fields that are bytes; flags come as their varint."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(body):
        tag = varint()
        length = varint()
        if tag & 7 == 0:
            yield tag >> 3, bytes([length])
            continue
        assert tag & 7 == 2
        yield tag >> 3, body[at : at + length]
        at += length


def one(body: bytes, *numbers: int) -> bytes:
    """Follow field numbers into a message."""
    for number in numbers:
        body = next(value for found, value in fields(body) if found == number)
    return body


def named(body: bytes, number: int) -> dict[str, bytes]:
    entries = (dict(fields(value)) for found, value in fields(body) if found == number)
    return {entry[1].decode(): entry.get(2, b"") for entry in entries}


def test_both_forms_say_the_same() -> None:
    document = msgspec.json.decode(JSON)
    assert one(PROTOBUF, 1) == b"2.0"
    assert set(named(one(PROTOBUF, 8), 2)) == set(document["paths"])
    assert set(named(one(PROTOBUF, 9), 1)) == set(document["definitions"])


@pytest.mark.parametrize("name", ["io.k8s.api.core.v1.PodSpec", "io.k8s.api.apps.v1.Deployment"])
def test_a_definition_keeps_its_properties_and_marks(name: str) -> None:
    known: dict[str, Any] = msgspec.json.decode(JSON)["definitions"][name]
    schema = named(one(PROTOBUF, 9), 1)[name]
    assert one(schema, 22, 1) == b"object"
    assert set(named(one(schema, 25), 1)) == set(known["properties"])
    marks = {key: msgspec.json.decode(one(value, 2)) for key, value in named(schema, 31).items()}
    assert marks == {key: value for key, value in known.items() if key.startswith("x-")}


def test_parameters_stand_where_they_belong() -> None:
    item = named(one(PROTOBUF, 8), 2)["/api/v1/namespaces/{namespace}/pods/{name}"]
    shared = [one(value, 1, 2) for number, value in fields(item) if number == 9]
    assert [one(parameter, *place, 4) for parameter, place in zip(shared, ((4,), (4,), (3,)), strict=True)] == [
        b"name",
        b"namespace",
        b"pretty",
    ]


@given(st.text(max_size=400))
def test_texts_of_any_length_come_back(version: str) -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": {},
        "definitions": {},
        "securityDefinitions": {},
        "security": [],
    }
    assert one(encode_v2(document), 2, 2).decode() == version
