"""RFC 6902, operation by operation."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.status import BadRequest, Invalid, StatusError, TooLarge
from controlplane.apiserver.patch import JSON, apply_patch
from controlplane.apiserver.patch.schema import schema_of

DOCUMENT = {"metadata": {"labels": {"a/b": "1", "m~n": "2"}}, "list": [1, 2, 3], "null": None}


def patched(operations: Any) -> Any:
    return apply_patch(JSON, DOCUMENT, msgspec.json.encode(operations), schema_of(ConfigMap))


def change(**fields: Any) -> dict[str, Any]:
    return DOCUMENT | fields


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param({"op": "add", "path": "/new", "value": 1}, change(new=1), id="add a field"),
        pytest.param({"op": "add", "path": "/list/1", "value": 9}, change(list=[1, 9, 2, 3]), id="insert"),
        pytest.param({"op": "add", "path": "/list/-", "value": 9}, change(list=[1, 2, 3, 9]), id="append"),
        pytest.param({"op": "add", "path": "/list", "value": []}, change(list=[]), id="add replaces a field"),
        pytest.param({"op": "add", "path": "", "value": {"x": 1}}, {"x": 1}, id="the whole object"),
        pytest.param({"op": "remove", "path": "/list/0"}, change(list=[2, 3]), id="remove an element"),
        pytest.param({"op": "remove", "path": "/list/-1"}, change(list=[1, 2]), id="count from the end"),
        pytest.param({"op": "replace", "path": "/list/2", "value": 0}, change(list=[1, 2, 0]), id="replace"),
        pytest.param({"op": "replace", "path": "/null", "value": 0}, change(null=0), id="replace a null"),
        pytest.param(
            {"op": "replace", "path": "/metadata/labels/a~1b", "value": "x"},
            change(metadata={"labels": {"a/b": "x", "m~n": "2"}}),
            id="a slash in a key",
        ),
        pytest.param(
            {"op": "remove", "path": "/metadata/labels/m~0n"},
            change(metadata={"labels": {"a/b": "1"}}),
            id="a tilde in a key",
        ),
        pytest.param({"op": "move", "from": "/list/0", "path": "/list/2"}, change(list=[2, 3, 1]), id="move"),
        pytest.param({"op": "copy", "from": "/list/0", "path": "/copy"}, change(copy=1), id="copy"),
        pytest.param({"op": "test", "path": "/list", "value": [1, 2, 3]}, DOCUMENT, id="test passes"),
        pytest.param({"op": "test", "path": "/absent", "value": None}, DOCUMENT, id="absent passes for null"),
    ],
)
def test_operation(operation: dict[str, Any], expected: Any) -> None:
    assert patched([operation]) == expected


@pytest.mark.parametrize(
    ("operations", "error", "why"),
    [
        pytest.param([{"op": "remove", "path": "/absent"}], Invalid, "missing value", id="remove what is absent"),
        pytest.param([{"op": "replace", "path": "/absent", "value": 1}], Invalid, "missing", id="replace it"),
        pytest.param([{"op": "add", "path": "/absent/x", "value": 1}], Invalid, "missing", id="add below it"),
        pytest.param([{"op": "add", "path": "/list/4", "value": 1}], Invalid, "invalid index", id="add too far"),
        pytest.param([{"op": "remove", "path": "/list/x"}], Invalid, "not an index", id="a word as index"),
        pytest.param([{"op": "test", "path": "/list/0", "value": True}], Invalid, "test failed", id="true is not 1"),
        pytest.param([{"op": "move", "from": "/list", "path": "/list/0"}], Invalid, "into itself", id="into itself"),
        pytest.param([{"op": "add", "path": "", "value": 1}], Invalid, "none", id="no object is left"),
        pytest.param([{"op": "jump", "path": "/x"}], Invalid, "jump", id="an unknown operation"),
        pytest.param([{"op": "add", "value": 1}], BadRequest, None, id="no path"),
        pytest.param([{"op": "copy", "path": "/x"}], BadRequest, None, id="no from"),
        pytest.param({"op": "add"}, BadRequest, None, id="no list"),
        pytest.param([{"op": "test", "path": "/x"}] * 10001, TooLarge, None, id="too many"),
        pytest.param(
            [{"op": "copy", "from": "/metadata", "path": f"/metadata/{n}"} for n in range(40)],
            Invalid,
            "exceeding the limit 3145728",
            id="copies of copies",
        ),
        pytest.param(
            [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 202)],
            Invalid,
            "max depth",
            id="below what is below",
        ),
    ],
)
def test_refused(operations: Any, error: type[StatusError], why: str | None) -> None:
    with pytest.raises(error) as refused:
        patched(operations)
    if why:
        assert refused.value.message == "the server rejected our request due to an error in our request"
        assert refused.value.details is not None and why in refused.value.details.causes[0].message


def test_nothing_happens_when_one_operation_fails() -> None:
    before = msgspec.json.encode(DOCUMENT)
    with pytest.raises(Invalid):
        patched([{"op": "add", "path": "/metadata/labels/x", "value": "1"}, {"op": "remove", "path": "/absent"}])
    assert msgspec.json.encode(DOCUMENT) == before


def test_bytes_that_are_no_json_are_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="error decoding patch"):
        apply_patch(JSON, {}, b"[{", schema_of(ConfigMap))
