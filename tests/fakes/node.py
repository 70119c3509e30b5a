"""A node agent that echoes, behind an API server with certificates of its own."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

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
    PodStatus,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.node_client import NodeClient
from controlplane.apiserver.proxying.client import HttpDialer
from controlplane.apiserver.tls import node_context
from controlplane.pki.issue import Leaf, issue, new_authority
from controlplane.testing import HttpsApi, https_api

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


@asynccontextmanager
async def api_with_node(tmp_path: Path, node: FakeNode) -> AsyncIterator[HttpsApi]:
    """Run an API server that knows the node n1 and the pods web, on it, and waiting, on none."""
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
        pod = await client.create(Pod(metadata=ObjectMeta(name=name, namespace="default"), spec=spec))
        if host:
            running = Pod(metadata=pod.metadata, spec=pod.spec, status=PodStatus(phase="Running"))
            await client.update(running, subresource="status")
