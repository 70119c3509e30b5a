"""kubectl and plain HTTP through the API server to an extension API server."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.pki.issue import Leaf, issue
from tests.fakes.extension import GROUP, PATH
from tests.integration.aggregation.conftest import ADDRESS, NAME, World, a_slice
from tests.integration.apiserver.test_kubectl import kubectl

FRUITS = f"{PATH}/namespaces/default/fruits"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
APPLE = {"apiVersion": f"{GROUP}/v1", "kind": "Fruit", "metadata": {"name": "apple"}, "colour": "red"}


@pytest.fixture
async def session(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_of(world, Leaf("jane", ("dev", "system:masters"))) as session:
        yield session


def session_of(world: World, leaf: Leaf) -> aiohttp.ClientSession:
    tls = ssl.create_default_context(cafile=str(world.api.ca_file))
    tls.load_cert_chain(*world.api.write_pair("caller", issue(leaf, world.api.authority, world.api.clock.now())))
    return aiohttp.ClientSession(world.api.url, connector=aiohttp.TCPConnector(ssl=tls))


async def test_kubectl_uses_a_resource_of_another_server(world: World) -> None:
    await world.register()
    await world.available()
    code, said = await kubectl(world.api, "create", "--validate=false", "-f", "-", stdin=json.dumps(APPLE))
    assert (code, said) == (0, f"fruit.{GROUP}/apple created\n")
    assert await kubectl(world.api, "get", "fr", "apple", "-o", "jsonpath={.colour}") == (0, "red")
    code, said = await kubectl(world.api, "get", "fruits", "pear")
    assert (code, said) == (1, f'Error from server (NotFound): fruits.{GROUP} "pear" not found\n')
    code, said = await kubectl(world.api, "explain", "fruit.colour")
    assert (code, "What one sees." in said) == (0, True), said
    assert (await kubectl(world.api, "delete", "fruit", "apple"))[0] == 0


async def test_a_watch_flows(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    async with asyncio.timeout(10), session.get(FRUITS, params={"watch": "1"}) as watch:
        async with session.post(FRUITS, json=APPLE) as made:
            assert made.status == 201
        event = json.loads(await watch.content.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "apple")


async def test_the_extension_is_told_who_calls(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    forged = {"X-Remote-User": "root", "X-Remote-Group": "root", "X-Remote-Extra-A": "b"}
    async with session.get(f"{FRUITS}?limit=500", headers=forged) as answer:
        assert answer.status == 200
    call = [one for one in world.extension.callers if one["user"] == "jane"][-1]
    assert (call["path"], call["user"]) == (f"{FRUITS}?limit=500", "jane")
    assert call["groups"] == ["dev", "system:masters", "system:authenticated"]
    assert {name.lower() for name in call["extra"]} == {"x-remote-extra-authentication.kubernetes.io%2fcredential-id"}
    assert call["authorization"] is None


async def test_an_upgrade_goes_through(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    async with asyncio.timeout(10), session.ws_connect(f"{FRUITS}/apple/connect") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello!"
    call = [one for one in world.extension.callers if one["user"] == "jane"][-1]
    assert (call["user"], call["authorization"]) == ("jane", None)


async def test_nobody_is_sent_elsewhere(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    async with session.get(f"{FRUITS}/apple/elsewhere", allow_redirects=False) as answer:
        assert answer.status == 502
        assert await answer.text() == "the backend attempted to redirect this request, which is not permitted\n"


async def test_who_may_not_is_refused_here(world: World) -> None:
    await world.register()
    await world.available()
    world.extension.callers.clear()
    async with session_of(world, Leaf("joe")) as session, session.get(FRUITS) as answer:
        told = await answer.json()
    assert (answer.status, told["reason"]) == (403, "Forbidden")
    assert not [call for call in world.extension.callers if call["user"] == "joe"]


@pytest.mark.parametrize(
    ("made", "reason", "message"),
    [
        pytest.param({"service": False, "slices": False}, "ServiceNotFound",
                     'service/fruit in "default" is not present', id="no service"),
        pytest.param({"port": 444}, "ServicePortError",
                     'service/fruit in "default" is not listening on port 444', id="other port"),
        pytest.param({"slices": False}, "EndpointsNotFound",
                     'cannot find endpointslices for service/fruit in "default"', id="no endpoints"),
    ],
)  # fmt: skip
async def test_conditions(
    world: World, session: aiohttp.ClientSession, made: dict[str, Any], reason: str, message: str
) -> None:
    await world.register(**made)
    condition = await world.condition(NAME, lambda one: one.status == "False")
    assert (condition.reason, condition.message) == (reason, message)
    async with session.get(FRUITS) as answer:
        assert (answer.status, await answer.text()) == (503, "service unavailable\n")
    async with session.get("/metrics") as answer:
        assert f'aggregator_unavailable_apiservice{{name="{NAME}"}} 1.0' in await answer.text()


async def test_a_server_that_comes_is_noticed_at_once(world: World) -> None:
    await world.register(slices=False)
    await world.condition(NAME, lambda one: one.reason == "EndpointsNotFound")
    client = world.api.memory.client()
    await client.create(a_slice())
    await world.available()
    await client.delete(EndpointSlice, "fruit-1", "default")
    await world.condition(NAME, lambda one: one.reason == "EndpointsNotFound")
    await client.delete(Service, "fruit", "default")
    await world.condition(NAME, lambda one: one.reason == "ServiceNotFound")


async def test_a_server_that_fails(world: World, session: aiohttp.ClientSession) -> None:
    world.extension.healthy = False
    await world.register()
    condition = await world.condition(NAME, lambda one: one.reason == "FailedDiscoveryCheck")
    url = f"https://{ADDRESS}:8443{PATH}"
    assert condition.message == f"failing or missing response from {url}: bad status from {url}: 500"
    async with session.get("/apis", headers={"Accept": AGGREGATED}) as answer:
        groups = {item["metadata"]["name"]: item for item in (await answer.json())["items"]}
    assert groups[GROUP]["versions"] == [{"version": "v1", "freshness": "Stale"}]
    world.extension.healthy = True
    await world.available()


async def test_a_server_whose_certificate_is_somebody_elses(world: World) -> None:
    await world.register()
    await world.available()
    client = world.api.memory.client()
    await client.patch(APIService, NAME, {"spec": {"caBundle": None}})
    condition = await world.condition(NAME, lambda one: one.reason == "FailedDiscoveryCheck")
    assert "certificate verify failed" in condition.message
    await client.patch(APIService, NAME, {"spec": {"insecureSkipTLSVerify": True}})
    await world.available()


@pytest.mark.parametrize("aggregated", [True, False], ids=["in the new form", "in the old form"])
async def test_discovery(world: World, session: aiohttp.ClientSession, aggregated: bool) -> None:
    world.extension.aggregated = aggregated
    await world.register()
    await world.available()
    async with asyncio.timeout(10):
        while True:
            async with session.get("/apis", headers={"Accept": AGGREGATED}) as answer:
                groups = {item["metadata"]["name"]: item for item in (await answer.json())["items"]}
                etag = answer.headers["ETag"]
            if GROUP in groups:
                break
            await asyncio.sleep(0.01)
    names = list(groups)
    assert names[:2] == ["apiregistration.k8s.io", "apps"]
    assert names[-2:] == [GROUP, "metrics.k8s.io"]
    version = groups[GROUP]["versions"][0]
    assert (version["version"], version["freshness"]) == ("v1", "Current")
    fruit = version["resources"][0]
    assert (fruit["resource"], fruit["scope"], fruit["shortNames"]) == ("fruits", "Namespaced", ["fr"])
    async with session.get("/apis", headers={"Accept": AGGREGATED, "If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with session.get("/apis") as answer:
        listed = [group["name"] for group in (await answer.json())["groups"]]
    assert listed == names
    async with session.get(f"/apis/{GROUP}") as answer:
        group = await answer.json()
    assert group["preferredVersion"] == {"groupVersion": f"{GROUP}/v1", "version": "v1"}
    async with session.get(PATH) as answer:
        assert (await answer.json())["resources"][0]["name"] == "fruits"


async def test_openapi(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    async with asyncio.timeout(10):
        while True:
            async with session.get("/openapi/v3") as answer:
                paths = (await answer.json())["paths"]
            if f"apis/{GROUP}/v1" in paths:
                break
            await asyncio.sleep(0.01)
    assert "apis/apps/v1" in paths
    async with session.get(paths[f"apis/{GROUP}/v1"]["serverRelativeURL"]) as answer:
        assert "com.example.Fruit" in (await answer.json())["components"]["schemas"]
        assert "immutable" in answer.headers["Cache-Control"]
    async with session.get("/openapi/v2") as answer:
        merged = await answer.json()
    assert {"com.example.Fruit", "io.k8s.api.core.v1.Pod"} < set(merged["definitions"])
    assert f"{PATH}/fruits" in merged["paths"]


async def test_an_apiservice_that_goes_takes_everything_with_it(world: World, session: aiohttp.ClientSession) -> None:
    await world.register()
    await world.available()
    await world.api.memory.client().delete(APIService, NAME)
    async with asyncio.timeout(10):
        while True:
            async with session.get(PATH) as answer:
                if answer.status == 404:
                    break
            await asyncio.sleep(0.01)
    async with session.get("/apis", headers={"Accept": AGGREGATED}) as answer:
        assert GROUP not in await answer.text()


async def test_what_is_served_here_is_registered(world: World) -> None:
    for name in ("v1.", "v1.apps", "v2.autoscaling"):
        condition = await world.condition(name, lambda one: one.status == "True")
        assert (condition.reason, condition.message) == ("Local", "Local APIServices are always available")
    services = {one.metadata.name: one for one in (await world.api.memory.client().list(APIService)).items}
    assert "v1.apiregistration.k8s.io" not in services
    assert services["v1.apps"].metadata.labels == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    assert services["v1.apps"].spec.group_priority_minimum == 17800


async def test_definitions_bring_apiservices_and_take_them_along(world: World) -> None:
    client = world.api.memory.client()
    names = {"plural": "plums", "singular": "plum", "kind": "Plum", "listKind": "PlumList"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "plums.garden.com"},
        "spec": {"group": "garden.com", "scope": "Namespaced", "names": names, "versions": versions},
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await client.request("POST", path, body=json.dumps(definition).encode(), content_type="application/json")
    await registered(world, "v1.garden.com")
    condition = await world.condition("v1.garden.com", lambda one: one.status == "True")
    assert condition.reason == "Local"
    await client.delete(APIService, "v1.garden.com")
    await registered(world, "v1.garden.com")  # it is there as long as the definition is
    await client.delete(CustomResourceDefinition, "plums.garden.com")
    await registered(world, "v1.garden.com", there=False)


async def registered(world: World, name: str, *, there: bool = True) -> None:
    client = world.api.memory.client()
    async with asyncio.timeout(10):
        while True:
            names = {one.metadata.name for one in (await client.list(APIService)).items}
            if (name in names) == there:
                return
            await asyncio.sleep(0.01)


async def test_kubectl_shows_them(world: World) -> None:
    await world.register()
    await world.available()
    await world.condition("v1.apps", lambda one: one.status == "True")
    _, said = await kubectl(world.api, "get", "apiservices", "v1.apps", NAME)
    rows = [line.split()[:3] for line in said.splitlines()]
    assert rows == [
        ["NAME", "SERVICE", "AVAILABLE"], ["v1.apps", "Local", "True"], [NAME, "default/fruit", "True"],
    ]  # fmt: skip
