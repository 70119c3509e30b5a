"""Nodes that were cordoned take no new pods, except those that tolerate just that."""

from __future__ import annotations

from controlplane.api.core_v1 import Taint
from controlplane.api.taints import tolerates
from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "NodeUnschedulable"

CORDONED = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
_REJECTION = Rejection(("node(s) were unschedulable",), final=True)


def prepare(pod: PodInfo, _: Snapshot) -> Test:
    tolerated = any(tolerates(toleration, CORDONED) for toleration in pod.pod.spec.tolerations)

    def test(node: NodeInfo) -> Rejection | None:
        return _REJECTION if node.node.spec.unschedulable and not tolerated else None

    return test
