"""Prefer nodes with fewer PreferNoSchedule taints that the pod does not tolerate."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.api.taints import untolerated
from controlplane.scheduler.scores import scaled
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "TaintToleration", 3


def score(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    tolerations = pod.pod.spec.tolerations
    counts = [sum(1 for _ in untolerated(node.node.spec.taints, tolerations, ("PreferNoSchedule",))) for node in nodes]
    return scaled(counts, reverse=True)
