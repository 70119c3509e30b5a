"""A port of the node is taken by one pod at a time."""

from __future__ import annotations

from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "NodePorts"

_REJECTION = Rejection(("node(s) didn't have free ports for the requested pod ports",))


def prepare(pod: PodInfo, _: Snapshot) -> Test | None:
    if not pod.ports:
        return None

    def test(node: NodeInfo) -> Rejection | None:
        taken = (port for other in node.pods.values() for port in other.ports)
        conflict = any(wanted.conflicts(port) for port in taken for wanted in pod.ports)
        return _REJECTION if conflict else None

    return test
