"""What the container runtime reads: the CNI configuration and flannel's subnet.env; rendered purely, written whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from controlplane.kit.files import write_atomically
from nodeagent.kernel.netlink import Network

CONFIG = Path("/etc/cni/net.d/10-sampan.conflist")
SUBNET_ENV = Path("/run/flannel/subnet.env")


def render_conflist(subnets: Sequence[Network], mtu: int) -> str:
    """Return the CNI network: pods on the bridge cni0, addresses from the node's own subnets, host ports mapped.

    Hairpin mode lets a pod reach itself through its own Service; masquerading is left to this room's own rules.
    """
    any_address = {4: "0.0.0.0/0", 6: "::/0"}
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "mtu": mtu,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": str(subnet)}] for subnet in subnets],
            "routes": [{"dst": any_address[version]} for version in sorted({subnet.version for subnet in subnets})],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    network = {"cniVersion": "0.4.0", "name": "sampan", "plugins": [bridge, portmap]}
    return json.dumps(network, indent=2) + "\n"


def render_subnet_env(cluster: Sequence[Network], own: Sequence[Network], mtu: int) -> str:
    """Return /run/flannel/subnet.env, which flannel's CNI plugin and several tools read."""
    lines = []
    for prefix, version in (("FLANNEL_", 4), ("FLANNEL_IPV6_", 6)):
        networks = [str(network) for network in cluster if network.version == version]
        subnets = [
            f"{network.network_address + 1}/{network.prefixlen}" for network in own if network.version == version
        ]
        if networks and subnets:
            lines += [f"{prefix}NETWORK={networks[0]}", f"{prefix}SUBNET={subnets[0]}"]
    return "\n".join([*lines, f"FLANNEL_MTU={mtu}", "FLANNEL_IPMASQ=true"]) + "\n"


def write(path: Path, text: str) -> bool:
    """Replace a file in one step, if it differs; return whether it did. The runtime never reads half a file."""
    if path.exists() and path.read_text() == text:
        return False
    write_atomically(path, text.encode(), 0o644)
    return True
