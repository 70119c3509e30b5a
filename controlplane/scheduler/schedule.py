"""The decision itself: one pod, one snapshot, one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.filters.all_filters import FILTERS
from controlplane.scheduler.scores.all_scores import SCORES
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

# In large clusters a good node is better than the best one late: upstream looks for this many of them.
_ALWAYS_ALL, _LEAST_PERCENT, _PERCENT, _NODES_PER_PERCENT = 100, 5, 50, 125

_NO_HELP = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


@dataclass(frozen=True, slots=True)
class Fit:
    """The pod goes to `node`; `feasible` of the `evaluated` nodes would have done."""

    node: str
    evaluated: int
    feasible: int


@dataclass(frozen=True, slots=True)
class NoFit:
    """No node suits: the message for people, and which rules would have to change their mind."""

    message: str
    rejected_by: frozenset[str]


Decision: TypeAlias = Fit | NoFit


def schedule(pod: PodInfo, snapshot: Snapshot, random: Random) -> Decision:
    """Choose a node. Nodes that score the same are drawn by lot."""
    nodes = snapshot.nodes
    if not nodes:
        return NoFit("no nodes available to schedule pods", frozenset({"NodeName"}))
    tests = [(name, test) for name, prepare in FILTERS if (test := prepare(pod, snapshot))]
    feasible, rejected = _filter(nodes, tests, random)
    if not feasible:
        rejections = [rejection for _, rejection in rejected]
        return NoFit(explain(len(nodes), rejections), frozenset(name for name, _ in rejected))
    chosen = feasible[0] if len(feasible) == 1 else _best(pod, snapshot, feasible, random)
    return Fit(chosen.name, len(feasible) + len(rejected), len(feasible))


def _filter(
    nodes: Sequence[NodeInfo], tests: Sequence[tuple[str, Test]], random: Random
) -> tuple[list[NodeInfo], list[tuple[str, Rejection]]]:
    feasible: list[NodeInfo] = []
    rejected: list[tuple[str, Rejection]] = []
    enough = _enough(len(nodes))
    start = random.randrange(len(nodes)) if enough < len(nodes) else 0
    for index in range(len(nodes)):
        node = nodes[(start + index) % len(nodes)]
        for name, test in tests:
            rejection = test(node)
            if rejection is not None:
                rejected.append((name, rejection))
                break
        else:
            feasible.append(node)
            if len(feasible) >= enough:
                break
    return feasible, rejected


def _enough(nodes: int) -> int:
    """Return how many possible nodes are enough to choose from."""
    percent = max(_LEAST_PERCENT, _PERCENT - nodes // _NODES_PER_PERCENT)
    return nodes if nodes < _ALWAYS_ALL else max(_ALWAYS_ALL, nodes * percent // 100)


def _best(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo], random: Random) -> NodeInfo:
    totals = [0.0] * len(nodes)
    for _, weight, score in SCORES:
        scores = score(pod, snapshot, nodes)
        if scores is not None:
            totals = [total + weight * one for total, one in zip(totals, scores, strict=True)]
    most = max(totals)
    return random.choice([node for node, total in zip(nodes, totals, strict=True) if total == most])


def explain(nodes: int, rejections: Sequence[Rejection]) -> str:
    """Return upstream's sentence: 0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. …"""
    reasons = _counted(reason for rejection in rejections for reason in rejection.reasons)
    # Where evicting others could have helped, there was nobody to evict.
    hopes = _counted(_NO_HELP if rejection.final else _NO_VICTIMS for rejection in rejections)
    return (
        f"0/{nodes} nodes are available: {reasons}. no new claims to deallocate, "
        f"preemption: 0/{nodes} nodes are available: {hopes}."
    )


def _counted(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))
