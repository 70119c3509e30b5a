"""One picture of several servers: discovery and OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.apiregistration_v1 import APIService, APIServiceSpec
from controlplane.apiserver.aggregation.discovery import MergedDiscovery, merged_groups, merged_items
from controlplane.apiserver.aggregation.fetched import aggregated_entries, from_resource_list
from controlplane.apiserver.aggregation.openapi import merged_v2, part_of
from controlplane.apiserver.aggregation.priorities import Order
from controlplane.apiserver.messages import Peer, Query, Request, Response


def an_order(*services: tuple[str, str, int, int]) -> Order:
    return Order.of(
        APIService(
            spec=APIServiceSpec(group=group, version=version, group_priority_minimum=first, version_priority=second)
        )
        for group, version, first, second in services
    )


@pytest.mark.parametrize(
    ("groups", "order", "expected"),
    [
        pytest.param(["batch", "apps", "apiregistration.k8s.io"], an_order(),
                     ["apiregistration.k8s.io", "apps", "batch"], id="built-in groups by upstream's numbers"),
        pytest.param(["b.com", "a.com", "storagemigration.k8s.io"], an_order(),
                     ["storagemigration.k8s.io", "a.com", "b.com"], id="others behind, by name"),
        pytest.param(["a.com", "apps", "b.com"], an_order(("b.com", "v1", 20000, 1)), ["b.com", "apps", "a.com"],
                     id="an APIService may want to be first"),
        pytest.param(["a.com", "b.com"], an_order(("a.com", "v1", 10, 1), ("a.com", "v2", 3000, 1)), ["a.com", "b.com"],
                     id="the highest of a group counts"),
    ],
)  # fmt: skip
def test_group_order(groups: list[str], order: Order, expected: list[str]) -> None:
    assert sorted(groups, key=order.group_key) == expected


def test_version_order() -> None:
    assert an_order().sorted_versions("a.com", ["v1beta1", "v1", "v2", "old"]) == ["v2", "v1", "v1beta1", "old"]
    wished = an_order(("a.com", "v1beta1", 1000, 200))
    assert wished.sorted_versions("a.com", ["v1", "v1beta1"]) == ["v1beta1", "v1"]


def test_entries_of_others_come_into_discovery() -> None:
    def item(group: str, *versions: str) -> dict[str, Any]:
        listed = [{"version": version, "resources": [], "freshness": "Current"} for version in versions]
        return {"metadata": {"name": group}, "versions": listed}

    ours = {"kind": "APIGroupDiscoveryList", "items": [item("apps", "v1"), item("a.com", "v1")]}
    theirs = {("a.com", "v2"): {"version": "v2", "freshness": "Stale"}, ("z.com", "v1"): {"version": "v1"}}
    merged = merged_items(ours, theirs, an_order())
    assert [(one["metadata"]["name"], [v["version"] for v in one["versions"]]) for one in merged["items"]] == [
        ("apps", ["v1"]), ("a.com", ["v2", "v1"]), ("z.com", ["v1"]),
    ]  # fmt: skip
    assert len(ours["items"][1]["versions"]) == 1, "our own document is everybody's"


def test_groups_of_others_come_into_the_list() -> None:
    apps = {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]}
    merged = merged_groups({"kind": "APIGroupList", "groups": [apps]}, [("z.com", "v1")], an_order())
    first = {"groupVersion": "z.com/v1", "version": "v1"}
    assert merged["groups"] == [apps, {"name": "z.com", "versions": [first], "preferredVersion": first}]


def test_old_discovery_becomes_new() -> None:
    listed = {
        "resources": [
            {"name": "fruits", "singularName": "fruit", "namespaced": True, "kind": "Fruit", "verbs": ["get"],
             "shortNames": ["fr"]},
            {"name": "fruits/scale", "namespaced": True, "group": "autoscaling", "version": "v1", "kind": "Scale",
             "verbs": ["get", "update"]},
            {"name": ""},
            {"name": "orphans/status", "kind": "Orphan"},
        ]
    }  # fmt: skip
    assert from_resource_list(listed, "f.com", "v1") == [
        {
            "resource": "fruits",
            "responseKind": {"group": "f.com", "version": "v1", "kind": "Fruit"},
            "scope": "Namespaced",
            "singularResource": "fruit",
            "verbs": ["get"],
            "shortNames": ["fr"],
            "subresources": [
                {
                    "subresource": "scale",
                    "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                    "verbs": ["get", "update"],
                }
            ],
        }
    ]


@pytest.mark.parametrize("document", [{}, {"items": None}, {"items": [1, {"versions": None}, {"metadata": None}]}])
def test_discovery_that_is_none_has_no_entries(document: dict[str, Any]) -> None:
    assert aggregated_entries(document) == {}


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def test_only_what_a_group_version_needs_is_taken() -> None:
    document = {
        "paths": {"/apis/f.com/v1/fruits": {"get": reference("Fruit")}, "/apis/f.com/v2/x": {}, "/healthz": {}},
        "definitions": {
            "Fruit": {"properties": {"seed": reference("Seed")}},
            "Seed": {"properties": {"fruit": reference("Fruit")}},
            "Options": {"x-kubernetes-group-version-kind": [{"group": "f.com", "version": "v1", "kind": "O"}]},
            "Other": {},
        },
    }
    part = part_of(document, "f.com", "v1")
    assert set(part["paths"]) == {"/apis/f.com/v1/fruits"}
    assert set(part["definitions"]) == {"Fruit", "Seed", "Options"}


def test_a_name_that_is_taken_gets_a_number() -> None:
    ours = {
        "paths": {"/a": {}},
        "definitions": {"Meta": {"type": "object", "description": "ours"}, "X": {"type": "string"}},
    }
    theirs = {
        "paths": {"/b": {"get": reference("X")}, "/a": {"get": {}}},
        "definitions": {
            "Meta": {"type": "object", "description": "theirs"},
            "X": {"type": "object", "properties": {"self": reference("X"), "meta": reference("Meta")}},
        },
    }
    merged = merged_v2(ours, theirs)
    assert merged["definitions"] == {
        **ours["definitions"],
        "X_v2": {"type": "object", "properties": {"self": reference("X_v2"), "meta": reference("Meta")}},
    }
    assert merged["paths"] == {"/a": {}, "/b": {"get": reference("X_v2")}}


async def test_an_answer_that_comes_after_its_apiservice_has_gone_is_not_kept() -> None:
    async def local(_: Request) -> Response:
        return Response(200, b'{"kind":"APIGroupList","groups":[]}')

    async def body() -> bytes:
        return b""

    async def listed() -> bytes:
        answer = await discovery.answer(Request("GET", "/apis", Query(""), {}, body, Peer()))
        assert answer is not None
        return answer.body

    discovery = MergedDiscovery(local, an_order)
    discovery.keep([("f.com", "v1")])
    discovery.put(("f.com", "v1"), None, stale=True)
    assert b"f.com" in await listed()
    discovery.keep([])
    discovery.put(("f.com", "v1"), {"version": "v1"}, stale=False)
    assert b"f.com" not in await listed()
