"""nodeSelector and required node affinity: labels the node must have."""

from __future__ import annotations

from controlplane.api.node_selection import selects_node
from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "NodeAffinity"

_REJECTION = Rejection(("node(s) didn't match Pod's node affinity/selector",), final=True)


def prepare(info: PodInfo, _: Snapshot) -> Test | None:
    pod = info.pod
    if not pod.spec.node_selector and (pod.spec.affinity is None or pod.spec.affinity.node_affinity is None):
        return None

    def test(node: NodeInfo) -> Rejection | None:
        return None if selects_node(pod, node.node) else _REJECTION

    return test
