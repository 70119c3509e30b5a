"""Custom resources behave as built-in ones do, under their own schema."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.apiserver.conftest import Asker
from tests.integration.custom_resources.conftest import (
    SCHEMA,
    WIDGETS,
    a_definition,
    a_version,
    a_widget,
    define,
)

MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
APPLY, STRATEGIC = "application/apply-patch+yaml", "application/strategic-merge-patch+json"


async def test_the_life_of_an_object(widgets: Asker) -> None:
    made = await widgets("POST", WIDGETS, a_widget() | {"status": {"replicas": 9}})
    assert made.status == 201 and made.body["spec"] == {"colour": "red", "size": 3}
    assert "status" not in made.body and made.body["metadata"]["generation"] == 1
    unchanged = await widgets("PUT", f"{WIDGETS}/a", made.body)
    assert unchanged.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]
    larger = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"size": 5}}, content_type=MERGE)
    assert (larger.body["spec"]["size"], larger.body["metadata"]["generation"]) == (5, 2)
    labelled = await widgets("PATCH", f"{WIDGETS}/a", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    assert labelled.body["metadata"]["generation"] == 2
    stale = await widgets("PUT", f"{WIDGETS}/a", made.body)
    assert (stale.status, stale.reason) == (409, "Conflict")
    versionless = a_widget()
    told = await widgets("PUT", f"{WIDGETS}/a", versionless)
    assert (
        told.status == 422
        and "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update" in told.message
    )
    deleted = await widgets("DELETE", f"{WIDGETS}/a")
    assert (deleted.body["kind"], deleted.body["details"]["kind"]) == ("Status", "widgets")
    assert (await widgets("GET", f"{WIDGETS}/a")).message == 'widgets.example.com "a" not found'


@pytest.mark.parametrize(
    ("document", "status", "message"),
    [
        pytest.param(a_widget(colour="blue"), 422, 'Widget.example.com "a" is invalid: spec.colour: Unsupported value: "blue": supported values: "red", "green"', id="none of a few"),
        pytest.param(a_widget(size="x"), 422, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"', id="a wrong type"),
        pytest.param(a_widget(ports=[{"port": 1}, {"port": 1}]), 422, 'spec.ports[1]: Duplicate value: {"port":1}', id="twice the same"),
        pytest.param(a_widget("A"), 422, 'metadata.name: Invalid value: "A"', id="no name"),
        pytest.param(a_widget() | {"kind": "Gadget"}, 400, "Gadget in version", id="another kind"),
        pytest.param(a_widget() | {"metadata": {"name": "a", "labels": {"a": 1}}}, 400, "json: cannot unmarshal number into Go struct field", id="wrong metadata"),
    ],
)  # fmt: skip
async def test_what_is_refused(widgets: Asker, document: Any, status: int, message: str) -> None:
    told = await widgets("POST", WIDGETS, document)
    assert told.status == status and message in told.message, told.body


async def test_unknown_and_duplicate_fields(widgets: Asker) -> None:
    odd = a_widget(extra=1)
    odd["metadata"]["unheard"] = 1
    odd["more"] = 2
    strict = await widgets("POST", WIDGETS, odd, fieldValidation="Strict")
    assert strict.message.endswith(
        'strict decoding error: unknown field "metadata.unheard", unknown field "more", unknown field "spec.extra"'
    )
    twice = b'{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"colour":"red","colour":"green"}}'
    assert 'duplicate field "spec.colour"' in (await widgets("POST", WIDGETS, twice, fieldValidation="Strict")).message
    warned = await widgets("POST", WIDGETS, odd, fieldValidation="Warn")
    assert warned.status == 201 and 'unknown field \\"spec.extra\\"' in warned.headers["Warning"]
    assert "extra" not in warned.body["spec"] and "more" not in warned.body
    ignored = await widgets("POST", WIDGETS, odd | {"metadata": {"name": "b"}}, fieldValidation="Ignore")
    assert ignored.status == 201 and "Warning" not in ignored.headers
    patch = {"spec": {"nope": 1}}
    assert (await widgets("PATCH", f"{WIDGETS}/a", patch, content_type=MERGE, fieldValidation="Strict")).status == 400


async def test_status_has_a_door_of_its_own(widgets: Asker) -> None:
    made = (await widgets("POST", WIDGETS, a_widget())).body
    told = await widgets("PUT", f"{WIDGETS}/a/status", made | {"status": {"ready": True}, "spec": {"colour": "green"}})
    assert (told.body["status"], told.body["spec"]["colour"]) == ({"ready": True}, "red")
    assert told.body["metadata"]["generation"] == 1
    patched = await widgets("PATCH", f"{WIDGETS}/a", {"status": {"ready": False}}, content_type=MERGE)
    assert patched.body["status"] == {"ready": True}


async def test_scale(widgets: Asker) -> None:
    await widgets("POST", WIDGETS, a_widget(replicas=2))
    await widgets("PATCH", f"{WIDGETS}/a/status", {"status": {"replicas": 1, "selector": "a=b"}}, content_type=MERGE)
    scale = (await widgets("GET", f"{WIDGETS}/a/scale")).body
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 2},
        {"replicas": 1, "selector": "a=b"},
    )
    scaled = await widgets("PUT", f"{WIDGETS}/a/scale", scale | {"spec": {"replicas": 7}})
    assert scaled.status == 200 and scaled.body["spec"] == {"replicas": 7}
    found = (await widgets("GET", f"{WIDGETS}/a")).body
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (7, 2)
    negative = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"replicas": -1}}, content_type=MERGE)
    assert "should be a non-negative integer" in negative.message


async def test_patches(widgets: Asker) -> None:
    await widgets("POST", WIDGETS, a_widget(ports=[{"port": 80}]))
    added = await widgets(
        "PATCH",
        f"{WIDGETS}/a",
        [{"op": "add", "path": "/spec/ports/-", "value": {"port": 81}}],
        content_type=JSON_PATCH,
    )
    assert [one["port"] for one in added.body["spec"]["ports"]] == [80, 81]
    strategic = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"size": 1}}, content_type=STRATEGIC)
    assert strategic.status == 415 and "application/strategic-merge-patch+json" not in strategic.message
    invalid = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"size": 0}}, content_type=MERGE)
    assert "spec.size in body should be greater than or equal to 1" in invalid.message


async def test_apply_merges_by_the_schema(widgets: Asker) -> None:
    async def apply(manager: str, document: Any, **more: str) -> Any:
        return await widgets("PATCH", f"{WIDGETS}/a", document, content_type=APPLY, fieldManager=manager, **more)

    assert (await apply("one", a_widget(ports=[{"port": 80, "name": "x"}]))).status == 201
    both = await apply("two", {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"ports": [{"port": 81}]}})
    assert [one["port"] for one in both.body["spec"]["ports"]] == [80, 81]
    conflict = await apply("two", a_widget(colour="green", ports=[{"port": 81}]))
    assert (conflict.status, conflict.body["details"]["causes"][0]["field"]) == (409, ".spec.colour")
    assert 'conflict with "one"' in conflict.message
    forced = await apply("two", a_widget(colour="green", ports=[{"port": 81}]), force="true")
    assert forced.body["spec"]["colour"] == "green"
    gone = await apply("one", {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {}})
    assert [one["port"] for one in gone.body["spec"]["ports"]] == [81]
    fields = {one["manager"]: one["fieldsV1"] for one in gone.body["metadata"]["managedFields"]}
    assert 'k:{"port":81}' in fields["two"]["f:spec"]["f:ports"]


async def test_what_was_wrong_before_may_stay_wrong(widgets: Asker) -> None:
    """A schema that is made stricter does not lock objects in that are there already."""
    key = "/registry/example.com/widgets/default/a"
    made = (await widgets("POST", WIDGETS, a_widget())).body
    record = await widgets.api.store.get(key)
    assert record is not None
    await widgets.api.store.put(key, record.value.replace(b'"red"', b'"mauve"'), expected=record.revision)
    patched = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"size": 4}}, content_type=MERGE)
    assert (patched.status, patched.body["spec"]) == (200, {"colour": "mauve", "size": 4})
    worse = await widgets("PATCH", f"{WIDGETS}/a", {"spec": {"colour": "puce"}}, content_type=MERGE)
    assert worse.status == 422 and made["metadata"]["uid"] == patched.body["metadata"]["uid"]


async def test_lists_pages_selectors_and_collections(ask: Asker) -> None:
    await define(ask, a_definition(a_version(selectableFields=[{"jsonPath": ".spec.colour"}])))
    for index in range(5):
        document = a_widget(f"w{index}", colour="red" if index % 2 else "green")
        document["metadata"]["labels"] = {"odd": str(index % 2)}
        await ask("POST", WIDGETS, document)
    listed = (await ask("GET", WIDGETS)).body
    assert (listed["kind"], listed["apiVersion"], len(listed["items"])) == ("WidgetList", "example.com/v1", 5)
    page = (await ask("GET", WIDGETS, limit="2")).body
    assert page["metadata"]["remainingItemCount"] == 3
    following = (await ask("GET", WIDGETS, **{"limit": "2", "continue": page["metadata"]["continue"]})).body
    assert [one["metadata"]["name"] for one in following["items"]] == ["w2", "w3"]
    red = (await ask("GET", WIDGETS, fieldSelector="spec.colour=red")).body
    assert [one["metadata"]["name"] for one in red["items"]] == ["w1", "w3"]
    unknown = await ask("GET", WIDGETS, fieldSelector="spec.size=3")
    assert (unknown.status, unknown.message) == (400, "field label not supported: spec.size")
    assert len((await ask("DELETE", WIDGETS, labelSelector="odd=1")).body["items"]) == 2
    assert len((await ask("GET", "/apis/example.com/v1/widgets")).body["items"]) == 3


async def test_names_dry_runs_and_finalizers(widgets: Asker) -> None:
    document = a_widget()
    document["metadata"] = {"generateName": "made-", "finalizers": ["hold"]}
    dry = await widgets("POST", WIDGETS, document, dryRun="All")
    assert dry.status == 201 and (await widgets("GET", WIDGETS)).body["items"] == []
    made = await widgets("POST", WIDGETS, document)
    name = made.body["metadata"]["name"]
    assert name.startswith("made-") and "prefer a domain-qualified finalizer name" in made.headers["Warning"]
    held = await widgets("DELETE", f"{WIDGETS}/{name}")
    assert held.body["metadata"]["deletionTimestamp"]
    gone = await widgets("PATCH", f"{WIDGETS}/{name}", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert gone.status == 200 and (await widgets("GET", f"{WIDGETS}/{name}")).status == 404


async def test_tables_and_metadata_only(ask: Asker) -> None:
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How big."},
        {"name": "Ports", "type": "string", "jsonPath": ".spec.ports", "priority": 1},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    await define(ask, a_definition(a_version(additionalPrinterColumns=columns)))
    await ask("POST", WIDGETS, a_widget(ports=[{"port": 80}]))
    table = (await ask("GET", WIDGETS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")).body
    assert [(one["name"], one["priority"]) for one in table["columnDefinitions"]] == [
        ("Name", 0), ("Size", 0), ("Ports", 1), ("Since", 0),
    ]  # fmt: skip
    assert table["rows"][0]["cells"] == ["a", 3, '[{"port":80}]', "0s"]
    whole = (
        await ask("GET", WIDGETS, accept="application/json;as=Table;v=v1;g=meta.k8s.io", includeObject="Object")
    ).body
    assert whole["rows"][0]["object"]["metadata"]["resourceVersion"]
    partial = (
        await ask("GET", f"{WIDGETS}/a", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
    ).body
    assert (partial["kind"], partial["metadata"]["name"], "spec" in partial) == ("PartialObjectMetadata", "a", False)
    yaml = await ask("GET", f"{WIDGETS}/a", accept="application/yaml")
    assert b"colour: red" in yaml.body if isinstance(yaml.body, bytes) else "colour: red" in str(yaml.body)


async def test_rules_for_names(ask: Asker) -> None:
    schema = SCHEMA | {
        "properties": SCHEMA["properties"]
        | {"metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}}
    }
    await define(ask, a_definition(a_version(schema={"openAPIV3Schema": schema})))
    assert (await ask("POST", WIDGETS, a_widget("abc"))).status == 201
    assert (
        "metadata.name: Too long: may not be more than 3 bytes"
        in (await ask("POST", WIDGETS, a_widget("abcd"))).message
    )


async def test_cluster_wide_resources(ask: Asker) -> None:
    await define(ask, a_definition(scope="Cluster"))
    assert (await ask("POST", "/apis/example.com/v1/widgets", a_widget())).status == 201
    assert (await ask("GET", "/apis/example.com/v1/widgets/a")).status == 200
    assert (await ask("POST", WIDGETS, a_widget())).status == 404


@pytest.mark.parametrize("plural", ["services", "bindings", "namespaces", "events", "pods"])
async def test_a_name_that_a_built_in_resource_has_means_nothing_in_another_group(ask: Asker, plural: str) -> None:
    await define(ask, a_definition(plural=plural, kind="Widget"))
    path = f"/apis/example.com/v1/namespaces/default/{plural}"
    assert (await ask("POST", path, a_widget())).status == 201
    assert (await ask("GET", f"{path}/a")).status == 200
    assert (await ask("DELETE", f"{path}/a")).body["kind"] == "Status"
    assert (await ask("DELETE", path)).status == 200


async def test_a_plain_equals_sign_is_text_in_yaml(ask: Asker) -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"op": {"type": "string"}}}}}
    await define(ask, a_definition(a_version(schema={"openAPIV3Schema": schema})))
    body = b"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {op: =}\n"
    assert (await ask("POST", WIDGETS, body, content_type="application/yaml")).body["spec"] == {"op": "="}


async def test_there_is_no_protobuf_of_a_custom_resource(widgets: Asker) -> None:
    await widgets("POST", WIDGETS, a_widget())
    protobuf = "application/vnd.kubernetes.protobuf"
    for path, query in ((WIDGETS, []), (f"{WIDGETS}/a", []), (WIDGETS, [("watch", "1")])):
        told = await widgets.api.transport().request("GET", path, query=query, headers={"Accept": protobuf})
        assert told.status == 406
    assert (await widgets("GET", f"{WIDGETS}/a", accept=f"{protobuf},application/json")).body["kind"] == "Widget"
