"""`nodeagent proxy`: only the service proxy, for a machine that is no node, or one whose kubelet is somebody else's."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodeagent.cmd.config import NodeAgentConfig

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from controlplane.client.informer import Informers
    from controlplane.kit.clock import Clock
    from nodeagent.kernel.iptables import Iptables
    from nodeagent.kernel.thread import KernelThread
    from nodeagent.proxy.proxier import Proxier

_EPILOG = """example:
  nodeagent proxy --kubeconfig /etc/sampan/nodeagent.conf --cluster-cidr 10.244.0.0/16
"""


def add_parser(commands: Any) -> None:
    defaults = NodeAgentConfig()
    parser = commands.add_parser(
        "proxy",
        help="program Service rules only",
        description="Follows Services and EndpointSlices and programs this machine's iptables, and does nothing else.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kubeconfig", required=True, help="where the API server is and who we are")
    parser.add_argument("--hostname-override", default="", help="this node's name (default: the host name)")
    parser.add_argument(
        "--cluster-cidr", default=defaults.cluster_cidr, help="the pod network: who is not in it is masqueraded"
    )
    parser.add_argument("--iptables-variant", default="auto", choices=["auto", "legacy", "nft"])
    parser.add_argument("--metrics-port", type=int, default=defaults.proxy_metrics_port, help="0: none")
    parser.add_argument("--healthz-port", type=int, default=defaults.proxy_healthz_port, help="0: none")
    parser.add_argument("--v", type=int, default=2, help="log verbosity")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.kit import logs
    from controlplane.kit.run import run as run_process

    logs.set_up(options.v)
    return run_process(lambda: _run(options))


async def _run(options: argparse.Namespace) -> None:
    from random import Random

    from controlplane.api.release import VERSION
    from controlplane.client import kubeconfig
    from controlplane.client.client import Client
    from controlplane.client.informer import Informers
    from controlplane.kit.clock import SystemClock
    from controlplane.kit.metrics import new_registry
    from controlplane.kit.systemd import Notifier
    from nodeagent.cmd.health import LOOPBACK, proxy_health_pages, proxy_metrics_pages, serve_plain
    from nodeagent.kernel.thread import KernelThread

    clock, notifier = SystemClock(), Notifier(os.environ)
    registry = new_registry(VERSION)
    connection = kubeconfig.load(Path(options.kubeconfig)).connection()
    async with connection.open(clock) as transport:
        informers = Informers(Client(transport, user_agent=f"nodeagent-proxy/{VERSION}"), clock, Random())
        kernel = KernelThread("iptables")
        proxier = build_proxier(
            node_name=options.hostname_override or socket.gethostname().lower(),
            cluster_cidr=options.cluster_cidr,
            answered_here=frozenset(),
            informers=informers,
            kernel=kernel,
            iptables=open_iptables(options.iptables_variant),
            registry=registry,
            clock=clock,
        )
        notifier.ready("programming Services")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(informers.run())
            tasks.create_task(proxier.run())
            tasks.create_task(notifier.keep_alive(clock))
            tasks.create_task(serve_plain(proxy_metrics_pages(registry), LOOPBACK, options.metrics_port))
            tasks.create_task(serve_plain(proxy_health_pages(proxier, clock), LOOPBACK, options.healthz_port))


def build_proxier(
    *,
    node_name: str,
    cluster_cidr: str,
    answered_here: frozenset[str],
    informers: Informers,
    kernel: KernelThread,
    iptables: Iptables,
    registry: CollectorRegistry,
    clock: Clock,
) -> Proxier:
    """Return the proxy of IPv4, with the informers it needs asked for."""
    from controlplane.api.core_v1 import Service
    from controlplane.api.discovery_v1 import EndpointSlice
    from nodeagent.kernel import sysctl
    from nodeagent.proxy.metrics import ProxyMetrics
    from nodeagent.proxy.proxier import SERVICE_INDEX, Proxier, ProxySettings, index_by_service
    from nodeagent.proxy.render import NodeView

    pods = next((cidr for cidr in cluster_cidr.split(",") if ip_network(cidr).version == 4), "")
    sysctl.write("net.ipv4.conf.all.route_localnet", "1")  # a NodePort answers on 127.0.0.1 too, as kube-proxy's does
    return Proxier(
        ProxySettings(node_name, NodeView(4, pods), answered_here),
        informers.of(Service),
        informers.of(EndpointSlice, indexes={SERVICE_INDEX: index_by_service}),
        kernel,
        iptables,
        ProxyMetrics(registry),
        clock,
    )


def open_iptables(variant: str) -> Iptables:
    from nodeagent.kernel.iptables import Iptables, Variant, detect_variant

    return Iptables(detect_variant() if variant == "auto" else Variant(variant))
