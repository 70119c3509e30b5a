"""Logs and exec through a node agent: kubectl, the API server and a small node, all on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeDaemonEndpoints,
    NodeStatus,
)
from controlplane.testing import HttpsApi
from tests.fakes.node import FakeNode, api_with_node
from tests.integration.apiserver.test_kubectl import kubectl


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def api(tmp_path: Path, node: FakeNode) -> AsyncIterator[HttpsApi]:
    async with api_with_node(tmp_path, node) as running:
        yield running


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
