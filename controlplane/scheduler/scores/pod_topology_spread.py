"""Prefer the domains with the fewest pods like this one: its soft constraints, else over nodes and zones by default.

Without constraints of its own, a pod is spread from those of the same controller, or else of the same Services.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from controlplane.api.selectors import Selector, labels_selector
from controlplane.scheduler.scores import MAX
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot
from controlplane.scheduler.spreading import Constraint, constraints_of, counts_node

NAME, WEIGHT = "PodTopologySpread", 2

_HOSTNAME, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
# Upstream's built-in constraints: (topology key, max skew).
_DEFAULTS = ((_HOSTNAME, 3), (_ZONE, 5))

Count = Callable[[NodeInfo], int]


def score(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
    if pod.pod.spec.topology_spread_constraints:
        constraints = constraints_of(pod.pod, "ScheduleAnyway")
        if not constraints:
            return None
        return _normalized(nodes, [_weigh(one, one.count, pod, snapshot, nodes) for one in constraints])
    count = _peers(pod, snapshot)
    if count is None:
        return None
    defaults = [Constraint(pod.key.namespace, Selector(), key, skew) for key, skew in _DEFAULTS]
    return _normalized(nodes, [_weigh(one, count, pod, snapshot, nodes) for one in defaults])


def _peers(pod: PodInfo, snapshot: Snapshot) -> Count | None:
    """Return how to count on a node the pods that this one is to be spread from."""
    if pod.controller:
        return lambda node: node.controllers.get(pod.controller, 0)
    services = snapshot.services_of(pod.pod)
    if not services:
        return None
    selectors = [labels_selector(service.spec.selector) for service in services]
    selector = Selector(tuple(one for selector in selectors for one in selector.requirements))
    return Constraint(pod.key.namespace, selector, _HOSTNAME, 1).count


def _weigh(
    constraint: Constraint, count: Count, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]
) -> Callable[[NodeInfo], float]:
    """Return how full a node's domain is; domains weigh more the more of them there are."""
    key = constraint.topology_key
    if key == _HOSTNAME:
        domains, at = len(nodes), count
    else:
        counts: Counter[str] = Counter()
        for node in snapshot.nodes:
            if key in node.labels and counts_node(constraint, pod.pod, node):
                counts[node.labels[key]] += count(node)
        domains = len({node.labels[key] for node in nodes if key in node.labels})

        def at(node: NodeInfo) -> int:
            return counts[node.labels[key]]

    weight = math.log(domains + 2)
    return lambda node: at(node) * weight + constraint.max_skew - 1 if key in node.labels else 0.0


def _normalized(nodes: Sequence[NodeInfo], weighed: Sequence[Callable[[NodeInfo], float]]) -> Sequence[float] | None:
    raw = [round(sum(weigh(node) for weigh in weighed)) for node in nodes]
    least, most = min(raw, default=0), max(raw, default=0)
    return [MAX * (most + least - one) // most for one in raw] if most > least else None
