"""Ports of the node that a pod takes for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controlplane.api.core_v1 import Pod


class HostPort(NamedTuple):
    """A port of the node that a pod takes for itself; "0.0.0.0" means on every address."""

    ip: str
    protocol: str
    port: int

    def conflicts(self, other: HostPort) -> bool:
        same_address = self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip)
        return self.port == other.port and self.protocol == other.protocol and same_address


def host_ports(pod: Pod) -> Iterator[HostPort]:
    """Yield the pod's ports of the node; on the node's network every port is one."""
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        for port in container.ports:
            host_port = port.host_port or (port.container_port if pod.spec.host_network else 0)
            if host_port:
                yield HostPort(port.host_ip or "0.0.0.0", port.protocol or "TCP", host_port)
