"""Makes the kernel hold what the plan says: the tunnel device, then the difference in entries."""

from __future__ import annotations

from dataclasses import dataclass

from nodeagent.kernel.netlink import Address, Link, Netlink, NetlinkFailure, Network, Route, Vxlan
from nodeagent.network.mtu import overlay_mtu
from nodeagent.network.plan import Plan


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The device as it should be."""

    name: str
    mac: str
    vni: int
    port: int
    local: Address
    subnet: Network

    @property
    def own_address(self) -> str:
        """The device's address: the first of the node's pod network, alone, so that no connected route appears."""
        return f"{self.subnet.network_address}/{self.subnet.max_prefixlen}"


def ensure_device(netlink: Netlink, tunnel: Tunnel) -> tuple[Link, bool]:
    """Make, repair or remake the tunnel device; return it and whether anything had to change.

    A VXLAN device's attributes cannot be changed in place: a device that differs is deleted and made anew.
    """
    underlay = _link_by_index(netlink, netlink.link_with(tunnel.local))
    mtu = overlay_mtu(underlay.mtu, tunnel.local.version)
    wanted = Vxlan(tunnel.vni, tunnel.port, tunnel.local, underlay.index)
    link, changed = netlink.link(tunnel.name), False
    if link is not None and (link.vxlan != wanted or link.mac != tunnel.mac):
        netlink.delete_link(link.index)
        link = None
    if link is None:
        link, changed = netlink.add_vxlan(tunnel.name, wanted, tunnel.mac, mtu), True
    elif link.mtu != mtu or not link.up:
        netlink.set_link(link.index, mtu=mtu, up=True)
        changed = True
    changed |= _ensure_address(netlink, link, tunnel.own_address)
    return netlink.link(tunnel.name) or link, changed


def _ensure_address(netlink: Netlink, link: Link, wanted: str) -> bool:
    present = netlink.addresses(link.index)
    for stale in present - {wanted}:
        netlink.delete_address(link.index, stale)
    if wanted not in present:
        netlink.add_address(link.index, wanted)
    return present != {wanted}


def _link_by_index(netlink: Netlink, index: int) -> Link:
    found = next((link for link in netlink.links() if link.index == index), None)
    if found is None:
        raise NetlinkFailure("the interface of the node's address vanished while it was looked at")
    return found


def apply(netlink: Netlink, device: int, plan: Plan) -> int:
    """Bring the entries of the tunnel device to what the plan says; return how many had to change.

    A peer's neighbour and forwarding entries come before its route, and go after it: no packet finds half a path.
    """
    routes = {Route(route.destination, route.gateway, device) for route in plan.routes}
    neighbours, forwarding = netlink.neighbours(device), netlink.forwarding(device)
    present = netlink.routes(device)
    changes = 0
    for route in present - routes:
        netlink.delete_route(route)
        changes += 1
    for entry in forwarding - plan.forwarding:
        netlink.delete_forwarding(device, entry)
        changes += 1
    for neighbour in neighbours - plan.neighbours:
        netlink.delete_neighbour(device, neighbour)
        changes += 1
    for entry in plan.forwarding - forwarding:
        netlink.replace_forwarding(device, entry)
        changes += 1
    for neighbour in plan.neighbours - neighbours:
        netlink.replace_neighbour(device, neighbour)
        changes += 1
    for route in routes - present:
        netlink.replace_route(route)
        changes += 1
    return changes
