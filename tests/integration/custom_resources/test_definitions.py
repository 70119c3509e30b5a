"""What a definition does to the server: names, conditions, what is served, and the end of it all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from controlplane.apiserver.server import ApiServer
from controlplane.kit.clock import SystemClock
from controlplane.store.memory import MemoryStore
from controlplane.store.sqlite import SqliteStore
from controlplane.testing.memory import MemoryApi, default_settings
from tests.integration.apiserver.conftest import Asker
from tests.integration.custom_resources.conftest import (
    DEFINITIONS,
    SCHEMA,
    WIDGETS,
    a_definition,
    a_version,
    a_widget,
    conditions,
    define,
    established,
    eventually,
    until,
)


async def test_a_definition_is_filled_in_and_established(ask: Asker) -> None:
    made = await ask("POST", DEFINITIONS, a_definition() | {"status": {"acceptedNames": {"kind": "X", "plural": "x"}}})
    assert made.body["spec"]["names"] == {
        "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wi"],
    }  # fmt: skip
    assert made.body["spec"]["conversion"] == {"strategy": "None"}
    assert made.body["status"]["storedVersions"] == ["v1"] and "conditions" not in made.body["status"]
    assert made.body["metadata"]["generation"] == 1
    assert made.body["spec"]["versions"][0]["subresources"]["status"] == {}
    definition = await established(ask, "widgets.example.com")
    assert definition["status"]["acceptedNames"] == made.body["spec"]["names"]
    assert [(one["type"], one["reason"]) for one in conditions(definition)] == [
        ("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"),
    ]  # fmt: skip


async def test_who_comes_second_waits_for_the_name(ask: Asker) -> None:
    await define(ask, a_definition())
    second = a_definition(plural="wigs", kind="Wig", names={"shortNames": ["wi"]})
    assert (await ask("POST", DEFINITIONS, second)).status == 201
    refused = await until(ask, "wigs.example.com", "NamesAccepted", "False")
    found = {one["type"]: (one["status"], one["reason"], one["message"]) for one in conditions(refused.body)}
    assert found == {
        "NamesAccepted": ("False", "ShortNamesConflict", '"wi" is already in use'),
        "Established": ("False", "NotAccepted", "not all names are accepted"),
    }
    assert (await ask("GET", "/apis/example.com/v1/wigs")).status == 404
    await ask("DELETE", f"{DEFINITIONS}/widgets.example.com")
    await established(ask, "wigs.example.com")
    assert (await ask("GET", "/apis/example.com/v1/wigs")).status == 200


async def test_discovery_shows_what_is_served(ask: Asker) -> None:
    await define(ask, a_definition(a_version(), a_version("v1beta1"), a_version("v2", served=False)))
    group = (await ask("GET", "/apis/example.com")).body
    assert [one["version"] for one in group["versions"]] == ["v1", "v1beta1"]
    assert group["preferredVersion"]["version"] == "v1"
    assert any(one["name"] == "example.com" for one in (await ask("GET", "/apis")).body["groups"])
    listed = {one["name"]: one for one in (await ask("GET", "/apis/example.com/v1")).body["resources"]}
    assert listed.keys() == {"widgets", "widgets/status", "widgets/scale"}
    assert (listed["widgets"]["singularName"], listed["widgets"]["shortNames"]) == ("widget", ["wi"])
    assert (listed["widgets/scale"]["kind"], listed["widgets/scale"]["group"]) == ("Scale", "autoscaling")
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    aggregated = (await ask("GET", "/apis", accept=accept)).body
    mine = next(one for one in aggregated["items"] if one["metadata"]["name"] == "example.com")
    assert [one["version"] for one in mine["versions"]] == ["v1", "v1beta1"]
    await ask("DELETE", f"{DEFINITIONS}/widgets.example.com")
    await eventually(ask, "/apis/example.com", lambda told: told.status == 404)
    assert (await ask("GET", f"{DEFINITIONS}/widgets.example.com")).status == 404


async def test_a_version_that_is_deprecated_says_so(ask: Asker) -> None:
    old = a_version("v1beta1", deprecated=True)
    older = a_version("v1alpha1", deprecated=True, deprecationWarning="use anything else")
    await define(ask, a_definition(a_version(), old, older))
    for version, warning in (("v1", None), ("v1beta1", "example.com/v1beta1 Widget is deprecated"),
                             ("v1alpha1", "use anything else")):  # fmt: skip
        told = await ask("GET", f"/apis/example.com/{version}/widgets")
        assert told.headers.get("Warning") == (f'299 - "{warning}"' if warning else None)


async def test_the_instances_go_before_the_definition(widgets: Asker) -> None:
    await widgets("POST", WIDGETS, a_widget())
    held = a_widget("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    assert (await widgets("POST", WIDGETS, held)).status == 201
    deleted = await widgets("DELETE", f"{DEFINITIONS}/widgets.example.com")
    assert deleted.body["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await eventually(widgets, WIDGETS, lambda told: len(told.body["items"]) == 1)
    definition = (await widgets("GET", f"{DEFINITIONS}/widgets.example.com")).body
    reasons = {one["type"]: one["reason"] for one in conditions(definition)}
    assert reasons["Terminating"] == "InstanceDeletionInProgress"
    refused = await widgets("POST", WIDGETS, a_widget("late"))
    assert (refused.status, refused.message) == (
        405,
        "create not allowed while custom resource definition is terminating",
    )
    let_go: list[Any] = [{"op": "remove", "path": "/metadata/finalizers"}]
    await widgets("PATCH", f"{WIDGETS}/held", let_go, content_type="application/json-patch+json")
    await eventually(widgets, WIDGETS, lambda told: told.status == 404)
    assert (await widgets("GET", f"{DEFINITIONS}/widgets.example.com")).status == 404


async def test_a_watch_ends_with_its_resource(widgets: Asker) -> None:
    made = await widgets("POST", WIDGETS, a_widget())
    version = made.body["metadata"]["resourceVersion"]
    lines: list[bytes] = []

    async def follow() -> None:
        query = [("watch", "1"), ("resourceVersion", version)]
        async with widgets.api.transport().stream("GET", WIDGETS, query=query, headers={}) as stream:
            async for line in stream:
                lines[:] = [line]

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.05)
    await widgets("DELETE", f"{DEFINITIONS}/widgets.example.com")
    async with asyncio.timeout(10):
        await following
    assert b'"type":"DELETED"' in lines[-1]


async def test_a_changed_schema_holds_for_what_is_there_already(widgets: Asker) -> None:
    await widgets("POST", WIDGETS, a_widget())
    definition = (await widgets("GET", f"{DEFINITIONS}/widgets.example.com")).body
    properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["weight"] = {"type": "integer", "default": 7}
    del properties["size"]
    changed = await widgets("PUT", f"{DEFINITIONS}/widgets.example.com", definition)
    assert changed.status == 200 and changed.body["metadata"]["generation"] == 2
    found = await eventually(widgets, f"{WIDGETS}/a", lambda told: "weight" in told.body["spec"])
    assert found.body["spec"] == {"colour": "red", "weight": 7}
    assert (await widgets("GET", WIDGETS)).body["items"][0]["spec"] == {"colour": "red", "weight": 7}


async def test_versions_differ_in_their_name(ask: Asker) -> None:
    loose = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    await define(ask, a_definition(a_version(), a_version("v1beta1", schema=loose)))
    old = "/apis/example.com/v1beta1/namespaces/default/widgets"
    document = a_widget() | {"apiVersion": "example.com/v1beta1"}
    made = await ask("POST", old, document)
    assert made.status == 201 and made.body["apiVersion"] == "example.com/v1beta1"
    new = (await ask("GET", f"{WIDGETS}/a")).body
    assert (new["apiVersion"], new["spec"]) == ("example.com/v1", {"colour": "red", "size": 3})
    # What is stored is of the storage version, so that is where its fields are checked against a schema.
    assert (
        b'"apiVersion":"example.com/v1"' in (await ask.api.store.get("/registry/example.com/widgets/default/a")).value
    )  # type: ignore[union-attr]
    moved = a_definition(a_version(storage=False), a_version("v1beta1", storage=True, schema=loose))
    definition = (await ask("GET", f"{DEFINITIONS}/widgets.example.com")).body
    changed = await ask(
        "PUT",
        f"{DEFINITIONS}/widgets.example.com",
        definition | {"spec": definition["spec"] | {"versions": moved["spec"]["versions"]}},
    )
    assert changed.body["status"]["storedVersions"] == ["v1", "v1beta1"]
    assert (await ask("GET", f"{old}/a")).body["apiVersion"] == "example.com/v1beta1"


async def test_a_server_that_starts_again_serves_what_it_served(tmp_path: Path) -> None:
    clock = SystemClock()
    settings = default_settings()
    async with SqliteStore.open(tmp_path / "store.db", clock) as store:
        async with ApiServer.running(store, settings, clock, Random(1)) as server:
            ask = Asker(_MemoryLike(server, store))
            await define(ask, a_definition())
            made = await ask("POST", WIDGETS, a_widget())
        async with ApiServer.running(store, settings, clock, Random(2)) as server:
            ask = Asker(_MemoryLike(server, store))
            found = await ask("GET", f"{WIDGETS}/a")
            assert found.body == made.body
            assert (await ask("GET", "/apis/example.com/v1")).status == 200
            assert (
                await ask("PATCH", f"{WIDGETS}/a", {"spec": {"size": 9}}, content_type="application/merge-patch+json")
            ).status == 200


class _MemoryLike(MemoryApi):
    """A server over another store, asked in the same way."""

    def __init__(self, server: ApiServer, store: Any):
        object.__setattr__(self, "server", server)
        object.__setattr__(self, "store", store)


async def test_openapi_has_the_schema_as_long_as_it_is_served(widgets: Asker) -> None:
    index = (await widgets("GET", "/openapi/v3")).body["paths"]
    address = index["apis/example.com/v1"]["serverRelativeURL"]
    path, _, query = address.partition("?")
    document = (await widgets("GET", f"{path}?{query}")).body
    described = document["components"]["schemas"]["com.example.v1.Widget"]
    assert described["x-kubernetes-group-version-kind"] == [{"group": "example.com", "kind": "Widget", "version": "v1"}]
    assert described["properties"]["spec"] == SCHEMA["properties"]["spec"]
    assert described["properties"]["metadata"] == {
        "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    }
    assert "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/status" in document["paths"]
    v2 = (await widgets("GET", "/openapi/v2")).body
    assert v2["definitions"]["com.example.v1.Widget"]["properties"]["spec"] == SCHEMA["properties"]["spec"]
    assert "type" not in v2["definitions"]["com.example.v1.Widget"]["properties"]["status"]
    assert "io.k8s.api.core.v1.Pod" in v2["definitions"]
    await widgets("DELETE", f"{DEFINITIONS}/widgets.example.com")
    await eventually(widgets, "/openapi/v3", lambda told: "apis/example.com/v1" not in told.body["paths"])
    assert "com.example.v1.Widget" not in (await widgets("GET", "/openapi/v2")).body["definitions"]


async def test_a_definition_that_is_wrong_is_not_stored(ask: Asker) -> None:
    told = await ask("POST", DEFINITIONS, a_definition(a_version(schema={"openAPIV3Schema": {"type": "array"}})))
    assert told.status == 422 and told.body["details"]["causes"]
    assert (await ask("GET", DEFINITIONS)).body["items"] == []
    assert isinstance(ask.api.store, MemoryStore)


@pytest.mark.parametrize("below", [5, "x", {"type": 5}, {"properties": 5}, {"properties": {"a": []}}, {"items": 5}])
@pytest.mark.parametrize("place", ["items", "additionalProperties", "properties"])
async def test_what_is_no_schema_is_refused(ask: Asker, place: str, below: Any) -> None:
    outer: dict[str, Any] = {"items": {"type": "array"}}.get(place, {"type": "object"})
    inner = {"a": below} if place == "properties" else below
    schema = {"type": "object", "properties": {"spec": outer | {place: inner}}}
    told = await ask("POST", DEFINITIONS, a_definition(a_version(schema={"openAPIV3Schema": schema})))
    assert told.status == 400 and "json: cannot unmarshal" in told.message, told.body


async def test_every_server_of_a_store_serves_it() -> None:
    clock, settings = SystemClock(), default_settings()
    async with (
        MemoryStore.open(clock) as store,
        ApiServer.running(store, settings, clock, Random(1)) as one,
        ApiServer.running(store, settings, clock, Random(2)) as other,
    ):
        here, there = Asker(_MemoryLike(one, store)), Asker(_MemoryLike(other, store))
        await define(here, a_definition())
        await eventually(there, WIDGETS, lambda told: told.status == 200)
        assert (await there("POST", WIDGETS, a_widget())).status == 201
        assert (await here("GET", f"{WIDGETS}/a")).body["spec"]["size"] == 3
        await there("DELETE", f"{DEFINITIONS}/widgets.example.com")
        await eventually(here, "/apis/example.com/v1", lambda told: told.status == 404)
        await eventually(there, "/apis/example.com/v1", lambda told: told.status == 404)
