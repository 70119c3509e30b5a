"""Get, list and watch: versions, pages, selectors, streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest

from controlplane.api.status import Expired
from controlplane.apiserver.server import ApiServer
from controlplane.kit.clock import SystemClock
from controlplane.testing import MemoryApi
from controlplane.testing.memory import default_settings
from tests.integration.apiserver.conftest import Asker, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"


@asynccontextmanager
async def watching(ask: Asker, path: str, accept: str = "application/json", **query: str) -> AsyncIterator[Any]:
    """Open a watch; the block is given a function that returns the next event."""
    pairs = [("watch", "1"), *query.items()]
    async with ask.api.transport().stream("GET", path, query=pairs, headers={"Accept": accept}) as lines:
        reader = aiter(lines)

        async def following() -> tuple[str, dict[str, Any]]:
            event = msgspec.json.decode(await anext(reader))
            return event["type"], event["object"]

        yield following


async def made(ask: Asker, *names: str, **metadata: Any) -> list[dict[str, Any]]:
    return [(await ask("POST", MAPS, config_map(name, **metadata))).body for name in names]


def names_in(body: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


async def test_list_has_no_kinds_inside(ask: Asker) -> None:
    await made(ask, "b", "a")
    body = (await ask("GET", MAPS)).body
    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert names_in(body) == ["a", "b"]
    assert set(body["items"][0]) == {"metadata", "data"}
    assert int(body["metadata"]["resourceVersion"]) >= int(body["items"][0]["metadata"]["resourceVersion"])


async def test_an_empty_list_is_a_list(ask: Asker) -> None:
    assert (await ask("GET", MAPS)).body["items"] == []


async def test_names_across_namespaces(ask: Asker) -> None:
    await made(ask, "a")
    assert names_in((await ask("GET", "/api/v1/configmaps")).body) == ["a"]
    assert names_in((await ask("GET", "/api/v1/namespaces/kube-system/configmaps")).body) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({"labelSelector": "app=web"}, ["a", "b"], id="label"),
        pytest.param({"labelSelector": "app in (web,db),tier!=back"}, ["a"], id="set and inequality"),
        pytest.param({"fieldSelector": "metadata.name=b"}, ["b"], id="name"),
        pytest.param({"fieldSelector": "metadata.name!=b"}, ["a"], id="not that name"),
    ],
)
async def test_selectors(ask: Asker, query: dict[str, str], found: list[str]) -> None:
    await made(ask, "a", labels={"app": "web"})
    await made(ask, "b", labels={"app": "web", "tier": "back"})
    assert names_in((await ask("GET", MAPS, **query)).body) == found


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("labelSelector=a b", 400, id="broken label selector"),
        pytest.param("fieldSelector=spec.nothing%3Da", 400, id="unknown field"),
        pytest.param("limit=many", 400, id="limit is no number"),
        pytest.param("resourceVersion=now", 400, id="version is no number"),
        pytest.param("resourceVersionMatch=Exact", 422, id="match without version"),
        pytest.param("resourceVersion=1&resourceVersionMatch=Nearly", 422, id="unknown match"),
        pytest.param("continue=!!", 400, id="broken token"),
    ],
)
async def test_bad_queries(ask: Asker, query: str, status: int) -> None:
    assert (await ask("GET", f"{MAPS}?{query.replace('%3D', '=')}")).status == status


async def test_pages_show_one_state(ask: Asker) -> None:
    await made(ask, "a", "b", "c", "d", "e")
    first = (await ask("GET", MAPS, limit="2")).body
    assert names_in(first) == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 3
    await ask("DELETE", f"{MAPS}/c")
    await made(ask, "cc")
    second = (await ask("GET", MAPS, **{"limit": "2", "continue": first["metadata"]["continue"]})).body
    assert names_in(second) == ["c", "d"], "as it was when the first page was read"
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    third = (await ask("GET", MAPS, **{"limit": "2", "continue": second["metadata"]["continue"]})).body
    assert names_in(third) == ["e"]
    assert "continue" not in third["metadata"]


async def test_pages_with_a_selector_do_not_count_the_rest(ask: Asker) -> None:
    await made(ask, "a", "b", "c", labels={"app": "web"})
    body = (await ask("GET", MAPS, limit="1", labelSelector="app=web")).body
    assert names_in(body) == ["a"]
    assert "remainingItemCount" not in body["metadata"]
    assert body["metadata"]["continue"]


async def test_a_page_whose_state_is_gone_is_410_with_a_way_on(ask: Asker) -> None:
    await made(ask, "a", "b", "c")
    first = (await ask("GET", MAPS, limit="1")).body
    await made(ask, "d")
    await ask("GET", MAPS)
    await ask.api.store.compact(await ask.api.store.revision())
    told = await ask("GET", MAPS, **{"limit": "1", "continue": first["metadata"]["continue"]})
    assert (told.status, told.reason) == (410, "Expired")
    assert told.message.startswith("The provided continue parameter is too old")
    on = await ask("GET", MAPS, **{"continue": told.body["metadata"]["continue"]})
    assert names_in(on.body) == ["b", "c", "d"]


async def test_exact_and_not_older_than(ask: Asker) -> None:
    before = (await made(ask, "a"))[0]["metadata"]["resourceVersion"]
    await made(ask, "b")
    exact = await ask("GET", MAPS, resourceVersion=before, resourceVersionMatch="Exact")
    assert names_in(exact.body) == ["a"]
    assert exact.body["metadata"]["resourceVersion"] == before
    newer = await ask("GET", MAPS, resourceVersion=before, resourceVersionMatch="NotOlderThan")
    assert names_in(newer.body) == ["a", "b"]
    assert names_in((await ask("GET", MAPS, resourceVersion="0")).body) == ["a", "b"]


async def test_partial_metadata(ask: Asker) -> None:
    await made(ask, "a")
    body = (await ask("GET", MAPS, accept=PARTIAL)).body
    assert body["kind"] == "PartialObjectMetadataList"
    assert set(body["items"][0]) == {"metadata"}


async def test_table(ask: Asker) -> None:
    await ask("POST", PODS, pod())
    table = (await ask("GET", PODS, accept=TABLE)).body
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]][:3] == ["Name", "Ready", "Status"]
    assert table["rows"][0]["cells"][0] == "web"
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"].isdigit()
    assert (await ask("GET", PODS, accept=TABLE, includeObject="Everything")).status == 400


async def test_a_long_table_is_one_document(ask: Asker) -> None:
    await asyncio.gather(*(ask("POST", MAPS, config_map(f"m{number:03}")) for number in range(450)))
    table = (await ask("GET", MAPS, accept=TABLE)).body
    assert [row["cells"][0] for row in table["rows"]] == [f"m{number:03}" for number in range(450)]


async def test_a_watched_table_names_its_columns_once(ask: Asker) -> None:
    async with watching(ask, MAPS, accept=TABLE) as following:
        await made(ask, "a", "b")
        (_, first), (_, second) = [await following() for _ in range(2)]
    assert first["columnDefinitions"]
    assert second["columnDefinitions"] is None
    assert second["rows"][0]["cells"][0] == "b"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        pytest.param("application/vnd.kubernetes.protobuf,application/json", 200, id="client-go"),
        pytest.param("application/vnd.kubernetes.protobuf", 200, id="protobuf only"),
        pytest.param("*/*", 200, id="curl"),
        pytest.param("text/html", 406, id="browser of old"),
    ],
)
async def test_accepted_forms(ask: Asker, accept: str, status: int) -> None:
    assert (await ask("GET", MAPS, accept=accept)).status == status


async def test_a_large_list_arrives_whole(ask: Asker) -> None:
    data = {"blob": "x" * 20_000}
    for number in range(40):
        await ask("POST", MAPS, config_map(f"m{number:02}", data))
    body = (await ask("GET", MAPS)).body
    assert names_in(body) == [f"m{number:02}" for number in range(40)]


async def test_watch_shows_each_change_once_in_order(ask: Asker) -> None:
    start = (await ask("GET", MAPS)).body["metadata"]["resourceVersion"]
    async with watching(ask, MAPS, resourceVersion=start) as following:
        await made(ask, "a")
        await ask("PATCH", f"{MAPS}/a", {"data": {"key": "2"}}, content_type=MERGE)
        last = (await ask("GET", f"{MAPS}/a")).body["metadata"]["resourceVersion"]
        await ask("DELETE", f"{MAPS}/a")
        seen = [await following() for _ in range(3)]
    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[1][1]["metadata"]["resourceVersion"] == last
    assert int(seen[2][1]["metadata"]["resourceVersion"]) > int(last), "a deletion has a version of its own"
    assert seen[2][1]["data"] == {"key": "2"}


async def test_watch_from_the_past(ask: Asker) -> None:
    first = (await made(ask, "a"))[0]["metadata"]["resourceVersion"]
    await made(ask, "b")
    async with watching(ask, MAPS, resourceVersion=first) as following:
        kind, obj = await following()
    assert (kind, obj["metadata"]["name"]) == ("ADDED", "b")


async def test_watch_without_a_version_begins_with_what_is_there(ask: Asker) -> None:
    await made(ask, "a")
    async with watching(ask, MAPS) as following:
        assert (await following())[1]["metadata"]["name"] == "a"
        await made(ask, "b")
        assert (await following())[1]["metadata"]["name"] == "b"


async def test_initial_events_end_with_a_bookmark(ask: Asker) -> None:
    await made(ask, "a")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with watching(ask, MAPS, **query) as following:
        assert (await following())[0] == "ADDED"
        kind, obj = await following()
    assert kind == "BOOKMARK"
    assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert obj["kind"] == "ConfigMap"


async def test_what_begins_or_ceases_to_match_is_added_or_deleted(ask: Asker) -> None:
    start = (await made(ask, "a"))[0]["metadata"]["resourceVersion"]

    async def label(value: str | None) -> None:
        await ask("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"app": value}}}, content_type=MERGE)

    async with watching(ask, MAPS, resourceVersion=start, labelSelector="app=web") as following:
        await label("db")
        await label("web")
        await label("db")
        seen = [await following() for _ in range(2)]
    assert [kind for kind, _ in seen] == ["ADDED", "DELETED"]
    assert seen[1][1]["metadata"]["labels"] == {"app": "web"}, "as it last matched"


async def test_watch_of_one_field(ask: Asker) -> None:
    async with watching(ask, PODS, resourceVersion="0", fieldSelector="spec.nodeName=node-1") as following:
        await ask("POST", PODS, pod("other"))
        bound = pod("mine")
        bound["spec"]["nodeName"] = "node-1"
        await ask("POST", PODS, bound)
        kind, obj = await following()
    assert (kind, obj["metadata"]["name"]) == ("ADDED", "mine")


async def test_a_watch_ends_in_time(ask: Asker) -> None:
    async with watching(ask, MAPS, timeoutSeconds="1") as following:
        with pytest.raises(StopAsyncIteration):
            async with asyncio.timeout(5):
                await following()


@asynccontextmanager
async def restarted(ask: Asker) -> AsyncIterator[Asker]:
    """Yield the way to ask a second server over the same store."""
    async with ApiServer.running(ask.api.store, default_settings(), SystemClock(), Random(2)) as server:
        yield Asker(MemoryApi(server, ask.api.store))


async def test_a_version_that_is_too_old_is_410(ask: Asker) -> None:
    await made(ask, "a")
    store = ask.api.store
    await store.compact(await store.revision())
    async with restarted(ask) as ask_again:
        with pytest.raises(Expired, match=r"too old resource version: 1 \(\d+\)"):
            async with watching(ask_again, MAPS, resourceVersion="1"):
                pass


async def test_a_watch_goes_on_where_it_was_before_the_server_was_restarted(ask: Asker) -> None:
    (first,) = await made(ask, "a")
    began = first["metadata"]["resourceVersion"]
    await ask("PATCH", f"{MAPS}/a", {"data": {"k": "v"}}, content_type=MERGE)
    await ask("DELETE", f"{MAPS}/a")
    await made(ask, "b")
    async with restarted(ask) as ask_again, watching(ask_again, MAPS, resourceVersion=began) as following:
        seen = [await following() for _ in range(3)]
    assert [(type_, item["metadata"]["name"]) for type_, item in seen] == [
        ("MODIFIED", "a"),
        ("DELETED", "a"),
        ("ADDED", "b"),
    ]


async def test_a_watch_that_ends_says_how_far_it_has_seen(ask: Asker) -> None:
    await made(ask, "a")
    async with watching(ask, MAPS, resourceVersion="0", allowWatchBookmarks="true") as following:
        assert (await following())[0] == "ADDED"
        node = await ask("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
        await ask.api.server.cache.fresh()
        ask.api.server.stop()
        type_, bookmark = await following()
    assert (type_, bookmark["metadata"]["resourceVersion"]) == ("BOOKMARK", node.body["metadata"]["resourceVersion"])


async def test_a_version_of_the_future_is_a_timeout(ask: Asker) -> None:
    told = await ask("GET", MAPS, resourceVersion="999999", resourceVersionMatch="Exact")
    assert told.status == 504
    assert told.message.startswith("Too large resource version: 999999, current: ")
    assert told.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api/v1/nothing", 404, id="unknown resource"),
        pytest.param("GET", "/apis/apps/v2/deployments", 404, id="unknown version"),
        pytest.param("GET", "/api/v1/namespaces/default/nodes", 404, id="a node is in no namespace"),
        pytest.param("GET", "/nothing", 404, id="unknown path"),
        pytest.param("POST", "/api/v1/configmaps", 405, id="create needs a namespace"),
        pytest.param("POST", f"{MAPS}/a", 405, id="create with a name"),
        pytest.param("PUT", MAPS, 405, id="update of a collection"),
        pytest.param("DELETE", "/api/v1/namespaces", 405, id="all namespaces"),
        pytest.param("GET", "/api/v1/namespaces/default/bindings", 405, id="bindings are only made"),
        pytest.param("GET", f"{MAPS}/a/status", 404, id="unknown subresource"),
        pytest.param("BREW", MAPS, 405, id="unknown method"),
        pytest.param("POST", "/version", 405, id="version is only read"),
    ],
)
async def test_paths_and_methods(ask: Asker, method: str, path: str, status: int) -> None:
    told = await ask(method, path, {} if method in ("POST", "PUT") else None)
    assert told.status == status
    assert told.body["kind"] == "Status"


async def test_discovery(ask: Asker) -> None:
    assert (await ask("GET", "/api")).body["versions"] == ["v1"]
    groups = [group["name"] for group in (await ask("GET", "/apis")).body["groups"]]
    assert groups[:2] == ["apiregistration.k8s.io", "apps"]
    assert "authorization.k8s.io" in groups
    resources = {one["name"]: one for one in (await ask("GET", "/api/v1")).body["resources"]}
    assert resources["pods"]["shortNames"] == ["po"]
    assert resources["pods/eviction"]["group"] == "policy"
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    told = await ask("GET", "/apis", accept=accept)
    assert told.headers["Content-Type"] == accept.partition(",")[0]
    assert [one["metadata"]["name"] for one in told.body["items"]] == groups
    assert told.body["items"][1]["versions"][0]["resources"][0]["resource"] == "controllerrevisions"


async def test_health_and_metrics(ask: Asker) -> None:
    assert (await ask("GET", "/livez")).body == "ok"
    assert "[+]etcd ok" in (await ask("GET", "/readyz", verbose="")).body
    assert (await ask("GET", "/readyz/etcd")).body == "ok"
    assert (await ask("GET", "/readyz/nothing")).status == 404
    metrics = (await ask("GET", "/metrics")).body
    for name in (
        'apiserver_request_total{code="200",component="apiserver"',
        "apiserver_request_duration_seconds_bucket",
        'apiserver_current_inflight_requests{request_kind="readOnly"}',
        "etcd_request_duration_seconds_bucket",
        "kubernetes_build_info",
        "process_resident_memory_bytes",
        "go_goroutines",
    ):
        assert name in metrics


async def test_watches_end_when_the_server_stops(ask: Asker) -> None:
    async with watching(ask, MAPS, resourceVersion="0") as following:
        ask.api.server.stop()
        with pytest.raises(StopAsyncIteration):
            async with asyncio.timeout(5):
                await following()
    assert "[-]shutdown failed" in (await ask("GET", "/readyz")).body
    assert (await ask("GET", "/livez")).body == "ok", "nobody should kill what is stopping"


async def test_the_root_lists_every_path_that_is_no_resource(ask: Asker) -> None:
    paths = (await ask("GET", "/")).body["paths"]
    assert paths == sorted(paths)
    assert {"/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/livez/ping", "/metrics"} < set(
        paths
    )
    statuses = {path: (await ask("GET", path, accept="*/*")).status for path in paths}
    assert {path: status for path, status in statuses.items() if status != 200} == {}


@pytest.mark.parametrize("path", ["/openid/v1/jwks", "/.well-known/openid-configuration"])
async def test_who_verifies_tokens_may_keep_the_keys_for_an_hour(ask: Asker, path: str) -> None:
    for _ in range(2):
        assert (await ask("GET", path)).headers["Cache-Control"] == "public, max-age=3600"
