"""What is wrong with a value, in upstream's words; what was wrong before is not told again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.structural.defaults import apply_defaults, copied, drop_nulls
from controlplane.api.structural.embedded import embedded_mistakes
from controlplane.api.structural.lists import duplicates
from controlplane.api.structural.pruning import prune
from controlplane.api.structural.schema import compile_schema
from controlplane.api.structural.values import same, validate, validate_update


def in_spec(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": {"it": schema}}}}


def said(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.text for error in validate({"spec": {"it": value}}, compile_schema(in_spec(schema)))]


INT_OR_STRING = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        pytest.param({"type": "integer"}, 3, "", id="the right type"),
        pytest.param({"type": "integer"}, 3.0, "", id="a whole number"),
        pytest.param({"type": "integer"}, 2**63 - 1, "", id="the largest integer"),
        pytest.param({"type": "number"}, 2**80, "", id="a large number"),
        pytest.param(
            {"type": "integer"}, 2**80,
            'spec.it: Invalid value: "number": spec.it in body must be of type integer: "number"', id="larger than any",
        ),
        pytest.param(
            {"type": "integer"}, 1e300,
            'spec.it: Invalid value: "number": spec.it in body must be of type integer: "number"', id="no longer whole",
        ),
        pytest.param(
            {"type": "integer"}, "x",
            'spec.it: Invalid value: "string": spec.it in body must be of type integer: "string"', id="text for a number",
        ),
        pytest.param(
            {"type": "integer"}, 1.5,
            'spec.it: Invalid value: "number": spec.it in body must be of type integer: "number"', id="a fraction",
        ),
        pytest.param(
            {"type": "string"}, None,
            'spec.it: Invalid value: "null": spec.it in body must be of type string: "null"', id="null",
        ),
        pytest.param({"type": "string", "nullable": True}, None, "", id="null where it may be"),
        pytest.param(INT_OR_STRING, "25%", "", id="a percentage"),
        pytest.param(INT_OR_STRING, 80, "", id="a port"),
        pytest.param(
            {"type": "string", "enum": ["a", "b"]}, "c",
            'spec.it: Unsupported value: "c": supported values: "a", "b"', id="none of a few",
        ),
        pytest.param(
            {"type": "string", "maxLength": 2}, "abc", "spec.it: Too long: may not be more than 2 bytes", id="too long"
        ),
        pytest.param(
            {"type": "string", "minLength": 2}, "a",
            'spec.it: Invalid value: "a": spec.it in body should be at least 2 chars long', id="too short",
        ),
        pytest.param(
            {"type": "string", "pattern": "^a+$"}, "b",
            "spec.it: Invalid value: \"b\": spec.it in body should match '^a+$'", id="no match",
        ),
        pytest.param({"type": "string", "pattern": "a$"}, "a\n", "spec.it: Invalid value", id="$ is the very end"),
        pytest.param({"type": "string", "pattern": r"^[[:digit:]]+\z"}, "42", "", id="Go's classes"),
        pytest.param(
            {"type": "string", "format": "ipv4"}, "nowhere",
            'spec.it: Invalid value: "nowhere": spec.it in body must be of type ipv4: "nowhere"', id="a format",
        ),
        pytest.param({"type": "string", "format": "unheard-of"}, "x", "", id="a format nobody knows"),
        pytest.param({"type": "string", "format": "date-time"}, "2026-11-26T19:00:00Z", "", id="a time"),
        pytest.param({"type": "string", "format": "date-time"}, "2026-13-26T19:00:00Z", "must be of type date-time", id="no time"),
        pytest.param(
            {"type": "integer", "minimum": 1}, 0,
            "spec.it: Invalid value: 0: spec.it in body should be greater than or equal to 1", id="too small",
        ),
        pytest.param(
            {"type": "integer", "maximum": 5, "exclusiveMaximum": True}, 5,
            "spec.it: Invalid value: 5: spec.it in body should be less than 5", id="too large",
        ),
        pytest.param(
            {"type": "integer", "multipleOf": 2}, 3,
            "spec.it: Invalid value: 3: spec.it in body should be a multiple of 2", id="odd",
        ),
        pytest.param(
            {"type": "array", "maxItems": 1, "items": {"type": "integer"}}, [1, 2],
            "spec.it: Too many: 2: must have at most 1 items", id="too many items",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "integer"}}, [1, "x"],
            'spec.it[1]: Invalid value: "string": spec.it[1] in body must be of type integer: "string"', id="an item",
        ),
        pytest.param({"type": "object", "required": ["name"], "properties": {}}, {}, "spec.it.name: Required value", id="missing"),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1},
            'spec.it.a: Invalid value: "integer": spec.it.a in body must be of type string: "integer"', id="in a map",
        ),
        pytest.param(
            {"type": "integer", "oneOf": [{"minimum": 1}, {"maximum": 5}]}, 3,
            '<nil>: Invalid value: "": "spec.it" must validate one and only one schema (oneOf). Found 2 valid alternatives',
            id="both of one",
        ),
        pytest.param(
            {"type": "integer", "anyOf": [{"minimum": 9}, {"maximum": 1}]}, 3,
            '<nil>: Invalid value: "": "spec.it" must validate at least one schema (anyOf)', id="none of any",
        ),
        pytest.param(
            {"type": "integer", "not": {"enum": [3]}}, 3,
            '<nil>: Invalid value: "": "spec.it" must not validate the schema (not)', id="what it may not be",
        ),
        pytest.param(
            {"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 2}]}, 3,
            '<nil>: Invalid value: "": "spec.it" must validate all the schemas (allOf)', id="not all",
        ),
    ],
)  # fmt: skip
def test_validate(schema: dict[str, Any], value: Any, expected: str) -> None:
    found = said(schema, value)
    assert (not found) if not expected else expected in found[0]


NAMED = {
    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
    "items": {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "old", "new", "wrong"),
    [
        pytest.param({"type": "integer"}, "x", "x", False, id="it was wrong before"),
        pytest.param({"type": "integer"}, 1, True, True, id="true is not 1"),
        pytest.param({"type": "integer"}, "x", "y", True, id="wrong in another way"),
        pytest.param(
            NAMED, [{"name": "a", "size": "x"}], [{"name": "b"}, {"name": "a", "size": "x"}], False, id="by key"
        ),
        pytest.param(NAMED, [{"name": "a", "size": "x"}], [{"name": "b", "size": "x"}], True, id="another key"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, ["x"], ["x", 1], True, id="a list is one value"),
    ],
)
def test_what_was_wrong_before_is_not_told(schema: dict[str, Any], old: Any, new: Any, wrong: bool) -> None:
    errors = validate_update({"spec": {"it": new}}, {"spec": {"it": old}}, compile_schema(in_spec(schema)))
    assert bool(errors) is wrong


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        pytest.param({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}}, [1, 2, 1, 1],
                     ["spec.it[2]: Duplicate value: 1"], id="a set"),
        pytest.param(NAMED, [{"name": "a"}, {"name": "a", "size": 1}],
                     ['spec.it[1]: Duplicate value: {"name":"a"}'], id="a map"),
        pytest.param(NAMED, [{"name": "a"}, {"name": "b"}], [], id="two names"),
    ],
)  # fmt: skip
def test_duplicates(schema: dict[str, Any], value: Any, expected: list[str]) -> None:
    node = compile_schema(in_spec(schema))
    assert [error.text for error in duplicates({"spec": {"it": value}}, node)] == expected


def test_embedded_objects_name_their_kind() -> None:
    schema = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    node = compile_schema(in_spec(schema))
    value = {"spec": {"it": {"kind": "Pod", "metadata": {"labels": {"-": "x"}}}}}
    paths = [error.path for error in embedded_mistakes(value, node)]
    assert paths == ["spec.it.apiVersion", "spec.it.metadata.labels"]


SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "default": {},
            "properties": {
                "size": {"type": "integer", "default": 3},
                "loose": {"type": "object", "x-kubernetes-preserve-unknown-fields": True,
                          "properties": {"strict": {"type": "object", "properties": {"a": {"type": "string"}}}}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "nothing": {"type": "string", "nullable": True, "default": "x"},
                "parts": {"type": "array", "items": {"type": "object", "properties": {
                    "kind": {"type": "string", "default": "small"}}}},
            },
        },
    },
}  # fmt: skip
NODE = compile_schema(SCHEMA)


@pytest.mark.parametrize(
    ("document", "left", "unknown"),
    [
        pytest.param({"spec": {"size": 1, "colour": "red"}}, {"spec": {"size": 1}}, ["spec.colour"], id="a field"),
        pytest.param({"other": 1, "kind": "X"}, {"kind": "X"}, ["other"], id="at the top"),
        pytest.param({"spec": {"loose": {"x": {"y": 1}}}}, {"spec": {"loose": {"x": {"y": 1}}}}, [], id="kept on purpose"),
        pytest.param({"spec": {"loose": {"strict": {"b": 1}}}}, {"spec": {"loose": {"strict": {}}}},
                     ["spec.loose.strict.b"], id="known within what is kept"),
        pytest.param({"spec": {"parts": [{"x": 1}]}}, {"spec": {"parts": [{}]}}, ["spec.parts[0].x"], id="in a list"),
        pytest.param({"metadata": {"name": "a", "x": 1}}, {"metadata": {"name": "a"}}, ["metadata.x"], id="in metadata"),
    ],
)  # fmt: skip
def test_prune(document: Any, left: Any, unknown: list[str]) -> None:
    assert prune(document, NODE) == unknown
    assert document == left


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({}, {"spec": {"size": 3, "nothing": "x"}}, id="what is absent, all the way down"),
        pytest.param({"spec": {"size": 1}}, {"spec": {"size": 1, "nothing": "x"}}, id="what is there stays"),
        pytest.param({"spec": {"size": None}}, {"spec": {"size": 3, "nothing": "x"}}, id="a null that may not be is absent"),
        pytest.param({"spec": {"nothing": None}}, {"spec": {"size": 3, "nothing": None}}, id="a null that may be stays"),
        pytest.param({"spec": {"parts": [{}]}}, {"spec": {"size": 3, "nothing": "x", "parts": [{"kind": "small"}]}}, id="in a list"),
        pytest.param({"spec": {"labels": {"a": None}}}, {"spec": {"labels": {}, "size": 3, "nothing": "x"}}, id="nulls without default go"),
    ],
)  # fmt: skip
def test_defaults(document: Any, expected: Any) -> None:
    drop_nulls(document, NODE)
    apply_defaults(document, NODE)
    assert document == expected


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "size", "loose", "strict", "a", "labels", "nothing", "parts", "kind", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
documents = st.dictionaries(st.sampled_from(["spec", "status", "metadata", "kind"]), anything, max_size=3)


@given(documents)
def test_pruning_and_defaulting_twice_is_doing_it_once(document: dict[str, Any]) -> None:
    prune(document, NODE)
    drop_nulls(document, NODE)
    apply_defaults(document, NODE)
    once = copied(document)
    assert prune(document, NODE) == []
    drop_nulls(document, NODE)
    apply_defaults(document, NODE)
    assert same(document, once)


@given(documents)
def test_anything_can_be_validated_and_replaced_by_itself(document: dict[str, Any]) -> None:
    prune(document, NODE)
    validate(document, NODE)
    assert validate_update(document, copied(document), NODE) == []
