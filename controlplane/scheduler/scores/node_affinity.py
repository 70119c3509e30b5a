"""Prefer nodes that match the pod's preferred node affinity, by the weights it gives."""

from __future__ import annotations

from collections.abc import Sequence

from controlplane.api.core_v1 import Node, PreferredSchedulingTerm
from controlplane.api.node_selection import term_matches
from controlplane.scheduler.scores import scaled
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "NodeAffinity", 2


def score(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    affinity = pod.pod.spec.affinity
    if affinity is None or affinity.node_affinity is None:
        return None
    preferred = affinity.node_affinity.preferred_during_scheduling_ignored_during_execution
    return scaled([_weight(preferred, node.node) for node in nodes])


def _weight(preferred: Sequence[PreferredSchedulingTerm], node: Node) -> int:
    return sum(term.weight for term in preferred if term_matches(term.preference, node))
