"""Prefer nodes near to, or away from, the pods that preferred pod (anti-)affinity names, both ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from controlplane.scheduler.affinity_terms import Term
from controlplane.scheduler.scores import MAX
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME, WEIGHT = "InterPodAffinity", 2

# A pod that requires to be near others likes it when they come to it: upstream's hardPodAffinityWeight.
_HARD_WEIGHT = 1


def score(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    terms = pod.affinity
    if not snapshot.has_affinity and not terms.preferred and not terms.preferred_anti:
        return None
    weights: Counter[tuple[str, str]] = Counter()
    for node in snapshot.nodes:
        for other in node.pods.values():
            for term, weight in _pulls(pod, other, snapshot):
                value = node.labels.get(term.topology_key)
                if value is not None:
                    weights[term.topology_key, value] += weight
    return _normalized([sum(weights[item] for item in node.labels.items() if item in weights) for node in nodes])


def _pulls(pod: PodInfo, other: PodInfo, snapshot: Snapshot) -> Iterator[tuple[Term, int]]:
    """Yield each term that draws the two pods together (positive) or apart (negative)."""
    labels = snapshot.namespace_labels
    ours, theirs = pod.affinity, other.affinity
    yield from ((term, term.weight) for term in ours.preferred if term.matches(other.pod, labels))
    yield from ((term, -term.weight) for term in ours.preferred_anti if term.matches(other.pod, labels))
    if theirs:
        yield from ((term, _HARD_WEIGHT) for term in theirs.required if term.matches(pod.pod, labels))
        yield from ((term, term.weight) for term in theirs.preferred if term.matches(pod.pod, labels))
        yield from ((term, -term.weight) for term in theirs.preferred_anti if term.matches(pod.pod, labels))


def _normalized(raw: Sequence[int]) -> Sequence[float] | None:
    least, most = min(raw, default=0), max(raw, default=0)
    return [MAX * (one - least) // (most - least) for one in raw] if most > least else None
