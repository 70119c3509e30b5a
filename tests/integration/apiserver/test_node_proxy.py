"""Logs and exec through a node agent: kubectl, the API server and a small node, all on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from controlplane.api.core_v1 import (
    Container,
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeDaemonEndpoints,
    NodeStatus,
    Pod,
    PodSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.node_client import NodeClient
from controlplane.apiserver.proxying.client import HttpDialer
from controlplane.apiserver.tls import node_context
from controlplane.pki.issue import Leaf, issue, new_authority
from controlplane.testing import HttpsApi, https_api
from tests.integration.apiserver.test_kubectl import kubectl

V5 = "v5.channel.k8s.io"


@dataclass
class FakeNode:
    """A node agent that echoes standard input and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if request.path.startswith("/exec/"):
            return await self._exec(request)
        if "broken" in request.query_string:
            return web.Response(status=400, text="container is waiting to start")
        return web.Response(text=f"{request.method} {request.path}: {await request.text()}\n")

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(V5,), max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.data[:1] == b"\x00":
                await socket.send_bytes(b"\x01" + message.data[1:])
            elif message.data == b"\xff\x00":  # the end of standard input
                break
        causes = [{"reason": "ExitCode", "message": "3"}]
        status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}, "message": "exit"}
        await socket.send_bytes(b"\x03" + json.dumps(status).encode())
        await socket.close()
        return socket


@asynccontextmanager
async def serving(node: FakeNode, tls: ssl.SSLContext) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", node.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        node.port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def api(tmp_path: Path, node: FakeNode) -> AsyncIterator[HttpsApi]:
    now = datetime.now(UTC)
    authority = new_authority("kubernetes", now)
    serving_leaf = Leaf("system:node:n1", addresses=("127.0.0.1",), usages=("digital signature", "server auth"))
    pairs = {
        "node": issue(serving_leaf, authority, now),
        "client": issue(Leaf("apiserver-kubelet-client"), authority, now),
        "nodes-ca": authority,
    }
    for name, pair in pairs.items():
        (tmp_path / f"{name}.crt").write_bytes(pair.certificate_pem)
        (tmp_path / f"{name}.key").write_bytes(pair.key_pem)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(tmp_path / "node.crt", tmp_path / "node.key")
    theirs.load_verify_locations(tmp_path / "nodes-ca.crt")
    theirs.verify_mode = ssl.CERT_REQUIRED
    client = NodeClient(node_context(tmp_path / "client.crt", tmp_path / "client.key", tmp_path / "nodes-ca.crt"))
    dialer = HttpDialer()
    try:
        async with serving(node, theirs), https_api(tmp_path, nodes=client, dialer=dialer) as running:
            await _populate(running, node.port)
            yield running
    finally:
        await client.close()
        await dialer.close()


async def _populate(api: HttpsApi, port: int) -> None:
    client = api.memory.client()
    addresses = [NodeAddress(type="InternalIP", address="127.0.0.1")]
    endpoints = NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=port))
    made = await client.create(Node(metadata=ObjectMeta(name="n1")))
    status = NodeStatus(addresses=addresses, daemon_endpoints=endpoints)
    await client.update(Node(metadata=made.metadata, status=status), subresource="status")
    container = Container(name="main", image="nginx")
    for name, host in (("web", "n1"), ("waiting", "")):
        spec = PodSpec(containers=[container], node_name=host)
        await client.create(Pod(metadata=ObjectMeta(name=name, namespace="default"), spec=spec))


async def test_logs(api: HttpsApi, node: FakeNode) -> None:
    code, said = await kubectl(api, "logs", "web", "--tail=5", "--timestamps")
    assert (code, said) == (0, "GET /containerLogs/default/web/main: \n")
    assert node.asked == ["/containerLogs/default/web/main?timestamps=true&tailLines=5"]


async def test_logs_of_a_pod_without_a_node_are_empty(api: HttpsApi) -> None:
    assert await kubectl(api, "logs", "waiting") == (0, "")


async def test_exec_carries_input_output_and_exit_code(api: HttpsApi, node: FakeNode) -> None:
    code, said = await kubectl(api, "exec", "-i", "web", "--", "cat", "a b", stdin="hello\n" * 1000)
    assert code == 3
    assert said.startswith("hello\n" * 1000)
    assert node.asked == ["/exec/default/web/main?command=cat&command=a+b&input=1&output=1&error=1"]


async def test_exec_without_a_node(api: HttpsApi) -> None:
    code, said = await kubectl(api, "exec", "waiting", "--", "ls")
    assert (code, "pod waiting does not have a host assigned" in said) == (1, True)


async def test_node_proxy(api: HttpsApi) -> None:
    _, said = await kubectl(api, "get", "--raw", "/api/v1/nodes/n1/proxy/metrics/cadvisor")
    assert said == "GET /metrics/cadvisor: \n"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        pytest.param("pods/web/log?container=other", 400, "container other is not valid for pod web", id="container"),
        pytest.param("pods/web/log?tailLines=-1", 422, "must be greater than or equal to 0", id="tail"),
        pytest.param("pods/web/log?sinceSeconds=x", 400, "invalid syntax", id="no number"),
        pytest.param("pods/none/log", 404, 'pods \\"none\\" not found', id="no pod"),
        pytest.param("pods/web/exec?command=ls&stdout=true", 400, "Upgrade request required", id="no upgrade"),
        pytest.param("pods/web/exec?stdout=true", 400, "at least 1 command", id="no command"),
    ],
)
async def test_refusals(api: HttpsApi, path: str, status: int, says: str) -> None:
    path, _, query = path.partition("?")
    pairs: list[Any] = [tuple(pair.split("=")) for pair in query.split("&") if pair]
    answer = await api.memory.transport().request("GET", f"/api/v1/namespaces/default/{path}", query=pairs)
    assert (answer.status, says in answer.body.decode()) == (status, True), answer.body


async def test_a_node_that_does_not_answer(api: HttpsApi) -> None:
    client = api.memory.client()
    node = await client.get(Node, "n1")
    endpoints = NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=1))
    addresses = [NodeAddress(type="InternalIP", address="127.0.0.1")]
    status = NodeStatus(addresses=addresses, daemon_endpoints=endpoints)
    await client.update(Node(metadata=node.metadata, status=status), subresource="status")
    async with asyncio.timeout(10):
        code, said = await kubectl(api, "logs", "web")
    assert (code, "error trying to reach service" in said) == (1, True)
