"""From Node objects to what the kernel should hold: pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from controlplane.api.core_v1 import Node
from nodeagent.kernel.netlink import Address, Forwarding, Neighbour, Network

BACKEND_TYPE = "flannel.alpha.coreos.com/backend-type"
BACKEND_DATA = "flannel.alpha.coreos.com/backend-data"
BACKEND_V6_DATA = "flannel.alpha.coreos.com/backend-v6-data"
PUBLIC_IP = "flannel.alpha.coreos.com/public-ip"
PUBLIC_IPV6 = "flannel.alpha.coreos.com/public-ipv6"
SUBNET_MANAGER = "flannel.alpha.coreos.com/kube-subnet-manager"


@dataclass(frozen=True, slots=True)
class Member:
    """A node as the overlay of one IP version sees it."""

    name: str
    address: Address  # where its tunnel ends
    subnet: Network  # its pods
    mac: str  # of its tunnel device


@dataclass(frozen=True, slots=True)
class PeerRoute:
    """A peer's pods, reached through the peer's first address, which stands for its tunnel end."""

    destination: Network
    gateway: Address


@dataclass(frozen=True, slots=True)
class Plan:
    """What this node's tunnel device should know of its peers, and what is wrong with the rest."""

    routes: frozenset[PeerRoute] = frozenset()
    neighbours: frozenset[Neighbour] = frozenset()
    forwarding: frozenset[Forwarding] = frozenset()
    problems: tuple[str, ...] = ()


def tunnel_mac(node_name: str, ip_version: int) -> str:
    """Return the MAC address of a node's tunnel device: always the same, so that a reboot changes nothing for peers."""
    digest = hashlib.sha256(f"{node_name}/{ip_version}".encode()).digest()
    first = (digest[0] | 0x02) & 0xFE  # locally administered, unicast: IEEE 802
    return ":".join(f"{byte:02x}" for byte in (first, *digest[1:6]))


def announcement(address: Address, mac: str, vni: int) -> dict[str, str]:
    """Return the annotations by which a node tells its peers where its tunnel ends."""
    data = json.dumps({"VNI": vni, "VtepMAC": mac}, separators=(",", ":"))
    family = {BACKEND_DATA: data, PUBLIC_IP: str(address)}
    if address.version == 6:
        family = {BACKEND_V6_DATA: data, PUBLIC_IPV6: str(address)}
    return {BACKEND_TYPE: "vxlan", SUBNET_MANAGER: "true", **family}


def subnet_of(node: Node, ip_version: int) -> Network | None:
    """The node's pod network of one IP version, once it was given one."""
    cidrs = node.spec.pod_cidrs or ([node.spec.pod_cidr] if node.spec.pod_cidr else [])
    return next((network for network in map(ip_network, cidrs) if network.version == ip_version), None)


def member_of(node: Node, ip_version: int) -> Member | None:
    """Return what a node announced, or None while something is missing. Raises ValueError for nonsense."""
    annotations = node.metadata.annotations
    data = annotations.get(BACKEND_DATA if ip_version == 4 else BACKEND_V6_DATA, "")
    address = annotations.get(PUBLIC_IP if ip_version == 4 else PUBLIC_IPV6, "")
    subnet = subnet_of(node, ip_version)
    if subnet is None or not data or not address:
        return None
    return Member(node.metadata.name, ip_address(address), subnet, _vtep_mac(data))


def _vtep_mac(data: str) -> str:
    parsed = json.loads(data)
    mac = parsed.get("VtepMAC") if isinstance(parsed, Mapping) else None
    if not isinstance(mac, str) or len(mac.split(":")) != 6:
        raise ValueError(f"no VtepMAC in {data!r}")
    return mac.lower()


def plan(own_name: str, own_address: Address, nodes: Sequence[Node]) -> Plan:
    """Decide the entries for every peer; a node that contradicts another one is left out and named."""
    peers: dict[Address, Member] = {}
    subnets: dict[Network, str] = {}
    problems: list[str] = []
    for node in sorted(nodes, key=lambda node: node.metadata.name):
        if node.metadata.name == own_name:
            continue
        try:
            member = member_of(node, own_address.version)
        except ValueError as error:
            problems.append(f"node {node.metadata.name}: unreadable overlay annotations: {error}")
            continue
        if member is None:
            continue
        twin = (
            own_name if member.address == own_address else peers[member.address].name if member.address in peers else ""
        )
        if twin:
            problems.append(f"node {member.name}: {duplicate_address(member.address, twin)}")
        elif member.subnet in subnets:
            problems.append(f"node {member.name}: pod network {member.subnet} is {subnets[member.subnet]}'s too")
        else:
            peers[member.address] = member
            subnets[member.subnet] = member.name
    return _entries(list(peers.values()), tuple(problems))


def duplicate_address(address: Address, other: str) -> str:
    """Say what is wrong, and its usual cause and cure (every VirtualBox machine's first interface is 10.0.2.15)."""
    return (
        f"address {address} is already node {other}'s; give each node an address of its own with --node-ip "
        "(on Vagrant: the one on the private network, not the NAT interface)"
    )


def _entries(peers: Sequence[Member], problems: tuple[str, ...]) -> Plan:
    return Plan(
        routes=frozenset(PeerRoute(peer.subnet, peer.subnet.network_address) for peer in peers),
        neighbours=frozenset(Neighbour(peer.subnet.network_address, peer.mac) for peer in peers),
        forwarding=frozenset(Forwarding(peer.mac, peer.address) for peer in peers),
        problems=problems,
    )
