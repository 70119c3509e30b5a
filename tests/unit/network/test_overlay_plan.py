"""From Nodes to the overlay's entries."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, ip_address, ip_network

import pytest

from controlplane.api.core_v1 import Node, NodeSpec
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.kernel.netlink import Forwarding, Neighbour
from nodeagent.network.cni import render_conflist, render_subnet_env
from nodeagent.network.masquerade import render
from nodeagent.network.mtu import overlay_mtu
from nodeagent.network.plan import PeerRoute, announcement, plan, tunnel_mac

OWN = IPv4Address("192.168.56.10")


def a_node(name: str, address: str, subnet: str, **changes: str) -> Node:
    annotations = {**announcement(ip_address(address), tunnel_mac(name, 4), 1), **changes}
    return Node(metadata=ObjectMeta(name=name, annotations=annotations), spec=NodeSpec(pod_cidrs=[subnet]))


def test_each_peer_gets_a_route_a_neighbour_and_a_forwarding_entry() -> None:
    found = plan("n0", OWN, [a_node("n0", str(OWN), "10.244.0.0/24"), a_node("n1", "192.168.56.11", "10.244.1.0/24")])
    gateway, mac = IPv4Address("10.244.1.0"), tunnel_mac("n1", 4)
    assert found.routes == {PeerRoute(ip_network("10.244.1.0/24"), gateway)}
    assert found.neighbours == {Neighbour(gateway, mac)}
    assert found.forwarding == {Forwarding(mac, IPv4Address("192.168.56.11"))}
    assert found.problems == ()


@pytest.mark.parametrize(
    ("nodes", "word"),
    [
        pytest.param([a_node("n1", str(OWN), "10.244.1.0/24")], "--node-ip", id="a peer with our own address"),
        pytest.param(
            [a_node("n1", "192.168.56.11", "10.244.1.0/24"), a_node("n2", "192.168.56.11", "10.244.2.0/24")],
            "already node n1's",
            id="two peers with one address",
        ),
        pytest.param(
            [a_node("n1", "192.168.56.11", "10.244.1.0/24"), a_node("n2", "192.168.56.12", "10.244.1.0/24")],
            "is n1's too",
            id="two peers with one pod network",
        ),
        pytest.param(
            [a_node("n1", "192.168.56.11", "10.244.1.0/24", **{"flannel.alpha.coreos.com/backend-data": "{"})],
            "unreadable",
            id="nonsense in an annotation",
        ),
    ],
)
def test_a_contradiction_is_left_out_and_named(nodes: list[Node], word: str) -> None:
    found = plan("n0", OWN, nodes)
    assert len(found.problems) == 1 and word in found.problems[0]
    assert len(found.routes) == len(nodes) - 1


def test_a_node_that_has_not_announced_itself_is_waited_for() -> None:
    silent = Node(metadata=ObjectMeta(name="n1"), spec=NodeSpec(pod_cidrs=["10.244.1.0/24"]))
    assert plan("n0", OWN, [silent]) == plan("n0", OWN, [])


def test_tunnel_mac_is_stable_unicast_and_locally_administered() -> None:
    mac = tunnel_mac("node1", 4)
    assert mac == tunnel_mac("node1", 4) != tunnel_mac("node2", 4)
    assert int(mac[:2], 16) & 0b11 == 0b10


@pytest.mark.parametrize(("underlay", "version", "expected"), [(1500, 4, 1450), (1500, 6, 1430), (9000, 4, 8950)])
def test_overlay_mtu(underlay: int, version: int, expected: int) -> None:
    assert overlay_mtu(underlay, version) == expected


def test_conflist() -> None:
    network = json.loads(render_conflist([ip_network("10.244.1.0/24")], 1450))
    bridge, portmap = network["plugins"]
    assert (bridge["mtu"], bridge["hairpinMode"], bridge["ipMasq"]) == (1450, True, False)
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert portmap["capabilities"] == {"portMappings": True}


def test_subnet_env() -> None:
    text = render_subnet_env([ip_network("10.244.0.0/16")], [ip_network("10.244.1.0/24")], 1450)
    assert text.splitlines() == [
        "FLANNEL_NETWORK=10.244.0.0/16",
        "FLANNEL_SUBNET=10.244.1.1/24",
        "FLANNEL_MTU=1450",
        "FLANNEL_IPMASQ=true",
    ]


def test_masquerade_never_touches_pod_to_pod() -> None:
    rules = render(ip_network("10.244.0.0/16"), ip_network("10.244.1.0/24")).splitlines()
    first_masquerade = next(index for index, rule in enumerate(rules) if "MASQUERADE" in rule)
    within = "-A FLANNEL-POSTRTG -s 10.244.1.0/24 -d 10.244.0.0/16 -j RETURN"
    assert rules.index(within) < first_masquerade
