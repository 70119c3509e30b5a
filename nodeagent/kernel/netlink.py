"""Links, addresses, routes, neighbours and forwarding entries: rtnetlink(7) through pyroute2."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, TypeAlias

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_PERMANENT, _NOARP = 0x80, 0x40  # NUD states, linux/neighbour.h
_SELF = 0x02  # NTF_SELF: the entry is the device's own, not its bridge's
_ONLINK = 4  # RTNH_F_ONLINK: trust that the gateway is there although no address of ours is in its network
_UP = 1  # IFF_UP
_MAIN = 254  # RT_TABLE_MAIN: the routing table that `ip route` shows
_PERMANENT_ENTRY = _PERMANENT | _NOARP


class NetlinkFailure(Exception):
    """The kernel refused a change."""


@dataclass(frozen=True, slots=True)
class Vxlan:
    """The attributes of a VXLAN device that cannot be changed in place."""

    vni: int
    port: int
    local: Address
    underlay: int  # the index of the link that carries the tunnel
    learning: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface."""

    index: int
    name: str
    kind: str  # vxlan, bridge, veth, ... or "" for hardware
    mac: str
    mtu: int
    up: bool
    vxlan: Vxlan | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A destination reached through a gateway on a link."""

    destination: Network
    gateway: Address | None
    link: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A permanent answer to "who has this address": no ARP is sent."""

    address: Address
    mac: str


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A permanent answer of a VXLAN device to "behind which node is this MAC address"."""

    mac: str
    node: Address


@dataclass(frozen=True, slots=True)
class RouteLookup:
    """Which way the kernel sends a packet: the link's index, and the source address it puts in."""

    link: int
    source: Address


class Netlink:
    """A netlink socket of the network namespace it was made in. Not thread-safe; every call blocks."""

    def __init__(self) -> None:
        self._ip = IPRoute()

    def close(self) -> None:
        self._ip.close()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def links(self) -> list[Link]:
        return [_link(message) for message in self._dump("links", self._ip.get_links)]

    def link(self, name: str) -> Link | None:
        return next((link for link in self.links() if link.name == name), None)

    def add_vxlan(self, name: str, vxlan: Vxlan, mac: str, mtu: int) -> Link:
        """Make a VXLAN device, up. Raises NetlinkFailure."""
        self._call(
            "link",
            "add",
            ifname=name,
            kind="vxlan",
            vxlan_id=vxlan.vni,
            vxlan_port=vxlan.port,
            vxlan_link=vxlan.underlay,
            vxlan_learning=int(vxlan.learning),
            address=mac,
            **{"vxlan_local" if vxlan.local.version == 4 else "vxlan_local6": str(vxlan.local)},
        )
        link = self.link(name)
        if link is None:
            raise NetlinkFailure(f"{name} vanished while it was being made")
        self.set_link(link.index, mtu=mtu, up=True)
        return link

    def delete_link(self, index: int) -> None:
        self._call("link", "del", index=index)

    def set_link(self, index: int, *, mtu: int | None = None, up: bool | None = None) -> None:
        changes: dict[str, Any] = {}
        if mtu is not None:
            changes["mtu"] = mtu
        if up is not None:
            changes["state"] = "up" if up else "down"
        self._call("link", "set", index=index, **changes)

    def addresses(self, index: int) -> set[str]:
        """The link's addresses as `10.244.1.0/32`, without link-local ones."""
        messages = self._dump("addresses", lambda: self._ip.get_addr(index=index))
        found = {f"{m.get_attr('IFA_LOCAL') or m.get_attr('IFA_ADDRESS')}/{m['prefixlen']}" for m in messages}
        return {address for address in found if not ip_interface(address).is_link_local}

    def add_address(self, index: int, address: str) -> None:
        """Give a link an address such as `10.244.1.0/32`; having it already is fine."""
        interface = ip_interface(address)
        self._call("addr", "replace", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen)

    def delete_address(self, index: int, address: str) -> None:
        interface = ip_interface(address)
        self._call("addr", "del", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen)

    def routes(self, index: int) -> set[Route]:
        """The routes through gateways that leave by a link."""
        messages = self._dump("routes", lambda: self._ip.get_routes(oif=index, table=_MAIN))
        found = (_route(message, index) for message in messages)
        return {route for route in found if route is not None and route.gateway is not None}

    def replace_route(self, route: Route) -> None:
        self._call("route", "replace", **_route_arguments(route), flags=_ONLINK)

    def delete_route(self, route: Route) -> None:
        self._call("route", "del", **_route_arguments(route))

    def neighbours(self, index: int) -> set[Neighbour]:
        """The permanent neighbours of a link."""
        messages = self._dump("neighbours", lambda: self._ip.get_neighbours(ifindex=index))
        return {
            Neighbour(ip_address(m.get_attr("NDA_DST")), m.get_attr("NDA_LLADDR"))
            for m in messages
            if m["state"] & _PERMANENT and m.get_attr("NDA_LLADDR") and m["family"] != socket.AF_BRIDGE
        }

    def replace_neighbour(self, index: int, neighbour: Neighbour) -> None:
        self._call(
            "neigh",
            "replace",
            ifindex=index,
            dst=str(neighbour.address),
            lladdr=neighbour.mac,
            state=_PERMANENT,
            family=_family(neighbour.address),
        )

    def delete_neighbour(self, index: int, neighbour: Neighbour) -> None:
        self._call("neigh", "del", ifindex=index, dst=str(neighbour.address), family=_family(neighbour.address))

    def forwarding(self, index: int) -> set[Forwarding]:
        """The entries of a VXLAN device that lead to other nodes."""
        messages = self._dump("forwarding entries", lambda: self._ip.fdb("dump", ifindex=index))
        return {
            Forwarding(m.get_attr("NDA_LLADDR"), ip_address(m.get_attr("NDA_DST")))
            for m in messages
            if m["ifindex"] == index and m.get_attr("NDA_DST")
        }

    def replace_forwarding(self, index: int, entry: Forwarding) -> None:
        self._call("fdb", "replace", ifindex=index, **_fdb_arguments(entry))

    def delete_forwarding(self, index: int, entry: Forwarding) -> None:
        self._call("fdb", "del", ifindex=index, **_fdb_arguments(entry))

    def link_with(self, address: Address) -> int:
        """Return the index of the link that has one of our own addresses. Raises NetlinkFailure."""
        for message in self._dump("addresses", lambda: self._ip.get_addr(family=_family(address))):
            if (message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")) == str(address):
                return int(message["index"])
        raise NetlinkFailure(f"no interface of this machine has the address {address}")

    def route_to(self, destination: Address) -> RouteLookup:
        """Ask which way a packet to `destination` would go. Raises NetlinkFailure where there is no route."""
        for message in self._call("route", "get", dst=str(destination), family=_family(destination)):
            link, source = message.get_attr("RTA_OIF"), message.get_attr("RTA_PREFSRC")
            if link and source:
                return RouteLookup(link, ip_address(source))
        raise NetlinkFailure(f"no route to {destination}")

    def _dump(self, what: str, read: Callable[[], Iterable[Any]]) -> list[Any]:
        try:
            return list(read())
        except (NetlinkError, OSError) as error:
            raise NetlinkFailure(f"list {what}: {error}") from error

    def _call(self, what: str, command: str, /, **arguments: Any) -> list[Any]:
        try:
            return list(getattr(self._ip, what)(command, **arguments) or [])
        except (NetlinkError, OSError) as error:
            shown = " ".join(f"{key}={value}" for key, value in arguments.items())
            raise NetlinkFailure(f"{what} {command} {shown}: {error.args[-1]}") from error


def _link(message: Any) -> Link:
    info = message.get_attr("IFLA_LINKINFO")
    kind = info.get_attr("IFLA_INFO_KIND") if info else ""
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        kind=kind or "",
        mac=message.get_attr("IFLA_ADDRESS") or "",
        mtu=message.get_attr("IFLA_MTU") or 0,
        up=bool(message["flags"] & _UP),
        vxlan=_vxlan(info.get_attr("IFLA_INFO_DATA")) if kind == "vxlan" else None,
    )


def _vxlan(data: Any) -> Vxlan:
    local = data.get_attr("IFLA_VXLAN_LOCAL") or data.get_attr("IFLA_VXLAN_LOCAL6") or "0.0.0.0"
    return Vxlan(
        vni=data.get_attr("IFLA_VXLAN_ID"),
        port=data.get_attr("IFLA_VXLAN_PORT"),
        local=ip_address(local),
        underlay=data.get_attr("IFLA_VXLAN_LINK") or 0,
        learning=bool(data.get_attr("IFLA_VXLAN_LEARNING")),
    )


def _route(message: Any, index: int) -> Route | None:
    destination, gateway = message.get_attr("RTA_DST"), message.get_attr("RTA_GATEWAY")
    if destination is None or message.get_attr("RTA_OIF") != index:
        return None
    network = ip_network(f"{destination}/{message['dst_len']}")
    return Route(network, ip_address(gateway) if gateway else None, index)


def _route_arguments(route: Route) -> dict[str, Any]:
    arguments: dict[str, Any] = {"dst": str(route.destination), "oif": route.link}
    if route.gateway is not None:
        arguments["gateway"] = str(route.gateway)
    return arguments


def _fdb_arguments(entry: Forwarding) -> dict[str, Any]:
    # 'replace' takes no defaults from pyroute2: without state and flags the kernel answers EOPNOTSUPP.
    return {"lladdr": entry.mac, "dst": str(entry.node), "state": _PERMANENT_ENTRY, "flags": _SELF}


def _family(address: Address) -> int:
    return int(socket.AF_INET if address.version == 4 else socket.AF_INET6)
