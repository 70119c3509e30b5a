"""`nodeagent reset` leaves a machine's network as the agent found it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from nodeagent.cmd.config import NodeAgentConfig
from nodeagent.cmd.reset import _remove_network
from nodeagent.kernel.iptables import Iptables, detect_variant
from nodeagent.kernel.netlink import Netlink
from nodeagent.network import cni, masquerade
from nodeagent.network.apply import Tunnel, ensure_device
from nodeagent.proxy.delta import whole
from nodeagent.proxy.render import JUMPS
from nodeagent.proxy.render import render as render_rules
from tests.netns.conftest import Machine


def _be_a_node(address: str) -> None:
    """Do to the network what the agent does to it."""
    with Netlink() as netlink:
        tunnel = Tunnel("flannel.1", "0a:00:00:00:00:01", 1, 8472, ip_address(address), ip_network("10.244.1.0/24"))
        ensure_device(netlink, tunnel)
        loopback = netlink.link("lo")
        assert loopback is not None
        netlink.add_address(loopback.index, "10.96.0.10/32")
    iptables = Iptables(detect_variant())
    iptables.restore(masquerade.render(ip_network("10.244.0.0/16"), ip_network("10.244.1.0/24")))
    iptables.restore(whole(render_rules({}), {}).text)
    iptables.ensure_jumps([*JUMPS, masquerade.POSTROUTING, masquerade.FORWARD])


def test_nothing_is_left(
    machines: Callable[[int], list[Machine]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = machines(1)[0]
    monkeypatch.setattr(cni, "CONFIG", tmp_path / "conflist")
    monkeypatch.setattr(cni, "SUBNET_ENV", tmp_path / "subnet.env")
    (tmp_path / "conflist").touch()
    machine.inside.call(_be_a_node, machine.address)
    machine.sh("ip link add cni0 type bridge; iptables-save | grep -q KUBE-SERVICES")
    machine.inside.call(_remove_network, NodeAgentConfig())
    assert not any(tmp_path.iterdir())
    left = machine.sh("ip -o addr; iptables-save").stdout
    for trace in ("flannel", "cni0", "10.96.0.10", "KUBE-", "FLANNEL-"):
        assert trace not in left
