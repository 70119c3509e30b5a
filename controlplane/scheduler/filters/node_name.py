"""A pod that names its node goes there or nowhere."""

from __future__ import annotations

from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "NodeName"

_REJECTION = Rejection(("node(s) didn't match the requested node name",), final=True)


def prepare(pod: PodInfo, _: Snapshot) -> Test | None:
    wanted = pod.pod.spec.node_name
    if not wanted:
        return None

    def test(node: NodeInfo) -> Rejection | None:
        return None if node.name == wanted else _REJECTION

    return test
