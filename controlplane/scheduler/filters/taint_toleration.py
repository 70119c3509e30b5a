"""Every NoSchedule and NoExecute taint of the node must be tolerated."""

from __future__ import annotations

from controlplane.api.taints import untolerated
from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "TaintToleration"

EFFECTS = ("NoSchedule", "NoExecute")
# Upstream names no taint here since 1.35: with many nodes, each taint's own text made messages endless.
_REJECTION = Rejection(("node(s) had untolerated taint(s)",), final=True)


def prepare(pod: PodInfo, _: Snapshot) -> Test:
    tolerations = pod.pod.spec.tolerations

    def test(node: NodeInfo) -> Rejection | None:
        taints = node.node.spec.taints
        return _REJECTION if taints and any(untolerated(taints, tolerations, EFFECTS)) else None

    return test
