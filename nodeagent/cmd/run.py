"""`nodeagent run`: builds the agent out of its rooms and runs it until systemd says stop. Pods outlive it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from nodeagent.cmd.config import CONFIG_FILE, NodeAgentConfig, load, parse_labels, parse_taints

if TYPE_CHECKING:
    from controlplane.api.core_v1 import Node
    from controlplane.client.client import Client
    from controlplane.client.informer import Informers
    from controlplane.client.transport import HttpTransport
    from controlplane.kit.clock import Clock
    from nodeagent.kernel.netlink import Address, Netlink
    from nodeagent.kernel.thread import KernelThread
    from nodeagent.network.overlay import Overlay
    from nodeagent.node.render import NodeSettings

log = logging.getLogger(__name__)

_EPILOG = """example:
  nodeagent run --config /etc/sampan/nodeagent.yaml
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="be a node: what sampan-nodeagent.service runs",
        description="Registers this node, runs its pods, its part of the pod network, its Service rules and its DNS.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=CONFIG_FILE, help=f"default: {CONFIG_FILE}")
    parser.add_argument("--v", type=int, default=None, help="log verbosity; overrides the file's")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit import logs
    from controlplane.kit.run import run as run_process
    from nodeagent.cmd.preflight import fix_sysctls

    config = load(options.config)
    logs.set_up(config.v if options.v is None else options.v)
    for change in fix_sysctls():
        log.info("set %s", change)
    return run_process(lambda: _run(config))


async def _run(config: NodeAgentConfig) -> None:
    from controlplane.client import kubeconfig
    from controlplane.kit.clock import SystemClock
    from nodeagent.kernel.netlink import Netlink
    from nodeagent.kernel.thread import KernelThread
    from nodeagent.node.address import node_addresses

    clock = SystemClock()
    connection = kubeconfig.load(Path(config.kubeconfig)).connection()
    thread = KernelThread("network")
    netlink = await thread.run(Netlink)
    addresses = await thread.run(node_addresses, config.node_ip, connection.server, netlink)
    for address in config.cluster_dns.split(","):
        await thread.run(_own, netlink, address)
    # Each config map or secret that a pod uses is a watch, and each watch is a connection: no limit.
    async with connection.open(clock, connections=0) as transport:
        await Agent(config, transport, addresses, netlink, thread, clock).run()


def _own(netlink: Netlink, address: str) -> None:
    """Put an address on the loopback interface: this node answers it itself."""
    loopback = netlink.link("lo")
    assert loopback is not None
    netlink.add_address(loopback.index, f"{address}/{128 if ':' in address else 32}")


@dataclass(slots=True)
class _Identity:
    """Who this node is, once it is known."""

    name: str
    addresses: tuple[Address, ...]


class Agent:
    """The rooms of one node, introduced to each other."""

    def __init__(
        self,
        config: NodeAgentConfig,
        transport: HttpTransport,
        addresses: tuple[Address, ...],
        netlink: Netlink,  # lives in `network_thread`
        network_thread: KernelThread,
        clock: Clock,
    ):
        from controlplane.api.release import VERSION
        from controlplane.client.client import Client
        from controlplane.client.delegated import DelegatedGuard
        from controlplane.client.informer import Informers
        from controlplane.kit.metrics import new_registry
        from controlplane.kit.systemd import Notifier
        from nodeagent.cmd.certificates import NodeCertificates
        from nodeagent.kernel.thread import KernelThread
        from nodeagent.metrics.kubelet import KubeletMetrics

        self.config, self.clock, self.netlink = config, clock, netlink
        self.random = Random()
        self.notifier = Notifier(os.environ)
        name = config.hostname_override or socket.gethostname().lower()
        self.identity = _Identity(name, addresses)
        self.client: Client = Client(transport, user_agent=f"nodeagent/{VERSION}")
        self.informers: Informers = Informers(self.client, clock, self.random)
        self.network_thread = network_thread
        self.rules_thread, self.files_thread = KernelThread("rules"), KernelThread("files")
        self.registry, self.proxy_registry, self.dns_registry = (new_registry(VERSION) for _ in range(3))
        self.kubelet_metrics = KubeletMetrics(self.registry, name)
        self.guard = DelegatedGuard(self.client, clock)
        self.certificates = NodeCertificates(config, name, tuple(map(str, addresses)), self.client, clock, self.random)
        self.started = clock.monotonic()

    async def run(self) -> None:
        """Start the rooms in the order in which they need each other; raises what any of them raises."""
        async with asyncio.TaskGroup() as tasks:
            for coroutine in (self.notifier.keep_alive(self.clock), *self._rules(), *self._names()):
                tasks.create_task(coroutine)
            for coroutine in await self._node():
                tasks.create_task(coroutine)
            tasks.create_task(self.informers.run())
            self.notifier.ready(f"node {self.identity.name} at {self.identity.addresses[0]}")

    # Services

    def _rules(self) -> list[Coroutine[Any, Any, None]]:
        from nodeagent.cmd.health import proxy_health_pages, proxy_metrics_pages, serve_plain, serve_secured
        from nodeagent.cmd.proxy import build_proxier, open_iptables

        config = self.config
        self.iptables = open_iptables(config.iptables_variant)
        proxier = build_proxier(
            node_name=self.identity.name,
            cluster_cidr=config.cluster_cidr,
            answered_here=frozenset(config.cluster_dns.split(",")),
            informers=self.informers,
            kernel=self.rules_thread,
            iptables=self.iptables,
            registry=self.proxy_registry,
            clock=self.clock,
        )
        return [
            proxier.run(),
            serve_secured(
                proxy_metrics_pages(self.proxy_registry), config.proxy_metrics_port, self.certificates.tls, self.guard
            ),
            serve_plain(
                proxy_health_pages(proxier, self.clock), config.healthz_bind_address, config.proxy_healthz_port
            ),
        ]

    # DNS

    def _names(self) -> list[Coroutine[Any, Any, None]]:
        from controlplane.api.core_v1 import Service
        from controlplane.api.discovery_v1 import EndpointSlice
        from controlplane.kit.serving import metrics_page
        from nodeagent.cmd.health import serve_secured
        from nodeagent.dns.directory import SERVICE_INDEXES, SLICE_INDEXES, CachedDirectory
        from nodeagent.dns.forward import Forwarder
        from nodeagent.dns.server import DnsMetrics, DnsServer, Resolver
        from nodeagent.dns.zone import Zone

        addresses = self.config.cluster_dns.split(",")
        services = self.informers.of(Service, indexes=SERVICE_INDEXES)
        slices = self.informers.of(EndpointSlice, indexes=SLICE_INDEXES)
        zone = Zone(self.config.cluster_domain, CachedDirectory(services, slices))
        forwarder = Forwarder(self.clock, frozenset(addresses))
        resolver = Resolver(zone, forwarder, DnsMetrics(self.dns_registry), self.clock)
        pages = {"/metrics": metrics_page(self.dns_registry)}
        metrics = serve_secured(pages, self.config.dns_metrics_port, self.certificates.tls, self.guard)
        return [DnsServer(resolver, addresses).run(), metrics]

    # The node and its pods

    async def _node(self) -> list[Coroutine[Any, Any, None]]:
        from nodeagent.cmd.node import NodeRooms

        rooms = NodeRooms(self, self._overlay())
        return await rooms.start()

    def _overlay(self) -> Overlay:
        from controlplane.api.core_v1 import Node
        from nodeagent.network.overlay import Overlay, OverlaySettings

        config = self.config
        settings = OverlaySettings(
            node_name=self.identity.name,
            addresses=self.identity.addresses,
            cluster_cidrs=tuple(map(ip_network, config.cluster_cidr.split(","))),
            vni=config.iface_vxlan_id,
            port=config.iface_vxlan_port,
        )
        nodes = self.informers.of(Node)
        iptables = {4: self.iptables}
        return Overlay(settings, self.client, nodes, self.network_thread, self.netlink, iptables, self.clock)

    def node_settings(self) -> NodeSettings:
        from controlplane.api.core_v1 import Taint
        from controlplane.api.release import VERSION
        from nodeagent.node.render import NodeSettings

        config = self.config
        return NodeSettings(
            name=self.identity.name,
            addresses=tuple(map(str, self.identity.addresses)),
            labels=parse_labels(config.node_labels),
            taints=tuple(
                Taint(key=key, value=value, effect=effect)
                for key, value, effect in parse_taints(config.register_with_taints)
            ),
            max_pods=config.max_pods,
            port=config.port,
            version=VERSION,
        )

    def own_node(self) -> Node | None:
        from controlplane.api.core_v1 import Node

        return self.informers.of(Node).lister.get("", self.identity.name)
