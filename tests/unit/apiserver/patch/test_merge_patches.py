"""JSON merge patch and strategic merge patch, case by case."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.apps_v1 import Deployment
from controlplane.api.core_v1 import Pod, Service
from controlplane.api.status import BadRequest, UnsupportedMediaType
from controlplane.apiserver.patch import MERGE, STRATEGIC, apply_patch
from controlplane.apiserver.patch.schema import schema_of


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="replace"),
        pytest.param({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}, id="add"),
        pytest.param({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}, id="delete"),
        pytest.param({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}, id="lists are replaced"),
        pytest.param({"a": {"b": 1}}, {"a": {"c": {"d": None}}}, {"a": {"b": 1, "c": {}}}, id="nulls in new objects"),
        pytest.param({"a": "b"}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="an object for a scalar"),
    ],
)
def test_merge_patch(original: Any, patch: Any, expected: Any) -> None:
    before = msgspec.json.encode(original)
    assert apply_patch(MERGE, original, msgspec.json.encode(patch), schema_of(Pod)) == expected
    assert msgspec.json.encode(original) == before


def containers(*items: Any, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(items), **more}}


WEB = {"name": "web", "image": "nginx:1", "tty": True}
LOG = {"name": "log", "image": "log:1"}


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        pytest.param(
            containers(WEB, LOG),
            containers({"name": "web", "image": "nginx:2"}),
            containers(WEB | {"image": "nginx:2"}, LOG),
            id="merged by name",
        ),
        pytest.param(
            containers(WEB, LOG),
            containers({"name": "new", "image": "x"}),
            containers({"name": "new", "image": "x"}, WEB, LOG),
            id="a new one comes first",
        ),
        pytest.param(
            containers(WEB, LOG), containers({"$patch": "delete", "name": "web"}), containers(LOG), id="delete one"
        ),
        pytest.param(
            containers(WEB, LOG),
            containers({"$patch": "replace"}, {"name": "x", "image": "x", "tty": None}),
            containers({"name": "x", "image": "x"}),
            id="replace the list",
        ),
        pytest.param(
            containers(WEB, LOG),
            {"spec": {"$setElementOrder/containers": [{"name": "log"}, {"name": "web"}]}},
            containers(LOG, WEB),
            id="only reorder",
        ),
        pytest.param(
            containers(WEB, LOG),
            containers(
                {"name": "new"}, **{"$setElementOrder/containers": [{"name": "web"}, {"name": "new"}, {"name": "log"}]}
            ),
            containers(WEB, {"name": "new"}, LOG),
            id="add in the middle",
        ),
        pytest.param(
            containers(WEB | {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}),
            containers({"name": "web", "env": [{"name": "B", "value": None, "valueFrom": {}}]}),
            containers(WEB | {"env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]}),
            id="lists in lists, a null in an element",
        ),
        pytest.param(
            containers(WEB | {"command": ["a", "b"]}),
            containers({"name": "web", "command": ["c"]}),
            containers(WEB | {"command": ["c"]}),
            id="a list without a key is replaced",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["c", "b"]}},
            id="scalars: add and delete",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b"]}},
            {"metadata": {"finalizers": ["b"]}},
            id="scalars: delete only",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1", "b": "2"}}},
            {"metadata": {"labels": {"a": None, "c": "3", "d": None}}},
            {"metadata": {"labels": {"b": "2", "c": "3"}}},
            id="maps",
        ),
        pytest.param(
            {"metadata": {"labels": {"a": "1"}}},
            {"metadata": {"labels": {"$patch": "replace", "b": "2"}}},
            {"metadata": {"labels": {"b": "2"}}},
            id="replace a map",
        ),
        pytest.param(
            {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
            {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]}},
            {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}},
            id="retain keys",
        ),
        pytest.param(
            {"spec": {}},
            {"spec": {"volumes": [{"$patch": "delete", "name": "v"}]}},
            {"spec": {"volumes": []}},
            id="delete from an absent list",
        ),
        pytest.param(
            {"spec": {"tolerations": [{"key": "a"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            id="an atomic list",
        ),
    ],
)
def test_strategic_merge_patch(original: Any, patch: Any, expected: Any) -> None:
    before = msgspec.json.encode(original)
    assert apply_patch(STRATEGIC, original, msgspec.json.encode(patch), schema_of(Pod)) == expected
    assert msgspec.json.encode(original) == before


def test_service_ports_merge_by_port() -> None:
    original = {"spec": {"ports": [{"port": 80, "nodePort": 31080}, {"port": 443}]}}
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    assert apply_patch(STRATEGIC, original, msgspec.json.encode(patch), schema_of(Service)) == {
        "spec": {"ports": [{"port": 80, "nodePort": 31080, "targetPort": 8080}, {"port": 443}]}
    }


def test_strategy_retains_the_keys_named() -> None:
    original = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert apply_patch(STRATEGIC, original, msgspec.json.encode(patch), schema_of(Deployment)) == {
        "spec": {"strategy": {"type": "Recreate"}}
    }


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(containers({"image": "x"}), id="no merge key"),
        pytest.param(containers({"name": {"a": "web"}}), id="a merge key that is no scalar"),
        pytest.param({"metadata": {"finalizers": [{"a": "b"}]}}, id="an element of a set that is no scalar"),
        pytest.param({"metadata": {"$setElementOrder/finalizers": [["a"]]}}, id="an order of what is no scalar"),
        pytest.param({"spec": {"$patch": "explode"}}, id="an unknown directive"),
        pytest.param(
            containers({"name": "b"}, {"name": "a"}, **{"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}]}),
            id="an order that contradicts the list",
        ),
        pytest.param({"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}, id="no list where one must be"),
        pytest.param({"spec": {"$retainKeys": ["x"], "y": 1}}, id="retain keys forget a field"),
        pytest.param([], id="no object"),
    ],
)
def test_a_patch_that_makes_no_sense_is_a_bad_request(patch: Any) -> None:
    with pytest.raises(BadRequest):
        apply_patch(STRATEGIC, containers(WEB) | {"metadata": {}}, msgspec.json.encode(patch), schema_of(Pod))


def test_other_media_types_are_unsupported() -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json-patch"):
        apply_patch("text/plain", {}, b"{}", schema_of(Pod))


names = st.lists(st.sampled_from("abcdef"), unique=True)


@given(server=names, patch=names)
def test_a_list_patched_twice_is_patched_once(server: list[str], patch: list[str]) -> None:
    original = containers(*({"name": name, "image": "old"} for name in server))
    body = msgspec.json.encode(containers(*({"name": name, "image": "new"} for name in patch)))
    once = apply_patch(STRATEGIC, original, body, schema_of(Pod))
    assert apply_patch(STRATEGIC, once, body, schema_of(Pod)) == once
    assert {one["name"]: one["image"] for one in once["spec"]["containers"]} == {
        name: "new" if name in patch else "old" for name in {*server, *patch}
    }
    ordered = [one["name"] for one in once["spec"]["containers"]]
    assert [name for name in ordered if name in patch] == patch
