"""Which packets of the pod network get the node's address when they leave: rendered for iptables-restore."""

from __future__ import annotations

from nodeagent.kernel.iptables import Jump
from nodeagent.kernel.netlink import Network

SERVICE_MARK = "0x4000/0x4000"  # the service rules masquerade what carries it; see nodeagent.proxy
POSTROUTING = Jump("nat", "POSTROUTING", "FLANNEL-POSTRTG", "flanneld masq")
FORWARD = Jump("filter", "FORWARD", "FLANNEL-FWD", "flanneld forward")


def render(cluster: Network, own: Network) -> str:
    """Return both chains, whole.

    Pod to pod keeps its source. What comes from outside to a pod here keeps its source too (externalTrafficPolicy
    Local relies on it). Pods talking to the world outside are hidden behind the node, multicast excepted.
    """
    multicast = "224.0.0.0/4" if cluster.version == 4 else "ff00::/8"
    nat = [
        f"-m mark --mark {SERVICE_MARK} -j RETURN",
        f"-s {own} -d {cluster} -j RETURN",
        f"-s {cluster} -d {own} -j RETURN",
        f"! -s {cluster} -d {own} -j RETURN",
        f"-s {cluster} ! -d {multicast} -j MASQUERADE --random-fully",
        f"! -s {cluster} -d {cluster} -j MASQUERADE --random-fully",
    ]
    forward = [f"-s {cluster} -j ACCEPT", f"-d {cluster} -j ACCEPT"]
    return _table("nat", POSTROUTING.target, nat) + _table("filter", FORWARD.target, forward)


def _table(table: str, chain: str, rules: list[str]) -> str:
    # Naming a chain makes iptables-restore --noflush empty it first: the chain is replaced in one transaction.
    lines = [f"*{table}", f":{chain} - [0:0]", *(f"-A {chain} {rule}" for rule in rules), "COMMIT"]
    return "\n".join(lines) + "\n"
