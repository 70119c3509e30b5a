"""Which pods a scale-down deletes first: the least useful ones.

1  not on a node                        before  on a node
2  Pending, then Unknown                before  Running
3  not ready                            before  ready
4  lower controller.kubernetes.io/pod-deletion-cost
5  on a node with more pods of the same Deployment
6  ready for a shorter time             (compared by powers of two, so that old pods are picked at random)
7  restarted more often
8  younger                              (powers of two again)
9  smaller UID: as good as random, and the same on every look
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from controlplane.api.core_v1 import Pod
from controlplane.controllers.pods import is_active, is_ready, most_restarts, ready_since
from controlplane.kit.timestamps import parse_time

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE = {"Pending": 0, "Unknown": 1, "Running": 2}


def deletion_order(pods: Sequence[Pod], related: Iterable[Pod], now: datetime) -> list[Pod]:
    """Return `pods`, the ones to delete first in front. `related` are all pods of the same Deployment."""
    crowd = Counter(pod.spec.node_name for pod in related if is_active(pod))
    return sorted(pods, key=lambda pod: _rank(pod, crowd[pod.spec.node_name], now))


def _rank(pod: Pod, crowd: int, now: datetime) -> tuple[object, ...]:
    return (
        bool(pod.spec.node_name),
        _PHASE.get(pod.status.phase, 0),
        is_ready(pod),
        deletion_cost(pod),
        -crowd,
        _age_class(ready_since(pod), now),
        -most_restarts(pod),
        _age_class(parse_time(pod.metadata.creation_timestamp) if pod.metadata.creation_timestamp else None, now),
        pod.metadata.uid,
    )


def deletion_cost(pod: Pod) -> int:
    """Return what the pod's owner says it would cost to lose it; what cannot be read counts as nothing said."""
    try:
        return int(pod.metadata.annotations.get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _age_class(since: datetime | None, now: datetime) -> float:
    """Return the power of two of an age in seconds, rounded down; -1 for what has not begun."""
    if since is None or since > now:
        return -1
    return math.floor(math.log2(1 + (now - since).total_seconds()))
