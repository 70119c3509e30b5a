"""The overlay in a real kernel: two machines, their pods' addresses, packets between them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest

from controlplane.api.core_v1 import Node, NodeSpec
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.kernel.netlink import Link, Netlink
from nodeagent.network.apply import Tunnel, apply, ensure_device
from nodeagent.network.plan import announcement, plan, tunnel_mac
from tests.netns.conftest import Machine


def as_nodes(machines: list[Machine]) -> list[Node]:
    return [
        Node(
            metadata=ObjectMeta(
                name=f"n{number}",
                annotations=announcement(ip_address(machine.address), tunnel_mac(f"n{number}", 4), 1),
            ),
            spec=NodeSpec(pod_cidrs=[f"10.244.{number}.0/24"]),
        )
        for number, machine in enumerate(machines, 1)
    ]


def join(machine: Machine, number: int, nodes: list[Node]) -> tuple[Link, int]:
    """Bring one machine's overlay up to date; return its device and the number of changed entries."""

    def work() -> tuple[Link, int]:
        name, local = f"n{number}", ip_address(machine.address)
        subnet = ip_network(f"10.244.{number}.0/24")
        tunnel = Tunnel("flannel.1", tunnel_mac(name, 4), 1, 8472, local, subnet)
        with Netlink() as netlink:
            link, _ = ensure_device(netlink, tunnel)
            return link, apply(netlink, link.index, plan(name, local, nodes))

    return machine.inside.call(work)


@pytest.fixture
def overlay(machines: Callable[[int], list[Machine]]) -> list[Machine]:
    """Two machines, each with the overlay and one pod address."""
    made = machines(2)
    for number, machine in enumerate(made, 1):
        join(machine, number, as_nodes(made))
        machine.sh(f"ip link add cni0 type bridge; ip addr add 10.244.{number}.1/24 dev cni0; ip link set cni0 up")
    return made


def reaches(source: Machine, options: str) -> bool:
    return source.sh(f"ping -c 1 -W 2 {options}", check=False).returncode == 0


def test_pods_reach_each_other_across_machines(overlay: list[Machine]) -> None:
    assert reaches(overlay[0], "-I 10.244.1.1 10.244.2.1")
    assert reaches(overlay[1], "-I 10.244.2.1 10.244.1.1")


def test_the_largest_packet_fits_and_one_byte_more_does_not(overlay: list[Machine]) -> None:
    ip_and_icmp = 28
    assert reaches(overlay[0], f"-M do -s {1450 - ip_and_icmp} 10.244.2.1")
    assert not reaches(overlay[0], f"-M do -s {1451 - ip_and_icmp} 10.244.2.1")


def test_a_second_run_changes_nothing(overlay: list[Machine]) -> None:
    first, _ = join(overlay[0], 1, as_nodes(overlay))
    assert join(overlay[0], 1, as_nodes(overlay)) == (first, 0)


def test_a_deleted_route_comes_back(overlay: list[Machine]) -> None:
    overlay[0].sh("ip route del 10.244.2.0/24")
    assert not reaches(overlay[0], "10.244.2.1")
    join(overlay[0], 1, as_nodes(overlay))
    assert reaches(overlay[0], "10.244.2.1")


def test_a_deleted_device_comes_back(overlay: list[Machine]) -> None:
    overlay[0].sh("ip link del flannel.1")
    join(overlay[0], 1, as_nodes(overlay))
    assert reaches(overlay[0], "10.244.2.1")


def test_a_node_that_leaves_takes_its_entries_along(overlay: list[Machine]) -> None:
    join(overlay[0], 1, as_nodes(overlay)[:1])
    shown = (
        overlay[0].sh("ip route show dev flannel.1; ip neigh show dev flannel.1; bridge fdb show dev flannel.1").stdout
    )
    assert "10.244.2" not in shown and overlay[1].address not in shown


def test_a_node_that_moves_is_followed(overlay: list[Machine]) -> None:
    overlay[1].sh("ip addr del 192.168.77.12/24 dev eth0; ip addr add 192.168.77.99/24 dev eth0")
    overlay[1].address = "192.168.77.99"
    for number, machine in enumerate(overlay, 1):
        join(machine, number, as_nodes(overlay))
    assert reaches(overlay[0], "10.244.2.1")
