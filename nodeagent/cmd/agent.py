"""The agent: builds the rooms of one node, introduces them to each other, and runs them.

rules   Services                         ─┐
names   DNS                               ├─ from the first moment, from whatever the caches hold
pods    overlay, pods, the node's API    ─┘
node    registration, then Lease and status, once the API server answers
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Coroutine, Mapping
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

from controlplane.api.core_v1 import Node, Service, Taint
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.api.release import VERSION
from controlplane.client import kubeconfig
from controlplane.client.client import Client
from controlplane.client.delegated import DelegatedGuard
from controlplane.client.informer import Informers
from controlplane.client.transport import HttpTransport
from controlplane.kit.clock import Clock, SystemClock
from controlplane.kit.metrics import new_registry
from controlplane.kit.serving import Page, metrics_page
from controlplane.kit.systemd import Notifier
from nodeagent.cmd.certificates import NodeCertificates
from nodeagent.cmd.config import NodeAgentConfig, parse_labels, parse_taints
from nodeagent.cmd.health import keep_serving, proxy_health_pages, proxy_metrics_pages, serve_plain, serve_secured
from nodeagent.cmd.node import NodeRooms
from nodeagent.cmd.proxy import build_proxier, open_iptables
from nodeagent.dns.directory import SERVICE_INDEXES, SLICE_INDEXES, CachedDirectory
from nodeagent.dns.forward import Forwarder
from nodeagent.dns.server import DnsMetrics, DnsServer, Resolver
from nodeagent.dns.zone import Zone
from nodeagent.kernel.netlink import Address, Netlink, NetlinkFailure
from nodeagent.kernel.thread import KernelThread
from nodeagent.metrics.kubelet import KubeletMetrics
from nodeagent.network.overlay import Overlay, OverlaySettings
from nodeagent.node.address import node_addresses
from nodeagent.node.render import NodeSettings

log = logging.getLogger(__name__)

_OWN_SECONDS = 15.0  # how long the DNS address stays away at most when somebody took it off the loopback interface

Work = Coroutine[Any, Any, None]


async def run_agent(config: NodeAgentConfig) -> None:
    """Be a node until cancelled. Raises Explained where that cannot be."""
    clock = SystemClock()
    connection = kubeconfig.load(Path(config.kubeconfig)).connection()
    thread = KernelThread("network")
    netlink = await thread.run(Netlink)
    addresses = await thread.run(node_addresses, config.node_ip, connection.server, netlink)
    # Each config map or secret that a pod uses is a watch, and each watch is a connection: no limit.
    async with connection.open(clock, connections=0) as transport:
        await Agent(config, transport, addresses, netlink, thread, clock).run()


class Agent:
    """The rooms of one node, introduced to each other."""

    def __init__(
        self,
        config: NodeAgentConfig,
        transport: HttpTransport,
        addresses: tuple[Address, ...],  # this node's, its main one first
        netlink: Netlink,  # lives in `network_thread`
        network_thread: KernelThread,
        clock: Clock,
    ):
        self.config, self.addresses, self.clock = config, addresses, clock
        self.name = config.hostname_override or socket.gethostname().lower()
        self.random, self.notifier = Random(), Notifier(os.environ)
        self.client = Client(transport, user_agent=f"nodeagent/{VERSION}")
        self.informers = Informers(self.client, clock, self.random)
        self.netlink, self.network_thread = netlink, network_thread
        self.rules_thread, self.files_thread = KernelThread("rules"), KernelThread("files")
        self.iptables = open_iptables(config.iptables_variant)
        # A registry for each upstream program whose figures we show: none is scraped twice.
        self.registry, self.proxy_registry, self.dns_registry = (new_registry(VERSION) for _ in range(3))
        self.kubelet_metrics = KubeletMetrics(self.registry, self.name, clock)
        self.guard = DelegatedGuard(self.client, clock)
        self.certificates = NodeCertificates(
            config, self.name, tuple(map(str, addresses)), self.client, clock, self.random
        )
        self.started = clock.monotonic()

    async def run(self) -> None:
        """Run the rooms until cancelled; raises what any of them raises."""
        rooms = NodeRooms(self, self._overlay())
        work = [self.notifier.keep_alive(self.clock), *self._rules(), *await self._names(), *rooms.coroutines()]
        async with asyncio.TaskGroup() as tasks:
            # The caches last: every room has asked for what it follows by then.
            for one in [*work, self.informers.run()]:
                tasks.create_task(one)

    # Services

    def _rules(self) -> list[Work]:
        config, clock, registry = self.config, self.clock, self.proxy_registry
        proxier = build_proxier(
            node_name=self.name,
            cluster_cidr=config.cluster_cidr,
            answered_here=frozenset(config.dns_addresses),
            informers=self.informers,
            kernel=self.rules_thread,
            iptables=self.iptables,
            registry=registry,
            clock=clock,
        )
        metrics, health = proxy_metrics_pages(registry), proxy_health_pages(proxier, clock)
        host = config.healthz_bind_address
        return [
            proxier.run(),
            self._keep_secured("proxy metrics", metrics, config.proxy_metrics_port),
            keep_serving("proxy health", partial(serve_plain, health, host, config.proxy_healthz_port), clock),
        ]

    def _keep_secured(self, what: str, pages: Mapping[str, Page], port: int) -> Work:
        return keep_serving(what, partial(serve_secured, pages, port, self.certificates.tls, self.guard), self.clock)

    # DNS

    async def _names(self) -> list[Work]:
        config, clock = self.config, self.clock
        services = self.informers.of(Service, indexes=SERVICE_INDEXES)
        slices = self.informers.of(EndpointSlice, indexes=SLICE_INDEXES)
        zone = Zone(config.cluster_domain, CachedDirectory(services, slices))
        forwarder = Forwarder(clock, frozenset(config.dns_addresses))
        server = DnsServer(Resolver(zone, forwarder, DnsMetrics(self.dns_registry), clock), config.dns_addresses)
        await self.network_thread.run(self._own_dns_addresses)
        return [
            self._keep_dns_addresses(),
            keep_serving("DNS", server.run, clock),
            self._keep_secured("DNS metrics", {"/metrics": metrics_page(self.dns_registry)}, config.dns_metrics_port),
        ]

    async def _keep_dns_addresses(self) -> None:
        """Put the addresses back that somebody took away; sockets bound to them go on as if nothing had been."""
        while True:
            await self.clock.sleep(_OWN_SECONDS)
            try:
                await self.network_thread.run(self._own_dns_addresses)
            except NetlinkFailure as failure:
                log.warning("DNS address: %s", failure)

    def _own_dns_addresses(self) -> None:
        """Have the cluster's DNS addresses on the loopback interface: this node answers them itself."""
        loopback = self.netlink.link("lo")
        if loopback is None:
            raise NetlinkFailure("there is no loopback interface")
        present = self.netlink.addresses(loopback.index)
        for address in self.config.dns_interface_addresses:
            if address not in present:
                self.netlink.add_address(loopback.index, address)

    # The pod network and the Node

    def _overlay(self) -> Overlay:
        config = self.config
        settings = OverlaySettings(
            node_name=self.name,
            addresses=self.addresses,
            cluster_cidrs=tuple(map(ip_network, config.cluster_cidr.split(","))),
            vni=config.iface_vxlan_id,
            port=config.iface_vxlan_port,
        )
        nodes = self.informers.of(Node)
        iptables = {4: self.iptables}
        return Overlay(settings, self.client, nodes, self.network_thread, self.netlink, iptables, self.clock)

    def node_settings(self) -> NodeSettings:
        config = self.config
        taints = parse_taints(config.register_with_taints)
        return NodeSettings(
            name=self.name,
            addresses=tuple(map(str, self.addresses)),
            labels=parse_labels(config.node_labels),
            taints=tuple(Taint(key=key, value=value, effect=effect) for key, value, effect in taints),
            max_pods=config.max_pods,
            port=config.port,
            version=VERSION,
        )

    def own_node(self) -> Node | None:
        """This node's object, as the cache has it."""
        return self.informers.of(Node).lister.get("", self.name)
