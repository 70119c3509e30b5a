"""From service ports and their endpoints to rules, in kube-proxy's chains and words: pure.

Rules are iptables-save text without `-A CHAIN`. Equal input gives equal rules, so that comparing them tells a change.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nodeagent.kernel.iptables import Jump
from nodeagent.proxy.endpoints import Endpoint, Usable
from nodeagent.proxy.service_ports import PortName, ServicePort

SERVICES, EXTERNAL_SERVICES, NODE_PORTS = "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"
POSTROUTING, FORWARD, MARK_MASQ = "KUBE-POSTROUTING", "KUBE-FORWARD", "KUBE-MARK-MASQ"
MARK = "0x4000"  # upstream's masquerade bit, 14

PORTALS, EXTERNALS = "kubernetes service portals", "kubernetes externally-visible service portals"
JUMPS = (
    Jump("filter", "INPUT", EXTERNAL_SERVICES, EXTERNALS, new_connections_only=True),
    Jump("filter", "FORWARD", EXTERNAL_SERVICES, EXTERNALS, new_connections_only=True),
    Jump("filter", "FORWARD", SERVICES, PORTALS, new_connections_only=True),
    Jump("filter", "FORWARD", FORWARD, "kubernetes forwarding rules"),
    Jump("filter", "OUTPUT", SERVICES, PORTALS, new_connections_only=True),
    Jump("nat", "PREROUTING", SERVICES, PORTALS),
    Jump("nat", "OUTPUT", SERVICES, PORTALS),
    Jump("nat", "POSTROUTING", POSTROUTING, "kubernetes postrouting rules"),
)

Chains = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NodeView:
    """What the rules need to know of this node. `pod_cidr` tells pods from the outside; "" where it is not known."""

    ip_version: int = 4
    pod_cidr: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """One service port's share of the ruleset: chains of its own, and lines in the shared ones."""

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    node_ports: tuple[str, ...] = ()
    rejected_inside: tuple[str, ...] = ()  # filter KUBE-SERVICES
    rejected_outside: tuple[str, ...] = ()  # filter KUBE-EXTERNAL-SERVICES


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Both tables, whole: chain name to rules."""

    nat: Chains
    filter: Chains

    def tables(self) -> Iterator[tuple[str, Chains]]:
        yield "filter", self.filter
        yield "nat", self.nat


def chain_name(prefix: str, name: PortName, endpoint: str = "") -> str:
    """Return upstream's name of a chain: a prefix and 16 letters of a hash, for 28 bytes is all the kernel allows."""
    digest = hashlib.sha256(f"{name}{name.protocol.lower()}{endpoint}".encode()).digest()
    return prefix + base64.b32encode(digest[:10]).decode()  # 10 bytes are 16 letters


def render_service(name: PortName, service: ServicePort, endpoints: Usable, node: NodeView) -> ServiceRules:
    """Return the rules of one service port."""
    svc, svl, ext = (chain_name(prefix, name) for prefix in ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-"))
    chains: dict[str, tuple[str, ...]] = {}
    if endpoints.internal:
        chains[svc] = (*_masquerade_from_outside(name, service, node), *_choose(name, service, endpoints.internal))
    outside = svc
    if endpoints.external and (service.external_local or endpoints.external != endpoints.internal):
        chains[svl], outside = _choose(name, service, endpoints.external), svl
    if service.externally_reachable and endpoints.external:
        chains[ext] = _external(name, service, svc if endpoints.internal else "", outside, node)
    for endpoint in dict.fromkeys((*endpoints.internal, *endpoints.external)):
        chains[chain_name("KUBE-SEP-", name, str(endpoint))] = _to_endpoint(name, service, endpoint)
    return ServiceRules(
        chains=chains,
        services=tuple(_entrances(name, service, endpoints, svc, ext)),
        node_ports=_node_port(name, service, f"-j {ext}") if endpoints.external else (),
        rejected_inside=tuple(_refused_inside(name, service, endpoints)),
        rejected_outside=tuple(_refused_outside(name, service, endpoints)),
    )


def _entrances(name: PortName, service: ServicePort, endpoints: Usable, svc: str, ext: str) -> Iterator[str]:
    if endpoints.internal:
        yield f'-m comment --comment "{name} cluster IP" {_to(name, service.cluster_ip, service.port)} -j {svc}'
    if endpoints.external:
        for address in service.external_ips:
            yield f'-m comment --comment "{name} external IP" {_to(name, address, service.port)} -j {ext}'


def _refused_inside(name: PortName, service: ServicePort, endpoints: Usable) -> Iterator[str]:
    if not endpoints.internal:
        why, target = _refusal(endpoints.internal_elsewhere)
        yield f'-m comment --comment "{name} {why}" {_to(name, service.cluster_ip, service.port)} -j {target}'


def _refused_outside(name: PortName, service: ServicePort, endpoints: Usable) -> Iterator[str]:
    if endpoints.external:
        return
    why, target = _refusal(endpoints.external_elsewhere)
    for address in service.external_ips:
        yield f'-m comment --comment "{name} {why}" {_to(name, address, service.port)} -j {target}'
    if service.node_port:
        local = "-m addrtype --dst-type LOCAL"
        yield f'-m comment --comment "{name} {why}" {local} {_protocol(name)} --dport {service.node_port} -j {target}'


def _refusal(elsewhere: bool) -> tuple[str, str]:
    return ("has no local endpoints", "DROP") if elsewhere else ("has no endpoints", "REJECT")


def _node_port(name: PortName, service: ServicePort, verdict: str) -> tuple[str, ...]:
    if not service.node_port:
        return ()
    return (f'-m comment --comment "{name}" {_protocol(name)} --dport {service.node_port} {verdict}',)


def _masquerade_from_outside(name: PortName, service: ServicePort, node: NodeView) -> tuple[str, ...]:
    """Who is not a pod (the node itself, a machine that routes to us) must get its answer back through this node."""
    if not node.pod_cidr:
        return ()
    target = _to(name, service.cluster_ip, service.port)
    return (f'-m comment --comment "{name} cluster IP" ! -s {node.pod_cidr} {target} -j {MARK_MASQ}',)


def _external(name: PortName, service: ServicePort, svc: str, outside: str, node: NodeView) -> tuple[str, ...]:
    """The way in for a NodePort or external address."""
    if not service.external_local:
        mark = f'-m comment --comment "masquerade traffic for {name} external destinations" -j {MARK_MASQ}'
        return (mark, f"-j {outside}")
    rules = []
    if node.pod_cidr and svc:
        rules.append(f'-s {node.pod_cidr} -m comment --comment "pod traffic for {name} external destinations" -j {svc}')
    if svc:
        local = "-m addrtype --src-type LOCAL"
        note = f'-m comment --comment "masquerade LOCAL traffic for {name} external destinations"'
        rules.append(f"{note} {local} -j {MARK_MASQ}")
        note = f'-m comment --comment "route LOCAL traffic for {name} external destinations"'
        rules.append(f"{note} {local} -j {svc}")
    return (*rules, f"-j {outside}")


def _choose(name: PortName, service: ServicePort, endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Pick an endpoint: the one the client had before, if affinity asks for it, else each with the same chance."""
    chains = [(endpoint, chain_name("KUBE-SEP-", name, str(endpoint))) for endpoint in endpoints]
    rules = []
    if service.affinity_seconds:
        for endpoint, chain in chains:
            seen = f"-m recent --name {chain} --rcheck --seconds {service.affinity_seconds} --reap --rsource"
            rules.append(f'-m comment --comment "{name} -> {endpoint}" {seen} -j {chain}')
    for index, (endpoint, chain) in enumerate(chains):
        left = len(chains) - index
        # Each rule takes its share of what the rules before it left over; the last takes the rest.
        chance = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        rules.append(f'-m comment --comment "{name} -> {endpoint}" {chance}-j {chain}')
    return tuple(rules)


def _to_endpoint(name: PortName, service: ServicePort, endpoint: Endpoint) -> tuple[str, ...]:
    """Rewrite the destination. A pod that reaches itself is masqueraded, or it would answer itself directly."""
    note = f'-m comment --comment "{name}"'
    chain = chain_name("KUBE-SEP-", name, str(endpoint))
    seen = f"-m recent --name {chain} --set --rsource " if service.affinity_seconds else ""
    return (
        f"{note} -s {endpoint.ip} -j {MARK_MASQ}",
        f"{note} {seen}{_protocol(name)} -j DNAT --to-destination {endpoint}",
    )


def _protocol(name: PortName) -> str:
    protocol = name.protocol.lower()
    return f"-m {protocol} -p {protocol}"


def _to(name: PortName, address: str, port: int) -> str:
    return f"{_protocol(name)} -d {address} --dport {port}"


def render(services: Mapping[PortName, ServiceRules]) -> Ruleset:
    """Put the shares together, sorted by name, with the chains they stand on."""
    ordered = [services[name] for name in sorted(services)]
    last = (
        '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
        f"-m addrtype --dst-type LOCAL -j {NODE_PORTS}"
    )
    nat: Chains = {
        SERVICES: (*(rule for one in ordered for rule in one.services), last),
        NODE_PORTS: tuple(rule for one in ordered for rule in one.node_ports),
        POSTROUTING: (
            f"-m mark ! --mark {MARK}/{MARK} -j RETURN",
            f"-j MARK --xor-mark {MARK}",  # a packet that comes back through the bridge is not masqueraded twice
            '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
        ),
        MARK_MASQ: (f"-j MARK --or-mark {MARK}",),
    }
    for one in ordered:
        nat.update(one.chains)
    forward = '-m comment --comment "kubernetes forwarding'
    filters: Chains = {
        SERVICES: tuple(rule for one in ordered for rule in one.rejected_inside),
        EXTERNAL_SERVICES: tuple(rule for one in ordered for rule in one.rejected_outside),
        FORWARD: (
            # A packet that conntrack cannot place would reach the client un-NATed, and the client would reset.
            "-m conntrack --ctstate INVALID -j DROP",
            f'{forward} rules" -m mark --mark {MARK}/{MARK} -j ACCEPT',
            f'{forward} conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        ),
    }
    return Ruleset(nat, filters)
