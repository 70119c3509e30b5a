"""Hard topology spread: no domain may have more than `maxSkew` pods above the emptiest one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot
from controlplane.scheduler.spreading import Constraint, constraints_of, counts_node

NAME = "PodTopologySpread"

_SKEW = Rejection(("node(s) didn't match pod topology spread constraints",))
_NO_LABEL = Rejection(("node(s) didn't match pod topology spread constraints (missing required label)",), final=True)


@dataclass(frozen=True, slots=True)
class _Spread:
    constraint: Constraint
    counts: Counter[str]  # pods by domain
    least: int
    own: int  # 1 if the pod counts itself


def prepare(pod: PodInfo, snapshot: Snapshot) -> Test | None:
    constraints = constraints_of(pod.pod, "DoNotSchedule")
    if not constraints:
        return None
    spreads = [_measure(pod, constraint, snapshot, constraints) for constraint in constraints]

    def test(node: NodeInfo) -> Rejection | None:
        for spread in spreads:
            value = node.labels.get(spread.constraint.topology_key)
            if value is None:
                return _NO_LABEL
            if spread.counts[value] + spread.own - spread.least > spread.constraint.max_skew:
                return _SKEW
        return None

    return test


def _measure(
    pod: PodInfo, constraint: Constraint, snapshot: Snapshot, all_constraints: tuple[Constraint, ...]
) -> _Spread:
    counts: Counter[str] = Counter()
    keys = [one.topology_key for one in all_constraints]
    for node in snapshot.nodes:
        if all(key in node.labels for key in keys) and counts_node(constraint, pod.pod, node):
            counts[node.labels[constraint.topology_key]] += constraint.count(node)
    least = min(counts.values(), default=0) if len(counts) >= constraint.min_domains else 0
    return _Spread(constraint, counts, least, int(constraint.matches(pod.pod)))
