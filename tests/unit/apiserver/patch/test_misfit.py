"""What a strategic merge patch is told when a value has the wrong type."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.apiserver.patch.misfit import go_value, misfit


@pytest.mark.parametrize(
    ("mistake", "why"),
    [
        pytest.param("string into Go struct field X.a of type int32", "unrecognized type: int32", id="text for number"),
        pytest.param("number into Go struct field X.a of type string", "cannot convert int64 to string", id="number"),
        pytest.param("number 1.5 into Go struct field X.a of type int32", "cannot convert float64 to int32", id="half"),
        pytest.param("bool into Go struct field X.a of type string", "unrecognized type: string", id="bool for text"),
        pytest.param("object into Go struct field X.a of type []v1.X", "cannot restore slice from map", id="no list"),
        pytest.param("string into Go struct field X.a of type map[string]string", "cannot restore map from string",
                     id="no map"),
        pytest.param("string into Go struct field X.a of type v1.X", "cannot restore struct from: string",
                     id="no object"),
    ],
)  # fmt: skip
def test_misfit(mistake: str, why: str) -> None:
    refusal = misfit({"a": "b"}, f'X in version "v1" cannot be handled as a X: json: cannot unmarshal {mistake}')
    assert refusal is not None
    assert refusal.message == f' "" is invalid: patch: Invalid value: "map[a:b]": {why}'


def test_other_mistakes_are_none_of_its_business() -> None:
    assert misfit({}, 'strict decoding error: unknown field "x"') is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"b": 1, "a": [True, None, "x y"]}, "map[a:[true <nil> x y] b:1]", id="sorted, without quotes"),
        pytest.param({}, "map[]", id="nothing"),
    ],
)
def test_go_value(value: Any, text: str) -> None:
    assert go_value(value) == text
