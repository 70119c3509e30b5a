"""The service proxy in a real kernel: connections through ClusterIPs, refusals, repairs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.kernel.iptables import Iptables, Variant
from nodeagent.proxy.metrics import ProxyMetrics
from nodeagent.proxy.proxier import SERVICE_INDEX, Proxier, ProxySettings, index_by_service
from nodeagent.proxy.render import NodeView
from tests.fakes.api import FakeApi
from tests.netns.conftest import Inside, Machine

ONE, TWO, CLUSTER_IP = "10.244.1.7", "10.244.1.8", "10.96.0.20"


def a_service(**spec: Any) -> Service:
    ports = [{"port": 80, "targetPort": 8080, "protocol": "TCP", **spec.pop("port", {})}]
    document = {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"clusterIP": CLUSTER_IP, "clusterIPs": [CLUSTER_IP], "type": "ClusterIP", "ports": ports, **spec},
    }
    return from_document(document, Service)


def a_slice(*addresses: str, protocol: str = "TCP") -> EndpointSlice:
    document = {
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "ports": [{"port": 8080, "protocol": protocol}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
    }
    return from_document(document, EndpointSlice)


class Listener:
    """Answers on an endpoint's address with that address."""

    def __init__(self, address: str):
        self.socket = socket.create_server((address, 8080))
        self.address = address

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                connection, _ = self.socket.accept()
                with connection:
                    connection.sendall(self.address.encode())


def ask(address: str, port: int = 80) -> str:
    """Return which endpoint answers; "refused" or "silence" when none does."""
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            return connection.recv(100).decode()
    except ConnectionRefusedError:
        return "refused"
    except OSError:  # no rule: nobody has that address, so ARP or the connection times out
        return "silence"


@dataclass
class Rig:
    machine: Machine
    api: FakeApi
    proxier: Proxier
    client: Inside  # a second thread in the machine, to connect from

    async def ask(self, address: str = CLUSTER_IP, port: int = 80) -> str:
        return await self.client.run(ask, address, port)

    async def until(self, expected: set[str], address: str = CLUSTER_IP, port: int = 80) -> None:
        """Wait until every answer is one of `expected`, and each of them is heard."""
        seen: set[str] = set()
        for _ in range(200):
            answer = await self.ask(address, port)
            seen = seen | {answer} if answer in expected else set()
            if seen == expected:
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{address}:{port} never settled on {expected}, last heard {seen or answer}")


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
async def rig(
    request: pytest.FixtureRequest, machines: Callable[[int], list[Machine]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    (machine,) = machines(1)
    machine.sh(f"ip addr add {ONE}/32 dev lo; ip addr add {TWO}/32 dev lo; ip route add default dev eth0")
    listeners = [machine.inside.call(Listener, address) for address in (ONE, TWO)]
    threads = [asyncio.create_task(asyncio.to_thread(listener.serve)) for listener in listeners]
    monkeypatch.setattr("nodeagent.proxy.proxier.CHECK_SECONDS", 0.2)
    clock, api = SystemClock(), FakeApi(SystemClock())
    informers = Informers(Client(api), clock)
    slices = informers.of(EndpointSlice, indexes={SERVICE_INDEX: index_by_service})
    settings = ProxySettings("n1", NodeView(4, "10.244.0.0/16"))
    services = informers.of(Service)
    iptables, metrics = Iptables(request.param), ProxyMetrics(CollectorRegistry())
    proxier = Proxier(settings, services, slices, machine.inside, iptables, metrics, clock)
    outside = Inside(machine.namespace)
    try:
        async with running(informers.run(), proxier.run()):
            yield Rig(machine, api, proxier, outside)
    finally:
        outside.close()
        for listener in listeners:
            listener.socket.shutdown(socket.SHUT_RDWR)
            listener.socket.close()
        await asyncio.gather(*threads)


async def test_a_cluster_ip_is_balanced_over_its_endpoints(rig: Rig) -> None:
    rig.api.add(a_service())
    rig.api.add(a_slice(ONE, TWO))
    await rig.until({ONE, TWO})


async def test_traffic_follows_a_moved_endpoint(rig: Rig) -> None:
    rig.api.add(a_service())
    rig.api.add(a_slice(ONE))
    await rig.until({ONE})
    await Client(rig.api).patch(EndpointSlice, "web-1", {"endpoints": [{"addresses": [TWO]}]}, "default")
    await rig.until({TWO})


async def test_no_endpoints_is_a_refusal(rig: Rig) -> None:
    rig.api.add(a_service())
    await rig.until({"refused"})


async def test_a_deleted_service_is_forgotten(rig: Rig) -> None:
    rig.api.add(a_service())
    rig.api.add(a_slice(ONE))
    await rig.until({ONE})
    await Client(rig.api).delete(Service, "web", "default")
    for _ in range(200):
        if "web" not in (saved := rig.machine.sh(f"{rig.proxier._iptables._command}-save").stdout):
            break
        await asyncio.sleep(0.02)
    assert "default/web" not in saved
    assert "KUBE-SVC" not in saved and "KUBE-SEP" not in saved


async def test_a_node_port_answers_on_the_nodes_address(rig: Rig) -> None:
    rig.api.add(a_service(type="NodePort", port={"nodePort": 30080}))
    rig.api.add(a_slice(ONE))
    await rig.until({ONE}, rig.machine.address, 30080)


async def test_affinity_keeps_a_client_where_it_was(rig: Rig) -> None:
    rig.api.add(a_service(sessionAffinity="ClientIP"))
    rig.api.add(a_slice(ONE, TWO))
    await rig.until({ONE}) if await _first(rig) == ONE else await rig.until({TWO})
    assert len({await rig.ask() for _ in range(20)}) == 1


async def _first(rig: Rig) -> str:
    for _ in range(200):
        if (answer := await rig.ask()) in (ONE, TWO):
            return answer
        await asyncio.sleep(0.02)
    pytest.fail("no endpoint ever answered")


async def test_a_flushed_table_is_repaired(rig: Rig) -> None:
    rig.api.add(a_service())
    rig.api.add(a_slice(ONE))
    await rig.until({ONE})
    command = rig.proxier._iptables._command
    rig.machine.sh(f"{command} -w 5 -t nat -F; {command} -w 5 -t nat -X; {command} -w 5 -t filter -F")
    await rig.until({ONE})


class Echo:
    """Answers datagrams on an endpoint's address with that address."""

    def __init__(self, address: str):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 8080))
        self.socket.settimeout(0.1)
        self.address, self.stopped = address, False

    def serve(self) -> None:
        while not self.stopped:
            with contextlib.suppress(TimeoutError):
                _, sender = self.socket.recvfrom(100)
                self.socket.sendto(self.address.encode(), sender)
        self.socket.close()


def open_flow() -> socket.socket:
    """One UDP flow: all its datagrams have the same source port, so the kernel takes them for one conversation."""
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.settimeout(0.2)
    flow.connect((CLUSTER_IP, 80))
    return flow


def say(flow: socket.socket) -> str:
    """Return who answers on a flow; "silence" when nobody does."""
    try:
        flow.send(b"?")
        return flow.recv(100).decode()
    except OSError:
        return "silence"


async def test_a_udp_flow_follows_its_endpoint(rig: Rig) -> None:
    echoes = [rig.machine.inside.call(Echo, address) for address in (ONE, TWO)]
    threads = [asyncio.create_task(asyncio.to_thread(echo.serve)) for echo in echoes]
    flow = rig.client.call(open_flow)
    try:
        assert await rig.client.run(say, flow) == "silence"
        rig.api.add(a_service(port={"protocol": "UDP"}))
        rig.api.add(a_slice(ONE, protocol="UDP"))
        await _until_says(rig, flow, ONE)
        moved = {"endpoints": [{"addresses": [TWO], "conditions": {"ready": True}}]}
        await Client(rig.api).patch(EndpointSlice, "web-1", moved, "default")
        await _until_says(rig, flow, TWO)
    finally:
        flow.close()
        for echo in echoes:
            echo.stopped = True
        await asyncio.gather(*threads)


async def _until_says(rig: Rig, flow: socket.socket, expected: str) -> None:
    """The flow never falls silent for long enough to be forgotten by itself: only a clean-up can move it."""
    for _ in range(50):
        if (answer := await rig.client.run(say, flow)) == expected:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the flow is still answered by {answer}, not {expected}")
