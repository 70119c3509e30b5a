"""Create, update, patch and delete, as a client sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.apiserver.conftest import Asker, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


async def test_create_answers_with_the_stored_object(ask: Asker) -> None:
    made = await ask("POST", PODS, pod())
    assert made.status == 201
    metadata = made.body["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["resourceVersion"].isdigit()
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert made.body["spec"]["restartPolicy"] == "Always"
    assert made.body["status"]["phase"] == "Pending"
    got = await ask("GET", f"{PODS}/web")
    assert got.body == made.body


async def test_create_twice_is_already_exists(ask: Asker) -> None:
    await ask("POST", MAPS, config_map())
    again = await ask("POST", MAPS, config_map())
    assert (again.status, again.reason) == (409, "AlreadyExists")
    assert again.message == 'configmaps "cm" already exists'


async def test_generate_name_avoids_what_is_there(ask: Asker) -> None:
    names = {(await ask("POST", MAPS, config_map("", generateName="x-"))).body["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("x-") and len(name) == 7 for name in names)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "says"),
    [
        pytest.param(b'{"kind": "ConfigMap", ', "application/json", 400, "couldn't get version/kind", id="half a body"),
        pytest.param(b"[]", "application/json", 400, "unrecognized", id="a list"),
        pytest.param(
            b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", 400, "unrecognized", id="broken protobuf"
        ),
        pytest.param(b"a: [", "application/yaml", 400, "yaml", id="broken YAML"),
        pytest.param(b"{}", "text/html", 415, "unknown format", id="HTML"),
        pytest.param(config_map("Not_A_Name"), "application/json", 422, "metadata.name: Invalid value", id="bad name"),
        pytest.param(config_map(""), "application/json", 422, "name or generateName is required", id="no name"),
        pytest.param(pod(), "application/json", 400, "cannot be handled as a ConfigMap", id="another kind"),
        pytest.param(
            {**config_map(), "apiVersion": "v2"}, "application/json", 400, "does not match", id="another version"
        ),
        pytest.param(
            config_map(namespace="other"), "application/json", 400, "namespace of the provided object", id="elsewhere"
        ),
        pytest.param(
            config_map(resourceVersion="5"), "application/json", 400, "resourceVersion should not be set", id="old"
        ),
        pytest.param({**config_map(), "data": {"a": 5}}, "application/json", 400, "cannot unmarshal number", id="type"),
    ],
)
async def test_bad_bodies(ask: Asker, body: Any, content_type: str, status: int, says: str) -> None:
    told = await ask("POST", MAPS, body, content_type=content_type)
    assert told.status == status
    assert says in told.message


@pytest.mark.parametrize(
    ("validation", "status", "warnings"),
    [
        pytest.param("Strict", 400, "", id="strict refuses"),
        pytest.param("Warn", 201, '299 - "unknown field \\"foo\\""', id="warn says so in a header"),
        pytest.param("Ignore", 201, "", id="ignore drops silently"),
        pytest.param("Sometimes", 422, "", id="there is no such mode"),
    ],
)
async def test_unknown_fields(ask: Asker, validation: str, status: int, warnings: str) -> None:
    told = await ask("POST", MAPS, {**config_map(), "foo": 1}, fieldValidation=validation)
    assert told.status == status
    assert told.headers.get("Warning", "") == warnings
    if validation == "Strict":
        assert 'strict decoding error: unknown field "foo"' in told.message


async def test_a_warning_fits_in_a_header_whatever_a_field_is_called(ask: Asker) -> None:
    told = await ask("POST", MAPS, {**config_map(), "a\r\nSet-Cookie: b\x00": 1}, fieldValidation="Warn")
    assert told.status == 201
    assert told.headers["Warning"] == '299 - "unknown field \\"a  Set-Cookie: b \\""'


async def test_warnings_without_end_are_cut(ask: Asker) -> None:
    told = await ask("POST", MAPS, {**config_map(), **{f"{n:03}" + "x" * 1000: 1 for n in range(50)}})
    assert told.status == 201
    assert 4096 <= len(told.headers["Warning"]) < 5000
    assert told.headers["Warning"].count("299 - ") == 16


async def test_yaml_in_and_out(ask: Asker) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata:\n  a: b\n"
    told = await ask("POST", MAPS, body, content_type="application/yaml", accept="application/yaml")
    assert told.status == 201
    assert told.headers["Content-Type"] == "application/yaml"
    assert "kind: ConfigMap" in told.body


async def test_dry_run_writes_nothing(ask: Asker) -> None:
    told = await ask("POST", MAPS, config_map(), dryRun="All")
    assert told.status == 201
    assert "resourceVersion" not in told.body["metadata"]
    assert (await ask("GET", f"{MAPS}/cm")).status == 404
    assert (await ask("POST", MAPS, config_map(), dryRun="Some")).status == 422


async def test_update_needs_the_newest_version(ask: Asker) -> None:
    first = (await ask("POST", MAPS, config_map())).body
    second = (await ask("PUT", f"{MAPS}/cm", {**first, "data": {"key": "2"}})).body
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    stale = await ask("PUT", f"{MAPS}/cm", {**first, "data": {"key": "3"}})
    assert (stale.status, stale.reason) == (409, "Conflict")
    assert stale.message == (
        'Operation cannot be fulfilled on configmaps "cm": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    unconditional = await ask("PUT", f"{MAPS}/cm", config_map(data={"key": "4"}))
    assert unconditional.status == 200


async def test_an_update_that_changes_nothing_is_not_written(ask: Asker) -> None:
    made = (await ask("POST", MAPS, config_map())).body
    told = await ask("PUT", f"{MAPS}/cm", made)
    assert told.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param({"name": "other"}, 400, "does not match the name on the URL (cm)", id="another name"),
        pytest.param({"uid": "other"}, 409, "Precondition failed: UID in precondition: other", id="another uid"),
        pytest.param({"namespace": "other"}, 400, "does not match the namespace", id="another namespace"),
    ],
)
async def test_update_of_something_else(ask: Asker, change: dict[str, str], status: int, says: str) -> None:
    made = (await ask("POST", MAPS, config_map())).body
    told = await ask("PUT", f"{MAPS}/cm", {**made, "metadata": {**made["metadata"], **change}})
    assert told.status == status
    assert says in told.message


async def test_put_creates_only_where_the_kind_allows_it(ask: Asker) -> None:
    assert (await ask("PUT", f"{MAPS}/cm", config_map())).status == 404
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    assert (await ask("PUT", f"{leases}/l", lease)).status == 201


async def test_concurrent_patches_all_happen(ask: Asker) -> None:
    await ask("POST", MAPS, config_map())
    patches = [{"data": {f"k{n}": "v"}} for n in range(30)]
    told = await asyncio.gather(*(ask("PATCH", f"{MAPS}/cm", patch, content_type=MERGE) for patch in patches))
    assert {one.status for one in told} == {200}
    assert len((await ask("GET", f"{MAPS}/cm")).body["data"]) == 31


async def test_patch_with_a_stale_version_is_a_conflict(ask: Asker) -> None:
    await ask("POST", MAPS, config_map())
    told = await ask("PATCH", f"{MAPS}/cm", {"metadata": {"resourceVersion": "1"}}, content_type=MERGE)
    assert told.status == 409
    assert (await ask("PATCH", f"{MAPS}/cm", {}, content_type="application/json")).status == 415


async def test_status_is_written_through_its_subresource_only(ask: Asker) -> None:
    made = (await ask("POST", PODS, pod())).body
    changed = {**made, "status": {"phase": "Running"}}
    assert (await ask("PUT", f"{PODS}/web", changed)).body["status"]["phase"] == "Pending"
    told = await ask("PUT", f"{PODS}/web/status", changed)
    assert told.body["status"]["phase"] == "Running"


async def test_scale(ask: Asker) -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": pod()["spec"]},
        },
    }
    path = "/apis/apps/v1/namespaces/default/deployments"
    assert (await ask("POST", path, deployment)).status == 201
    scale = (await ask("GET", f"{path}/d/scale")).body
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["selector"]) == ("Scale", 1, "app=d")
    told = await ask("PATCH", f"{path}/d/scale", {"spec": {"replicas": 3}}, content_type=MERGE)
    assert told.body["spec"]["replicas"] == 3
    after = (await ask("GET", f"{path}/d")).body
    assert (after["spec"]["replicas"], after["metadata"]["generation"]) == (3, 2)


async def test_binding_gives_a_pod_its_node_once(ask: Asker) -> None:
    await ask("POST", PODS, pod())
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "web"},
        "target": {"kind": "Node", "name": "node-1"},
    }
    told = await ask("POST", f"{PODS}/web/binding", binding)
    assert (told.status, told.body["status"]) == (201, "Success")
    bound = (await ask("GET", f"{PODS}/web")).body
    assert bound["spec"]["nodeName"] == "node-1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    again = await ask("POST", "/api/v1/namespaces/default/bindings", binding)
    assert (again.status, again.reason) == (409, "Conflict")


async def test_delete_of_a_plain_object_says_that_it_is_gone(ask: Asker) -> None:
    made = (await ask("POST", MAPS, config_map())).body
    told = await ask("DELETE", f"{MAPS}/cm")
    assert told.body["status"] == "Success"
    assert told.body["details"] == {"name": "cm", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    gone = await ask("DELETE", f"{MAPS}/cm")
    assert (gone.status, gone.message) == (404, 'configmaps "cm" not found')


async def test_preconditions_of_a_delete(ask: Asker) -> None:
    await ask("POST", MAPS, config_map())
    for wanted in ({"uid": "x"}, {"resourceVersion": "1"}):
        told = await ask("DELETE", f"{MAPS}/cm", {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": wanted})
        assert (told.status, told.reason) == (409, "Conflict")


async def test_finalizers_hold_an_object(ask: Asker) -> None:
    await ask("POST", MAPS, config_map(finalizers=["example.com/hold"]))
    told = await ask("DELETE", f"{MAPS}/cm")
    assert told.body["metadata"]["deletionTimestamp"]
    assert (await ask("GET", f"{MAPS}/cm")).status == 200
    last = await ask("PATCH", f"{MAPS}/cm", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert last.status == 200
    assert (await ask("GET", f"{MAPS}/cm")).status == 404


@pytest.mark.parametrize(
    ("policy", "status", "finalizers"),
    [
        pytest.param("Foreground", 202, ["foregroundDeletion"], id="foreground"),
        pytest.param("Orphan", 200, ["orphan"], id="orphan"),
    ],
)
async def test_propagation_leaves_the_garbage_collector_its_finalizer(
    ask: Asker, policy: str, status: int, finalizers: list[str]
) -> None:
    await ask("POST", MAPS, config_map())
    told = await ask("DELETE", f"{MAPS}/cm", propagationPolicy=policy)
    assert told.status == status
    assert told.body["metadata"]["finalizers"] == finalizers


async def test_a_pod_on_a_node_ends_gracefully(ask: Asker) -> None:
    bound = pod()
    bound["spec"]["nodeName"] = "node-1"
    await ask("POST", PODS, bound)
    told = await ask("DELETE", f"{PODS}/web")
    assert told.body["metadata"]["deletionGracePeriodSeconds"] == 30
    shorter = await ask("DELETE", f"{PODS}/web", gracePeriodSeconds="5")
    assert shorter.body["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await ask("DELETE", f"{PODS}/web", gracePeriodSeconds="0")).body["kind"] == "Pod"
    assert (await ask("GET", f"{PODS}/web")).status == 404


async def test_eviction_deletes(ask: Asker) -> None:
    await ask("POST", PODS, pod())
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}
    assert (await ask("POST", f"{PODS}/web/eviction", body)).status == 201
    assert (await ask("GET", f"{PODS}/web")).status == 404


async def test_a_collection_is_deleted_by_selector(ask: Asker) -> None:
    for name in ("a", "b", "c"):
        await ask("POST", MAPS, config_map(name, labels={"keep": str(name == "c").lower()}))
    told = await ask("DELETE", MAPS, labelSelector="keep=false")
    assert [item["metadata"]["name"] for item in told.body["items"]] == ["a", "b"]
    left = (await ask("GET", MAPS)).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["c"]


async def test_a_namespace_ends_through_finalize(ask: Asker) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    await ask("POST", "/api/v1/namespaces", body)
    told = await ask("DELETE", "/api/v1/namespaces/shop")
    assert told.body["status"]["phase"] == "Terminating"
    refused = await ask("POST", "/api/v1/namespaces/shop/configmaps", config_map())
    assert refused.status == 403
    ending = {**told.body, "spec": {"finalizers": []}}
    assert (await ask("PUT", "/api/v1/namespaces/shop/finalize", ending)).status == 200
    assert (await ask("GET", "/api/v1/namespaces/shop")).status == 404


async def test_events_have_two_faces_and_one_place(ask: Asker) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "note": "it happened",
        "reason": "Happened",
        "type": "Normal",
        "action": "Watch",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.com/test",
        "reportingInstance": "test-1",
    }
    told = await ask("POST", "/apis/events.k8s.io/v1/namespaces/default/events", event)
    assert told.status == 201, told.body
    core = (await ask("GET", "/api/v1/namespaces/default/events/e")).body
    assert core["apiVersion"] == "v1"
    assert core["message"] == "it happened"
    assert core["involvedObject"]["name"] == "web"
    found = await ask("GET", "/api/v1/namespaces/default/events", fieldSelector="involvedObject.name=web")
    assert len(found.body["items"]) == 1
    new = (await ask("GET", "/apis/events.k8s.io/v1/events")).body["items"][0]
    assert new["note"] == "it happened"


async def test_services_are_given_addresses(ask: Asker) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"a": "b"}},
    }
    told = await ask("POST", "/api/v1/namespaces/default/services", service)
    assert told.status == 201, told.body
    assert told.body["spec"]["clusterIP"].startswith("10.")
    assert 30000 <= told.body["spec"]["ports"][0]["nodePort"] <= 32767
    kubernetes = (await ask("GET", "/api/v1/namespaces/default/services/kubernetes")).body
    assert kubernetes["spec"]["clusterIP"] == "10.96.0.1"


APPLY = "application/apply-patch+yaml"


async def test_apply_creates_then_changes(ask: Asker) -> None:
    path = f"{MAPS}/cm"
    first = await ask("PATCH", path, config_map(data={"a": "1", "b": "1"}), content_type=APPLY, fieldManager="me")
    assert first.status == 201
    assert first.body["metadata"]["managedFields"][0]["operation"] == "Apply"
    again = await ask("PATCH", path, config_map(data={"a": "1", "b": "1"}), content_type=APPLY, fieldManager="me")
    assert again.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"], "nothing to write"
    less = await ask("PATCH", path, config_map(data={"a": "2"}), content_type=APPLY, fieldManager="me")
    assert (less.status, less.body["data"]) == (200, {"a": "2"})


async def test_apply_respects_what_others_manage(ask: Asker) -> None:
    path = f"{MAPS}/cm"
    await ask("POST", MAPS, config_map(data={"a": "1"}), fieldManager="first")
    told = await ask("PATCH", path, config_map(data={"a": "2"}), content_type=APPLY, fieldManager="second")
    assert (told.status, told.reason) == (409, "Conflict")
    assert '"first"' in told.message
    forced = await ask(
        "PATCH", path, config_map(data={"a": "2"}), content_type=APPLY, fieldManager="second", force="true"
    )
    assert (forced.status, forced.body["data"]) == (200, {"a": "2"})


async def test_apply_says_who(ask: Asker) -> None:
    told = await ask("PATCH", f"{MAPS}/cm", config_map(), content_type=APPLY)
    assert (told.status, "fieldManager: Required value" in told.message) == (422, True)


async def test_every_write_notes_its_manager(ask: Asker) -> None:
    made = await ask("POST", PODS, pod(), fieldManager="maker")
    entries = made.body["metadata"]["managedFields"]
    assert [(entry["manager"], entry["operation"]) for entry in entries] == [("maker", "Update")]
    assert "f:status" not in entries[0]["fieldsV1"]
    told = await ask(
        "PATCH", f"{PODS}/web/status", {"status": {"reason": "x"}}, content_type=MERGE, fieldManager="node"
    )
    assert [(entry["manager"], entry.get("subresource")) for entry in told.body["metadata"]["managedFields"]] == [
        ("maker", None),
        ("node", "status"),
    ]


async def test_an_update_that_changes_nothing_is_of_the_newest_version_all_the_same(ask: Asker) -> None:
    made = await ask("POST", MAPS, config_map(data={"a": "1"}))
    changed = await ask("PATCH", f"{MAPS}/cm", {"data": {"a": "2"}}, content_type=MERGE)
    # What is sent is what the cache may still hold: only the store knows better.
    stale = await ask("PUT", f"{MAPS}/cm", made.body)
    assert (stale.status, stale.reason) == (409, "Conflict")
    same = await ask("PUT", f"{MAPS}/cm", changed.body)
    assert same.body["metadata"]["resourceVersion"] == changed.body["metadata"]["resourceVersion"]
