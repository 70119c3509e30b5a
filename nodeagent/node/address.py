"""Which of a machine's addresses is the node's: that of the interface that routes to the API server."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from controlplane.kit.explained import Explained
from nodeagent.kernel.netlink import Address, Netlink, NetlinkFailure


class NoAddress(Explained):
    """The node's address cannot be told."""


def node_addresses(configured: str, server: str, netlink: Netlink) -> tuple[Address, ...]:
    """Return the node's addresses, the first of which is its main one.

    `configured` is --node-ip (comma-separated for dual stack); without it the kernel is asked which way it would go to
    the API server. The first interface's address would be wrong wherever machines share a NAT (Vagrant: 10.0.2.15).
    """
    if configured:
        found = tuple(ip_address(part.strip()) for part in configured.split(","))
        for address in found:
            _check_ours(address, netlink)
        return found
    candidates = _resolve(server)
    for candidate in candidates:
        try:
            route = netlink.route_to(candidate)
        except NetlinkFailure:
            continue
        if not route.source.is_loopback:
            return (route.source,)
    raise NoAddress(f"no interface routes to the API server {server}: give this node's address with --node-ip")


def _check_ours(address: Address, netlink: Netlink) -> None:
    try:
        netlink.link_with(address)
    except NetlinkFailure as failure:
        raise NoAddress(f"--node-ip: {failure}") from failure


def _resolve(server: str) -> Sequence[Address]:
    parts = urlsplit(server)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoAddress(f"the API server's name {parts.hostname} does not resolve: {error}") from error
    return [ip_address(entry[4][0]) for entry in found]
