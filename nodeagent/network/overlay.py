"""The overlay as a component: announces this node, follows its peers, repairs what somebody changed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from controlplane.api.core_v1 import Node
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.informer import Informer
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.iptables import Iptables, IptablesFailure
from nodeagent.kernel.netlink import Address, Netlink, NetlinkFailure, Network
from nodeagent.kernel.thread import KernelThread
from nodeagent.network import cni, masquerade
from nodeagent.network.apply import Tunnel, apply, ensure_device
from nodeagent.network.condition import say_the_network_is_up
from nodeagent.network.plan import Plan, announcement, plan, subnet_of, tunnel_mac

log = logging.getLogger(__name__)

REPAIR_SECONDS = 15.0  # how long a route or rule that somebody deleted stays away at most


@dataclass(frozen=True, slots=True)
class OverlaySettings:
    """What the administrator may choose; the defaults are flannel's."""

    node_name: str
    addresses: tuple[Address, ...]  # this node's, at most one of each IP version
    cluster_cidrs: tuple[Network, ...]
    vni: int = 1
    port: int = 8472
    device: str = "flannel.1"
    device_v6: str = "flannel-v6.1"


@dataclass(frozen=True, slots=True)
class Side:
    """One IP version's half of the overlay."""

    address: Address
    cluster: Network
    device: str


class Overlay:
    """Keeps the kernel in step with the Nodes. `problem` says what pods still lack; empty when nothing."""

    def __init__(
        self,
        settings: OverlaySettings,
        client: Client,
        nodes: Informer[Node],
        kernel: KernelThread,
        netlink: Netlink,
        iptables: dict[int, Iptables],
        clock: Clock,
    ):
        self._settings, self._client, self._nodes = settings, client, nodes
        self._kernel, self._netlink, self._iptables, self._clock = kernel, netlink, iptables, clock
        self._changed = asyncio.Event()
        self._reported: tuple[str, ...] = ()
        self.problem = "waiting for the list of nodes"
        nodes.on_change(self._note)

    def _note(self, old: Node | None, new: Node | None) -> None:
        # Heartbeats change Nodes all the time; only what the plan reads may wake us.
        if old is None or new is None or _relevant(old) != _relevant(new):
            self._changed.set()

    async def run(self) -> None:
        """Follow the nodes until cancelled."""
        while True:
            self._changed.clear()
            try:
                self._say(await self._reconcile())
            except (NetlinkFailure, IptablesFailure, Unreachable, StatusError, OSError, ValueError) as failure:
                # The kernel, the API server, a file, or a pod network that is none: whatever it is may mend itself.
                self._say(str(failure))
            await happens_within(self._changed, REPAIR_SECONDS, self._clock)

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.info("pod network: %s", problem or "ready")
        self.problem = problem

    async def _reconcile(self) -> str:
        own = self._nodes.lister.get("", self._settings.node_name)
        if own is None:
            return "this machine's Node is not registered yet"
        sides = [side for side in self._sides() if subnet_of(own, side.address.version)]
        if not sides:
            return "the Node has no podCIDR yet: the nodeipam controller assigns it"
        mtus = [await self._reconcile_side(own, side) for side in sides]
        subnets = [subnet for side in sides if (subnet := subnet_of(own, side.address.version))]
        clusters = [side.cluster for side in sides]
        cni.write(cni.SUBNET_ENV, cni.render_subnet_env(clusters, subnets, min(mtus)))
        cni.write(cni.CONFIG, cni.render_conflist(subnets, min(mtus)))
        await self._announce(own, sides)  # last: pods of this node need no API server
        await say_the_network_is_up(self._client, own, self._clock.now())
        return ""

    def _sides(self) -> list[Side]:
        names = {4: self._settings.device, 6: self._settings.device_v6}
        return [
            Side(address, cluster, names[address.version])
            for address in self._settings.addresses
            for cluster in self._settings.cluster_cidrs
            if cluster.version == address.version
        ]

    async def _reconcile_side(self, own: Node, side: Side) -> int:
        """Bring one IP version's device, entries and rules up to date; return the MTU for pods."""
        version = side.address.version
        subnet = subnet_of(own, version)
        assert subnet is not None
        name = self._settings.node_name
        mac = tunnel_mac(name, version)
        tunnel = Tunnel(side.device, mac, self._settings.vni, self._settings.port, side.address, subnet)
        wanted = plan(name, side.address, self._nodes.lister.list())
        self._report(wanted)
        link, remade = await self._kernel.run(ensure_device, self._netlink, tunnel)
        changes = await self._kernel.run(apply, self._netlink, link.index, wanted)
        jumps = await self._kernel.run(self._program, self._iptables[version], side.cluster, subnet)
        if remade or changes or jumps:
            log.info("%s: %d peers, %d entries changed", side.device, len(wanted.routes), changes)
        return link.mtu

    def _program(self, iptables: Iptables, cluster: Network, subnet: Network) -> bool:
        """Load the masquerade chains if they are not there as they should be; runs in the kernel thread."""
        jumps = (masquerade.POSTROUTING, masquerade.FORWARD)
        present = iptables.rule_count("nat", masquerade.POSTROUTING.target)
        text = masquerade.render(cluster, subnet)
        if present != text.count(f"-A {masquerade.POSTROUTING.target} "):
            iptables.restore(text)
        return bool(iptables.ensure_jumps(jumps))

    def _report(self, wanted: Plan) -> None:
        if wanted.problems != self._reported:
            for problem in wanted.problems:
                log.warning("overlay: %s", problem)
        self._reported = wanted.problems

    async def _announce(self, own: Node, sides: list[Side]) -> None:
        wanted: dict[str, str] = {}
        for side in sides:
            mac = tunnel_mac(self._settings.node_name, side.address.version)
            wanted |= announcement(side.address, mac, self._settings.vni)
        if any(own.metadata.annotations.get(key) != value for key, value in wanted.items()):
            await self._client.patch(Node, self._settings.node_name, {"metadata": {"annotations": wanted}})


def _relevant(node: Node) -> tuple[object, ...]:
    flannel = {key: value for key, value in node.metadata.annotations.items() if key.startswith("flannel.")}
    return flannel, node.spec.pod_cidr, node.spec.pod_cidrs
