"""Prefer the node with the largest share of cpu and memory left."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.scheduler.scores import MAX
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "NodeResourcesFit", 1

_COUNTED = ("cpu", "memory")


def score(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float]:
    return [_left(pod, node) for node in nodes]


def _left(pod: PodInfo, node: NodeInfo) -> int:
    shares = []
    for name in _COUNTED:
        offered = node.allocatable.get(name, 0)
        if offered:
            wanted = node.scored.get(name, 0) + pod.scored[name]
            shares.append(max(0, offered - wanted) * MAX // offered)
    return sum(shares) // len(shares) if shares else 0
