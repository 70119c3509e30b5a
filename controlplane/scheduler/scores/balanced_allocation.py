"""Prefer the node whose cpu and memory would be used to the same share, so that neither is stranded."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.scheduler.scores import MAX
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "NodeResourcesBalancedAllocation", 1


def score(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    if not pod.requests:
        return None  # a pod that asks for nothing balances nothing
    return [_balance(pod, node) for node in nodes]


def _balance(pod: PodInfo, node: NodeInfo) -> float:
    shares = [
        min(1.0, (node.requested.get(name, 0) + pod.requests.get(name, 0)) / offered)
        for name in ("cpu", "memory")
        if (offered := node.allocatable.get(name, 0))
    ]
    # The standard deviation of two shares is half their distance.
    deviation = abs(shares[0] - shares[1]) / 2 if len(shares) == 2 else 0.0
    return int((1 - deviation) * MAX)
