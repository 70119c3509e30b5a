"""Addresses and ports of Services: which are given, which are refused, when they are free again."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Service
from controlplane.api.status import InternalError, Invalid
from controlplane.apiserver.allocation import AddressRange, PortRange, ServiceAllocator
from controlplane.apiserver.allocation.ranges import AllocationError


class Services:
    """A reader that can be made to lag behind the writes."""

    def __init__(self) -> None:
        self.shown: list[Service] = []
        self.written: list[Service] = []

    def catch_up(self) -> None:
        self.shown = list(self.written)

    async def fresh(self) -> None:
        self.catch_up()

    def get(self, type_: Any, namespace: str, name: str) -> Any:
        return next(
            (one for one in self.shown if (one.metadata.namespace, one.metadata.name) == (namespace, name)), None
        )

    def list(self, type_: Any, namespace: str = "") -> Sequence[Any]:
        return self.shown

    def version(self, type_: Any) -> int:
        return len(self.shown)


class Cluster:
    """An allocator and the Services it has given something to."""

    def __init__(self, *cidrs: str, ports: str = "30000-32767"):
        self.services = Services()
        ranges = cidrs or ("10.96.0.0/12",)
        self.allocator = ServiceAllocator(self.services, self.services.fresh, ranges, PortRange.parse(ports), Random(7))

    async def create(self, name: str, *, dry_run: bool = False, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
        document = {"metadata": {"name": name, "namespace": namespace}, "spec": {"type": "ClusterIP", **spec}}
        async with self.allocator.for_create(document, dry_run):
            if not dry_run:
                self.services.written.append(from_document(document, Service))
        self.services.catch_up()
        found: dict[str, Any] = document["spec"]
        return found


async def test_who_goes_away_during_the_write_keeps_what_the_write_may_take() -> None:
    cluster = Cluster()
    document = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "10.96.0.7"}}
    with pytest.raises(asyncio.CancelledError):
        async with cluster.allocator.for_create(document, dry_run=False):
            raise asyncio.CancelledError
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await cluster.create("other", clusterIP="10.96.0.7")


async def test_addresses_come_from_behind_the_front() -> None:
    cluster = Cluster()
    spec = await cluster.create("web")
    assert ipaddress.ip_address(spec["clusterIP"]) > ipaddress.ip_address("10.96.1.0")
    assert spec == {
        "type": "ClusterIP",
        "clusterIP": spec["clusterIP"],
        "clusterIPs": [spec["clusterIP"]],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
    }


@pytest.mark.parametrize(
    ("name", "namespace", "address", "why"),
    [
        pytest.param("dns", "kube-system", "10.96.0.10", "", id="asked by name"),
        pytest.param("kubernetes", "default", "10.96.0.1", "", id="the API's own"),
        pytest.param("web", "shop", "10.96.0.1", "provided IP is already allocated", id="the API's own, by another"),
        pytest.param("web", "shop", "10.96.0.7", "provided IP is already allocated", id="taken"),
        pytest.param(
            "web",
            "shop",
            "10.1.2.3",
            "the provided IP (10.1.2.3) is not in the valid range. The range of valid IPs is 10.96.0.0/12",
            id="outside",
        ),
        pytest.param("web", "shop", "10.96.0.0", "is not in the valid range", id="the network itself"),
        pytest.param("web", "shop", "10.111.255.255", "is not in the valid range", id="broadcast"),
    ],
)
async def test_address_asked_for(name: str, namespace: str, address: str, why: str) -> None:
    cluster = Cluster()
    await cluster.create("other", clusterIP="10.96.0.7")
    if not why:
        assert (await cluster.create(name, namespace=namespace, clusterIP=address))["clusterIPs"] == [address]
        return
    with pytest.raises(Invalid) as caught:
        await cluster.create(name, namespace=namespace, clusterIP=address)
    start = f'spec.clusterIPs: Invalid value: ["{address}"]: failed to allocate IP {address}: '
    assert start in caught.value.message
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"clusterIP": "None", "selector": {"a": "b"}},
            {"clusterIPs": ["None"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"},
            id="headless",
        ),
        pytest.param(
            {"clusterIP": "None"},
            {"clusterIPs": ["None"], "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"},
            id="headless without selector",
        ),
        pytest.param({"type": "ExternalName"}, {"clusterIP": None, "ipFamilies": None}, id="external name"),
        pytest.param({"ipFamilyPolicy": "PreferDualStack"}, {"ipFamilies": ["IPv4"]}, id="two families, if possible"),
    ],
)
async def test_what_needs_no_address(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    found = await Cluster().create("web", **spec)
    assert {name: found.get(name) for name in expected} == expected


async def test_two_families() -> None:
    cluster = Cluster("10.96.0.0/16", "fd00:96::/112")
    found = await cluster.create("web", ipFamilyPolicy="RequireDualStack")
    assert [ipaddress.ip_address(one).version for one in found["clusterIPs"]] == [4, 6]
    assert (await cluster.create("six", ipFamilies=["IPv6"]))["clusterIP"].startswith("fd00:96::")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
            "this cluster is not configured for dual-stack services",
            id="two families",
        ),
        pytest.param(
            {"ipFamilies": ["IPv6"]},
            'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
            id="the other family",
        ),
    ],
)
async def test_family_the_cluster_has_not(spec: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid) as caught:
        await Cluster().create("web", **spec)
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("ports", "why"),
    [
        pytest.param([{"port": 80, "nodePort": 30001}], "provided port is already allocated", id="taken"),
        pytest.param(
            [{"port": 80, "nodePort": 80}],
            "provided port is not in the valid range. The range of valid ports is 30000-32767",
            id="outside",
        ),
    ],
)
async def test_node_port_refused(ports: list[dict[str, Any]], why: str) -> None:
    cluster = Cluster()
    await cluster.create("other", type="NodePort", ports=[{"port": 1, "nodePort": 30001}])
    with pytest.raises(Invalid) as caught:
        await cluster.create("web", type="NodePort", ports=ports)
    assert f"spec.ports[0].nodePort: Invalid value: {ports[0]['nodePort']}: {why}" in caught.value.message


async def test_node_ports() -> None:
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}, {"port": 80}]
    found = await Cluster().create("dns", type="NodePort", ports=ports)
    numbers = [port["nodePort"] for port in found["ports"]]
    assert numbers[0] == numbers[1] != numbers[2], "one number for both protocols of a port"
    assert all(30086 <= number <= 32767 for number in numbers)


async def test_health_check_port_of_a_local_load_balancer() -> None:
    found = await Cluster().create("lb", type="LoadBalancer", externalTrafficPolicy="Local", ports=[{"port": 80}])
    assert found["healthCheckNodePort"] not in (None, found["ports"][0]["nodePort"])


async def test_a_failed_write_takes_nothing() -> None:
    cluster = Cluster()
    document = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7"},
    }
    with pytest.raises(ConnectionError):
        async with cluster.allocator.for_create(document, False):
            raise ConnectionError
    assert (await cluster.create("other", clusterIP="10.96.0.7"))["clusterIP"] == "10.96.0.7"


async def test_a_dry_run_takes_nothing() -> None:
    cluster = Cluster()
    await cluster.create("web", dry_run=True, clusterIP="10.96.0.7")
    assert (await cluster.create("other", clusterIP="10.96.0.7"))["clusterIP"] == "10.96.0.7"


async def test_what_is_written_is_taken_before_it_can_be_seen() -> None:
    cluster = Cluster()
    document = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7"},
    }
    async with cluster.allocator.for_create(document, False):
        cluster.services.written.append(from_document(document, Service))
    with pytest.raises(Invalid, match="already allocated"):
        await cluster.create("other", clusterIP="10.96.0.7")


async def test_what_was_deleted_is_free_at_once() -> None:
    cluster = Cluster()
    await cluster.create("web", clusterIP="10.96.0.7")
    cluster.services.written.clear()
    assert (await cluster.create("web", clusterIP="10.96.0.7"))["clusterIP"] == "10.96.0.7"


async def test_what_was_deleted_before_it_was_seen_is_free_once_later_writes_are_seen() -> None:
    cluster = Cluster()
    document = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7"},
    }
    async with cluster.allocator.for_create(document, False):
        pass  # written, and deleted by somebody before the reader showed it
    await cluster.create("later")
    assert (await cluster.create("other", clusterIP="10.96.0.7"))["clusterIP"] == "10.96.0.7"


async def test_an_update_keeps_what_it_has_and_gets_what_it_lacks() -> None:
    cluster = Cluster()
    old = {"metadata": {"name": "web", "namespace": "shop"}, "spec": await cluster.create("web", ports=[{"port": 80}])}
    spec = {**old["spec"], "type": "NodePort", "ports": [{"port": 80}]}
    new = {"metadata": old["metadata"], "spec": spec}
    async with cluster.allocator.for_update(new, old, False):
        assert spec["clusterIP"] == old["spec"]["clusterIP"]
        assert spec["ports"][0]["nodePort"] >= 30086


async def test_a_full_range() -> None:
    cluster = Cluster("10.96.0.0/30")
    await cluster.create("kubernetes", namespace="default", clusterIP="10.96.0.1")
    await cluster.create("last")
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        await cluster.create("one too many")


def test_every_port_can_be_picked_the_front_last() -> None:
    ports, taken = PortRange(30000, 30031), set[int]()
    while len(taken) < 32:
        taken.add(ports.pick(taken, Random(1)))
        assert len(taken) > 16 or min(taken) >= 30016, "the front is for those who ask by number"
    assert taken == set(range(30000, 30032))
    with pytest.raises(AllocationError, match="range is full"):
        ports.pick(taken, Random(1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("30000-32767", PortRange(30000, 32767), id="range"),
        pytest.param("30000+100", PortRange(30000, 30100), id="size"),
        pytest.param("30000", PortRange(30000, 30000), id="one port"),
        pytest.param("5-1", None, id="backwards"),
        pytest.param("0-9", None, id="port zero"),
        pytest.param("a-b", None, id="no numbers"),
    ],
)
def test_port_range(text: str, expected: PortRange | None) -> None:
    if expected is None:
        with pytest.raises(ValueError):
            PortRange.parse(text)
    else:
        assert PortRange.parse(text) == expected


@pytest.mark.parametrize(
    ("cidr", "first", "size"),
    [
        pytest.param("10.96.0.0/12", "10.96.0.1", 2**20 - 2, id="the usual one"),
        pytest.param("10.0.0.0/30", "10.0.0.1", 2, id="a small one"),
        pytest.param("fd00::/64", "fd00::1", 2**16, id="no more than anybody needs"),
    ],
)
def test_address_range(cidr: str, first: str, size: int) -> None:
    found = AddressRange(ipaddress.ip_network(cidr))
    assert (str(found.first), found.size) == (first, size)
