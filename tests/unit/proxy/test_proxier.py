"""The proxy's loop: what befalls the kernel's tables is repaired, and never ends the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.kit.clock import ManualClock
from nodeagent.kernel.iptables import IptablesFailure, Jump
from nodeagent.kernel.thread import KernelThread
from nodeagent.proxy.metrics import ProxyMetrics
from nodeagent.proxy.proxier import CHANGE_TIME, CHECK_SECONDS, SERVICE_INDEX, Proxier, ProxySettings, index_by_service
from tests.fakes.api import FakeApi


class FakeTables:
    """Counts the rules of what was restored; `broken` refuses everything."""

    def __init__(self) -> None:
        self.rules: dict[tuple[str, str], int] = {}
        self.restores = 0
        self.broken = False

    def restore(self, text: str) -> None:
        self._check()
        self.restores += 1
        table = ""
        for line in text.splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":"):
                self.rules[table, line[1:].split()[0]] = 0
            elif line.startswith("-A "):
                self.rules[table, line.split()[1]] += 1

    def chains(self, table: str) -> set[str]:
        self._check()
        return {chain for of, chain in self.rules if of == table}

    def rule_count(self, table: str, chain: str) -> int | None:
        self._check()
        return self.rules.get((table, chain))

    def ensure_jumps(self, jumps: tuple[Jump, ...]) -> list[Jump]:
        self._check()
        return []

    def _check(self) -> None:
        if self.broken:
            raise IptablesFailure("no")


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api, self.tables, self.registry = FakeApi(self.clock), FakeTables(), CollectorRegistry()
        informers = Informers(Client(self.api), self.clock)
        self.informers = informers
        self.proxier = Proxier(
            ProxySettings("n1"),
            informers.of(Service),
            informers.of(EndpointSlice, indexes={SERVICE_INDEX: index_by_service}),
            KernelThread("test"),
            self.tables,  # type: ignore[arg-type]
            ProxyMetrics(self.registry),
            self.clock,
        )

    def programmed(self) -> float:
        return self.registry.get_sample_value("kubeproxy_network_programming_duration_seconds_count") or 0

    def failures(self) -> float:
        return self.registry.get_sample_value("kubeproxy_sync_proxy_rules_iptables_restore_failures_total") or 0

    async def until(self, reached: Callable[[], bool]) -> None:
        for _ in range(400):
            if reached():
                return
            await asyncio.sleep(0.005)  # lets the kernel thread run: real work, so real time
        raise AssertionError("not reached")


def a_service() -> Service:
    spec = ServiceSpec(cluster_ip="10.96.0.5", cluster_ips=["10.96.0.5"], ports=[ServicePort(port=80, protocol="TCP")])
    return Service(metadata=ObjectMeta(name="web", namespace="default"), spec=spec)


def a_slice(name: str = "web-1", changed: str = "") -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(
            name=name,
            namespace="default",
            labels={"kubernetes.io/service-name": "web"},
            annotations={CHANGE_TIME: changed} if changed else {},
        ),
        address_type="IPv4",
        endpoints=[Endpoint(addresses=["10.244.1.7"])],
        ports=[EndpointPort(port=8080, protocol="TCP")],
    )


@pytest.fixture
async def world() -> object:
    made = World()
    made.api.add(a_service())
    made.api.add(a_slice(changed="2001-01-01T00:00:00Z"))
    tasks = [asyncio.create_task(made.informers.run()), asyncio.create_task(made.proxier.run())]
    await made.until(lambda: made.tables.restores == 1)
    yield made
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


async def test_a_flushed_table_is_loaded_again(world: World) -> None:
    world.tables.rules.clear()
    await world.clock.advance(CHECK_SECONDS + 1)
    await world.until(lambda: world.tables.restores == 2)
    assert world.tables.rules["nat", "KUBE-SERVICES"] == 2


async def test_tables_that_cannot_be_read_are_loaded_when_they_can_be(world: World) -> None:
    world.tables.broken = True
    await world.clock.advance(CHECK_SECONDS + 1)
    await world.until(lambda: world.failures() >= 1)
    world.tables.broken = False
    await world.clock.advance(CHECK_SECONDS)
    await world.until(lambda: world.tables.restores >= 2)


@pytest.mark.parametrize(
    ("changed", "counted"),
    [
        pytest.param("yesterday", 0, id="an annotation that is no time is nobody's fault"),
        pytest.param("2001-01-01T00:00:00Z", 0, id="a change from before the proxy's start says nothing of it"),
        pytest.param("2100-01-01T00:00:00Z", 1, id="a change since then is counted"),
    ],
)
async def test_programming_latency(world: World, changed: str, counted: int) -> None:
    before = world.tables.restores
    world.api.add(a_slice("web-2", changed))
    world.api.add(a_service_two())
    await world.until(lambda: world.tables.restores > before)
    await world.until(lambda: world.programmed() >= counted)  # it is counted a moment after the rules are there
    assert world.programmed() == counted


def a_service_two() -> Service:
    spec = ServiceSpec(cluster_ip="10.96.0.6", cluster_ips=["10.96.0.6"], ports=[ServicePort(port=80, protocol="TCP")])
    return Service(metadata=ObjectMeta(name="web2", namespace="default"), spec=spec)
