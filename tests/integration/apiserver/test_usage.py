"""kubectl top without an add-on: kubectl, the API server and a node over TLS whose page is our agent's own."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.core_v1 import (
    Container,
    DaemonEndpoint,
    Namespace,
    Node,
    NodeAddress,
    NodeDaemonEndpoints,
    NodeStatus,
    Pod,
    PodSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.metrics_v1beta1 import NodeMetrics, PodMetrics
from controlplane.api.rbac_v1 import RoleBinding, RoleRef, Subject
from controlplane.api.status import NotFound
from controlplane.apiserver.usage import scraper
from controlplane.kit.metrics import CONTENT_TYPE, render
from controlplane.testing import HttpsApi
from nodeagent.metrics import resource
from nodeagent.metrics.kubelet import Reading
from nodeagent.metrics.usage import ContainerUsage, MachineUsage, Usage
from tests.fakes.helm import helm
from tests.fakes.node import FakeNode, api_with_node
from tests.integration.apiserver.test_kubectl import kubectl
from tests.waiting import until

NAME = "v1beta1.metrics.k8s.io"
CORES = {("default", "web", "main"): 0.25, ("default", "web", "side"): 0.05, ("shop", "till", "main"): 0.5}


def a_container(namespace: str, pod: str, name: str, cpu: float) -> ContainerUsage:
    memory = 64 << 20
    return ContainerUsage(
        namespace, pod, f"{pod}-uid", name, f"{name}-id", "nginx", time.time() - 3600, cpu, memory, memory, memory,
        0, 0, 0, 0,
    )  # fmt: skip


@dataclass
class MeasuredNode(FakeNode):
    """A node whose containers use a steady share of it."""

    began: float = field(default_factory=time.time)
    scrapes: int = 0
    ill: bool = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/metrics/resource":
            return await super().handle(request)
        self.scrapes += 1
        if self.ill:
            return web.Response(status=503, text="containerd is down\n")
        now = time.time()
        machine = MachineUsage(0.0, now - self.began, 4 << 30, 3 << 30, 1 << 30, 10, 5, 10, 5)
        containers = tuple(a_container(*key, (now - self.began) * cores) for key, cores in CORES.items())
        registry = CollectorRegistry()
        registry.register(Reading(resource.families(Usage("n1", now, machine, containers))))
        return web.Response(body=render(registry), headers={"Content-Type": CONTENT_TYPE})


@pytest.fixture
def node() -> MeasuredNode:
    return MeasuredNode()


@pytest.fixture
async def api(tmp_path: Path, node: MeasuredNode, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpsApi]:
    """An API server that knows a measured node, one that does not answer, and pods."""
    monkeypatch.setattr(scraper, "FIRST_WINDOW", 0.4)
    async with api_with_node(tmp_path, node) as running:
        client = running.memory.client()
        await client.create(Namespace(metadata=ObjectMeta(name="shop")))
        spec = PodSpec(containers=[Container(name="main", image="nginx")], node_name="n1")
        for name in ("till", "new"):
            metadata = ObjectMeta(name=name, namespace="shop", labels={"app": name})
            await client.create(Pod(metadata=metadata, spec=spec))
        silent = await client.create(Node(metadata=ObjectMeta(name="silent")))
        status = NodeStatus(
            addresses=[NodeAddress(type="InternalIP", address="127.0.0.1")],
            daemon_endpoints=NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=1)),
        )
        await client.update(Node(metadata=silent.metadata, status=status), subresource="status")
        measured = await client.get(Node, "n1")
        capacity = {"cpu": "4", "memory": "4Gi", "pods": "110"}
        status = replace(measured.status, capacity=capacity, allocatable=capacity)
        await client.update(replace(measured, status=status), subresource="status")
        yield running


def rows(said: str) -> list[list[str]]:
    return [line.split() for line in said.splitlines()]


def near(text: str, expected: int) -> bool:
    """Whether 251m is about 250."""
    return abs(int(text.removesuffix("m")) - expected) <= 25


async def test_top_nodes(api: HttpsApi) -> None:
    code, said = await kubectl(api, "top", "nodes")
    heading, *nodes = rows(said)
    assert code == 0, said
    assert heading == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    by_name = {name: rest for name, *rest in nodes}
    assert near(by_name["n1"][0], 1000), said
    assert by_name["n1"][2:] == ["1024Mi", "25%"]
    assert set(by_name["silent"]) == {"<unknown>"}


async def test_top_pods(api: HttpsApi) -> None:
    code, said = await kubectl(api, "top", "pods", "-A", "--sort-by=cpu")
    heading, *pods = rows(said)
    assert (code, heading) == (0, ["NAMESPACE", "NAME", "CPU(cores)", "MEMORY(bytes)"]), said
    assert [row[:2] for row in pods] == [["shop", "till"], ["default", "web"]]
    assert near(pods[0][2], 500) and near(pods[1][2], 300)
    assert pods[1][3] == "128Mi"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param("web --containers", ["web main", "web side"], id="its containers"),
        pytest.param("-n shop", ["till"], id="a namespace"),
        pytest.param("-n shop -l app=till", ["till"], id="a label"),
        pytest.param("-n shop --field-selector metadata.name=till", ["till"], id="a field"),
        pytest.param("-A --field-selector metadata.namespace!=shop", ["default web"], id="not a namespace"),
        pytest.param(
            "-A --field-selector spec.nodeName=n1 --sort-by memory", ["default web", "shop till"], id="a node"
        ),
    ],
)
async def test_which_pods(api: HttpsApi, arguments: str, names: list[str]) -> None:
    code, said = await kubectl(api, "top", "pods", "--no-headers", *arguments.split())
    assert (code, [" ".join(row[:-2]) for row in rows(said)]) == (0, names), said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param("top pod none", 'Error from server (NotFound): pods "none" not found', id="no such pod"),
        pytest.param(
            "top pod new -n shop", 'podmetrics.metrics.k8s.io "shop/new" not found', id="a pod without figures"
        ),
        pytest.param("top node silent", 'nodemetrics.metrics.k8s.io "silent" not found', id="a node that is silent"),
        pytest.param("top pods -l app=new -n shop", "error: metrics not available yet", id="none of them known"),
    ],
)
async def test_what_is_not_known(api: HttpsApi, arguments: str, words: str) -> None:
    _, said = await kubectl(api, *arguments.split())
    assert words in said, said


async def test_as_objects_and_as_a_table(api: HttpsApi) -> None:
    _, said = await kubectl(api, "get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")
    document = json.loads(said)
    assert (document["kind"], document["apiVersion"]) == ("PodMetricsList", "metrics.k8s.io/v1beta1")
    item = document["items"][0]
    assert [one["name"] for one in item["containers"]] == ["main", "side"]
    assert item["containers"][0]["usage"]["memory"] == "64Mi"
    assert item["window"].endswith("ms")
    heading, *found = rows((await kubectl(api, "get", "nodes.metrics.k8s.io"))[1])
    assert heading == ["NAME", "CPU", "MEMORY", "WINDOW"]
    assert (found[0][0], found[0][2]) == ("n1", "1Gi")
    _, said = await kubectl(api, "get", "podmetrics", "-n", "shop", "-o", "name")
    assert said == "podmetrics.metrics.k8s.io/till\n"


async def test_other_programs_read_them_as_types(api: HttpsApi) -> None:
    client = api.memory.client()
    nodes = await client.list(NodeMetrics)
    assert [one.metadata.name for one in nodes.items] == ["n1"]
    assert (await client.get(PodMetrics, "web", "default")).containers[1].name == "side"


async def test_nodes_are_asked_only_while_somebody_asks(api: HttpsApi, node: MeasuredNode) -> None:
    assert node.scrapes == 0
    for _ in range(3):
        await kubectl(api, "top", "nodes")
    assert node.scrapes == 2


async def test_a_node_that_is_ill_is_left_out(api: HttpsApi, node: MeasuredNode) -> None:
    node.ill = True
    code, said = await kubectl(api, "top", "nodes")
    assert (code, said) == (1, "error: metrics not available yet\n")


async def test_who_may_view_may_see_it(api: HttpsApi) -> None:
    subject = Subject(kind="User", name="jane", api_group="rbac.authorization.k8s.io")
    ref = RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="view")
    jane = api.kubeconfig_of("jane")
    code, said = await kubectl(api, "top", "pods", user=jane)
    assert (code, 'cannot list resource "pods" in API group "metrics.k8s.io"' in said) == (1, True), said
    metadata = ObjectMeta(name="jane", namespace="default")
    await api.memory.client().create(RoleBinding(metadata=metadata, role_ref=ref, subjects=[subject]))
    code, said = await kubectl(api, "top", "pods", "--no-headers", user=jane)
    assert (code, rows(said)[0][0]) == (0, "web"), said


# What metrics-server's own manifest has of these; the Service behind it is not there.
METRICS_SERVER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:aggregated-metrics-reader
  labels:
    k8s-app: metrics-server
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
- {apiGroups: [metrics.k8s.io], resources: [pods, nodes], verbs: [get, list, watch]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1beta1.metrics.k8s.io
  labels: {k8s-app: metrics-server}
spec:
  group: metrics.k8s.io
  groupPriorityMinimum: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system}
  version: v1beta1
  versionPriority: 100
"""


async def test_a_metrics_server_takes_our_place_and_gives_it_back(api: HttpsApi) -> None:
    client = api.memory.client()
    _, said = await kubectl(api, "get", "apiservice", NAME, "--no-headers")
    assert said.split()[:3] == [NAME, "Local", "True"]
    code, said = await kubectl(api, "apply", "-f", "-", stdin=METRICS_SERVER)
    assert (code, said.count("configured")) == (0, 2), said
    await until(_holds(api, "False"))
    code, said = await kubectl(api, "top", "nodes")
    assert (code, "n1" in said) == (1, False), said  # passed on to who is not there, rather than answered here
    assert (await client.get(APIService, NAME)).spec.service is not None  # the label is still there, but it is theirs
    await kubectl(api, "delete", "apiservice", NAME)
    await until(_holds(api, "True"))
    code, said = await kubectl(api, "top", "nodes")
    assert (code, "n1" in said) == (0, True), said


def _holds(api: HttpsApi, status: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        try:
            service = await api.memory.client().get(APIService, NAME)
        except NotFound:
            return False
        return any(one.type == "Available" and one.status == status for one in service.status.conditions)

    return holds


async def test_helm_takes_over_what_is_there(api: HttpsApi, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: metrics-server\nversion: 1.0.0\n")
    (chart / "templates/apiservice.yaml").write_text(METRICS_SERVER.partition("---\n")[2])
    flags = ("--kubeconfig", str(api.kubeconfig), "--namespace", "kube-system")

    async def install(*more: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            helm(), "install", "metrics-server", str(chart), *flags, *more,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "HELM_CACHE_HOME": str(tmp_path / "helm"), "HELM_CONFIG_HOME": str(tmp_path / "helm")},
        )  # fmt: skip
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    code, said = await install()
    assert (code, "cannot be imported into the current release" in said) == (1, True), said
    code, said = await install("--take-ownership")
    assert code == 0, said
    service = (await api.memory.client().get(APIService, NAME)).spec.service
    assert service is not None and service.name == "metrics-server"
