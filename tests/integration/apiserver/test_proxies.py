"""pods/proxy and services/proxy: kubectl and plain HTTP through the API server to a web server in a pod."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from controlplane.api.core_v1 import (
    Container,
    ContainerPort,
    Pod,
    PodIP,
    PodSpec,
    PodStatus,
    Service,
    ServicePort,
    ServiceSpec,
)
from controlplane.api.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.pki.issue import Leaf, issue
from controlplane.testing import HttpsApi, https_api
from tests.fakes.web import PodNetwork
from tests.integration.apiserver.test_kubectl import KUBECTL, kubectl

POD, HTTP, NAMED = "10.244.1.7", 8080, 9090
PODS, SERVICES = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services"


async def shop(request: web.Request) -> web.StreamResponse:
    """A web server that says what it was asked, and knows some special pages."""
    if request.path == "/old":
        return web.Response(status=302, headers={"Location": "/new?x=1"})
    if request.path == "/page":
        text = '<!-- <a href="/not"> --><a class=x href="/login?a=1&amp;b=2">in</a><img src=\'pic.png\'><p title="/t">'
        return web.Response(text=text, content_type="text/html", headers={"Set-Cookie": "a=1"})
    if request.path == "/echo":
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response
    if request.path == "/socket":
        socket = web.WebSocketResponse(protocols=("chat",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket
    asked = {
        "method": request.method,
        "target": request.raw_path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": await request.text() if request.can_read_body else "",
    }
    return web.json_response(asked, status=418 if request.path == "/teapot" else 200)


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[PodNetwork]:
    network = PodNetwork()
    async with network.serving(POD, HTTP, shop), network.serving(POD, NAMED, shop):
        yield network


@pytest.fixture
async def api(tmp_path: Path, network: PodNetwork) -> AsyncIterator[HttpsApi]:
    async with network.dialer() as dialer, https_api(tmp_path, dialer=dialer) as running:
        await _populate(running)
        yield running


async def _populate(api: HttpsApi) -> None:
    client = api.memory.client()
    ports = [ContainerPort(container_port=HTTP)]
    for name, address in (("web", POD), ("sly", "127.0.0.1"), ("new", "")):
        spec = PodSpec(containers=[Container(name="main", image="nginx", ports=ports)])
        made = await client.create(Pod(metadata=ObjectMeta(name=name, namespace="default"), spec=spec))
        addresses = [PodIP(ip=address)] if address else []
        status = PodStatus(pod_ip=address, pod_ips=addresses)
        await client.update(Pod(metadata=made.metadata, spec=made.spec, status=status), subresource="status")
    wanted = [
        ServicePort(name="http", port=80, target_port=HTTP),
        ServicePort(name="named", port=90, target_port=NAMED),
    ]
    service = Service(metadata=ObjectMeta(name="shop", namespace="default"), spec=ServiceSpec(ports=wanted))
    await client.create(service)
    await client.create(
        EndpointSlice(
            metadata=ObjectMeta(name="shop-1", namespace="default", labels={"kubernetes.io/service-name": "shop"}),
            address_type="IPv4",
            endpoints=[
                Endpoint(addresses=["10.244.9.9"], conditions=EndpointConditions(ready=False)),
                Endpoint(addresses=[POD], conditions=EndpointConditions(ready=True)),
            ],
            ports=[EndpointPort(name="http", port=HTTP), EndpointPort(name="named", port=NAMED)],
        )
    )


@pytest.fixture
async def session(api: HttpsApi) -> AsyncIterator[aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=str(api.ca_file))
    pair = issue(Leaf("admin", ("system:masters",)), api.authority, api.clock.now())
    tls.load_cert_chain(*api.write_pair("caller", pair))
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(api.url, connector=connector) as session:
        yield session


@pytest.mark.parametrize(
    ("path", "port"),
    [
        pytest.param(f"{PODS}/web/proxy/", HTTP, id="pod, its first port"),
        pytest.param(f"{PODS}/web:{NAMED}/proxy/", NAMED, id="pod and port"),
        pytest.param(f"{SERVICES}/shop:http/proxy/", HTTP, id="service and port name"),
        pytest.param(f"{SERVICES}/shop:90/proxy/", NAMED, id="service and port number"),
        pytest.param(f"{SERVICES}/http:shop:named/proxy/", NAMED, id="with a scheme"),
    ],
)
async def test_kubectl_reaches_a_port(api: HttpsApi, network: PodNetwork, path: str, port: int) -> None:
    for other in {HTTP, NAMED} - {port}:
        network.ports[POD, other] = 1
    code, said = await kubectl(api, "get", "--raw", f"{path}a/c?x=1")
    assert code == 0, said
    asked = json.loads(said)
    assert (asked["method"], asked["target"]) == ("GET", "/a/c?x=1")


async def test_escapes_stay_as_they_were_written(session: aiohttp.ClientSession, api: HttpsApi) -> None:
    async with session.get(URL(f"{api.url}{PODS}/web/proxy/a%2Fb//c?y=%20&y=%2B", encoded=True)) as answer:
        assert (await answer.json())["target"] == "/a%2Fb//c?y=%20&y=%2B"


async def test_what_the_server_is_told(session: aiohttp.ClientSession, api: HttpsApi) -> None:
    url = f"{PODS}/web/proxy/form"
    headers = {"X-Mine": "yes", "X-Remote-User": "root", "Authorization": ""}
    async with session.patch(url, data=b"a=1", headers={**headers, "Content-Type": "text/x"}) as answer:
        asked = await answer.json()
    assert (asked["method"], asked["body"]) == ("PATCH", "a=1")
    told = asked["headers"]
    assert (told["x-mine"], told["content-type"], told["x-forwarded-for"]) == ("yes", "text/x", "127.0.0.1")
    assert told["x-forwarded-uri"] == url
    assert told["host"] == f"127.0.0.1:{api.port}"
    assert not {"authorization", "x-remote-user"} & set(told)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_every_method_and_the_status_as_it_is(session: aiohttp.ClientSession, method: str) -> None:
    async with session.request(method, f"{SERVICES}/shop:http/proxy/teapot") as answer:
        assert answer.status == 418
        if method != "HEAD":
            assert (await answer.json())["method"] == method


async def test_links_lead_back_through_the_proxy(session: aiohttp.ClientSession) -> None:
    proxy = f"{PODS}/web/proxy"
    async with session.get(f"{proxy}/old", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, f"{proxy}/new?x=1")
    async with session.get(f"{proxy}/page") as answer:
        assert answer.headers["Set-Cookie"] == "a=1"
        page = await answer.text()
    link = f'<a class=x href="{proxy}/login?a=1&amp;b=2">'
    assert page == f'<!-- <a href="/not"> -->{link}in</a><img src=\'pic.png\'><p title="/t">'
    async with session.get(f"{proxy}?q=1", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"{proxy}/?q=1")


async def test_bodies_flow_both_ways_at_once(session: aiohttp.ClientSession) -> None:
    echoed: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number
            assert await echoed.get() == b"%d" % number  # the answer is here before the request has ended

    async with asyncio.timeout(10), session.post(f"{PODS}/web/proxy/echo", data=body()) as answer:
        async for chunk in answer.content.iter_any():
            await echoed.put(chunk)


async def test_a_body_larger_than_any_object(session: aiohttp.ClientSession) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b"x" * 65536

    async with session.post(f"{PODS}/web/proxy/echo", data=body()) as answer:
        assert sum([len(chunk) async for chunk in answer.content.iter_any()]) == 80 * 65536


async def test_websocket_through_a_service(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(f"{SERVICES}/shop:http/proxy/socket", protocols=("chat",)) as socket:
        assert socket.protocol == "chat"
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "hello!"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        pytest.param(f"{PODS}/none/proxy/", 404, 'pods "none" not found', id="no pod"),
        pytest.param(f"{PODS}/ftp:web:80/proxy/", 400, 'invalid pod request "ftp:web:80"', id="scheme"),
        pytest.param(f"{PODS}/sly/proxy/", 400, "address not allowed", id="a pod that claims our loopback"),
        pytest.param(f"{PODS}/new/proxy/", 400, "address not allowed", id="no address yet"),
        pytest.param(f"{PODS}/web:7/proxy/", 503, "error trying to reach service: ", id="nobody listens"),
        pytest.param(f"{SERVICES}/none:80/proxy/", 404, 'services "none" not found', id="no service"),
        pytest.param(f"{SERVICES}/shop:81/proxy/", 503, 'no service port 81 found for service "shop"', id="number"),
        pytest.param(f"{SERVICES}/shop:x/proxy/", 503, 'no endpoints available for service "shop"', id="name"),
    ],
)
async def test_refusals(session: aiohttp.ClientSession, path: str, status: int, says: str) -> None:
    async with session.get(path) as answer:
        told = await answer.json()
    assert (answer.status, told["kind"]) == (status, "Status")
    assert says in told["message"]


async def test_an_upgrade_that_the_server_refuses(session: aiohttp.ClientSession) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with session.get(f"{PODS}/web/proxy/teapot", headers=headers) as answer:
        assert (answer.status, (await answer.json())["target"]) == (418, "/teapot")


async def test_kubectl_proxy(api: HttpsApi) -> None:
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL), "--kubeconfig", str(api.kubeconfig), "proxy", "--port=0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            address = (await process.stdout.readline()).decode().split()[-1]
            url = f"http://{address}{SERVICES}/shop:http/proxy"
            async with session.get(f"{url}/a?b=c") as answer:
                assert (await answer.json())["target"] == "/a?b=c"
            async with session.get(f"{url}/old", allow_redirects=False) as answer:
                assert answer.headers["Location"] == f"{SERVICES}/shop:http/proxy/new?x=1"
    finally:
        process.kill()
        await process.wait()
