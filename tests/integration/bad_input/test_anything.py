"""Whatever is sent, over real HTTPS: never a 5xx, nothing stored of what was refused, and what is stored can be read.

The bodies have the shape of our types, with a few fields of each, and values of the right type, the wrong type, or the
edge of the right one. Examples are derived, not drawn: the test sends the same requests every time.
"""

from __future__ import annotations

from itertools import count
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controlplane.api.base import KubeStruct
from controlplane.api.fields import plain_type
from controlplane.api.resources import RESOURCES, Resource
from tests.fakes.served import Caller

JSON, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"

TEXTS = (
    "",
    "a",
    "web",
    "10.96.0.9",
    "80",
    "25%",
    "1Gi",
    "-1",
    "Always",
    "ClusterIP",
    "Exists",
    "TCP",
    "/tmp",
    "../x",
    "a.b/c",
    "kube-system",
    "2026-01-01T00:00:00Z",
    "\x00",
    "\u20ac",
    "x" * 300,
    "$(A)",
    "fe80::1",
    "None",
)
NUMBERS = (0, 1, -1, 80, 65536, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 10**30, 1.5, 1e300)
JUNK = st.sampled_from((None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], {"": None}, {"a": {"b": []}}))
OPTIONAL = settings(
    max_examples=250, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

_names = count(1)


def values(annotation: Any, depth: int) -> st.SearchStrategy[Any]:
    """Return values for a field: mostly of its type."""
    right = _right(annotation, depth)
    return st.integers(0, 9).flatmap(lambda chance: JUNK if chance == 0 else right)


def _right(annotation: Any, depth: int) -> st.SearchStrategy[Any]:
    kind = plain_type(annotation)
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, KubeStruct):
        return objects(kind, depth - 1) if depth > 0 else st.just({})
    if origin is list:
        return st.lists(values(arguments[0], depth), max_size=2)
    if origin is dict:
        keys = st.sampled_from(("a", "kubernetes.io/x", "cpu", "memory", "", "a b", "\u20ac"))
        return st.dictionaries(keys, values(arguments[1], depth), max_size=2)
    if kind is bool:
        return st.booleans()
    if kind in (int, float):
        return st.sampled_from(NUMBERS)
    if origin is Union or kind is not str:
        return st.sampled_from((*TEXTS, *NUMBERS))
    return st.sampled_from(TEXTS)


def objects(type_: type[KubeStruct], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with up to four fields of a type, one of them perhaps unknown."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(type_)}
    names = st.lists(st.sampled_from([*fields, "unknown"]), max_size=4, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: values(fields.get(name, str), depth) for name in chosen})
    )


@st.composite
def bodies(draw: Any, resource: Resource) -> dict[str, Any]:
    """Return a body for a resource whose metadata is mostly in order, so that more of it is looked at."""
    body: dict[str, Any] = draw(objects(resource.type, 5))
    body.pop("apiVersion", None), body.pop("kind", None)
    if draw(st.integers(0, 9)):
        metadata = body.get("metadata")
        body["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "name": f"x{next(_names)}"}
        for name in ("namespace", "resourceVersion", "generateName"):
            body["metadata"].pop(name, None)
    return body


# Not APIServices: the server writes their conditions at once, so that what is read back is not what was written.
STORED = [one for one in RESOURCES if one.stored and one.plural not in ("namespaces", "apiservices")]


def collection(resource: Resource) -> str:
    return resource.path("default" if resource.namespaced else "")


def versions(ask: Caller, resource: Resource) -> dict[str, str]:
    told = ask("GET", collection(resource))
    assert told.status == 200
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in told.body["items"]}


def as_made(resource: Resource, body: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what the server itself may have written since: the condition of a FlowSchema."""
    if resource.plural != "flowschemas":
        return body
    return {key: value for key, value in body.items() if key not in ("status", "metadata")}


@OPTIONAL
@given(data=st.data())
def test_create(ask: Caller, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(STORED))
    body = data.draw(bodies(resource))
    before = versions(ask, resource)
    told = ask("POST", collection(resource), body, fieldValidation=data.draw(st.sampled_from(("Ignore", "Strict"))))
    assert told.status in (201, 400, 403, 404, 409, 413, 422), (told.status, told.body)
    if told.status != 201:
        assert versions(ask, resource) == before
        assert told.body["kind"] == "Status"
        return
    path = f"{collection(resource)}/{told.body['metadata']['name']}"
    assert as_made(resource, ask("GET", path).body) == as_made(resource, told.body)
    for accept in ("application/json;as=Table;v=v1;g=meta.k8s.io", "application/yaml"):
        assert ask("GET", path, headers={"Accept": accept}).status == 200
    assert ask("DELETE", path, gracePeriodSeconds="0").status in (200, 202)


@pytest.fixture(scope="module")
def targets(ask: Caller) -> dict[str, Resource]:
    """Return objects to patch, by path."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    specs: dict[str, Any] = {
        "pods": {"spec": template["spec"]},
        "services": {"spec": {"ports": [{"port": 80}]}},
        "deployments": {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}},
        "configmaps": {"data": {"a": "b"}},
        "nodes": {},
        "roles": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    }
    found = {}
    for resource in RESOURCES:
        if resource.plural in specs:
            told = ask("POST", collection(resource), {"metadata": {"name": "target"}, **specs[resource.plural]})
            assert told.status == 201, told.message
            found[f"{collection(resource)}/target"] = resource
    return found


@st.composite
def json_patches(draw: Any, resource: Resource) -> list[Any]:
    paths = (
        "",
        "/",
        "/spec",
        "/metadata",
        "/metadata/labels",
        "/metadata/name",
        "/spec/containers/0",
        "/data/a",
        "/spec/containers/-",
        "/spec/template/spec/containers/0/image",
        "/status",
        "/kind",
        "/-1",
        "/~2",
    )
    operation = st.fixed_dictionaries(
        {
            "op": st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "x")),
            "path": st.sampled_from(paths),
        },
        optional={"value": st.one_of(JUNK, objects(resource.type, 3)), "from": st.sampled_from(paths)},
    )
    found: list[Any] = draw(st.lists(operation, max_size=4))
    return found


@OPTIONAL
@given(data=st.data())
def test_patch(ask: Caller, targets: dict[str, Resource], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(targets)))
    resource = targets[path]
    type_ = data.draw(st.sampled_from((MERGE, STRATEGIC, APPLY, JSON)))
    patch = data.draw(json_patches(resource) if type_ == JSON else objects(resource.type, 5))
    if type_ == APPLY and data.draw(st.booleans()):
        patch = {**patch, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "target"}}
    subresource = data.draw(st.sampled_from(("", "", "/status", "/scale")))
    before = ask("GET", path).body
    told = ask("PATCH", path + subresource, patch, content_type=type_, fieldManager="m", dryRun="All")
    assert told.status in (200, 400, 404, 405, 409, 413, 415, 422), (told.status, told.body, patch)
    assert ask("GET", path).body == before


@OPTIONAL
@given(data=st.data())
def test_queries(ask: Caller, data: st.DataObject) -> None:
    names = (
        "limit",
        "continue",
        "labelSelector",
        "fieldSelector",
        "resourceVersion",
        "resourceVersionMatch",
        "includeObject",
        "pretty",
        "sendInitialEvents",
        "dryRun",
    )
    text = st.one_of(
        st.sampled_from(("0", "1", "-1", "Exact", "NotOlderThan", "true", "a=b", "metadata.name=a")), st.text()
    )
    query = data.draw(st.dictionaries(st.sampled_from(names), text, max_size=4))
    if query.get("resourceVersion", "").isdigit():
        query["resourceVersion"] = "1"  # a version of the future is waited for
    resource = data.draw(st.sampled_from(STORED))
    told = ask(
        "GET", collection(resource), **{key: value.encode("utf-8", "replace").decode() for key, value in query.items()}
    )
    assert told.status in (200, 400, 410, 422), (told.status, told.body, query)
