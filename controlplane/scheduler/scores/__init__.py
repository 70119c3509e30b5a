"""Rules that say which of the possible nodes is best: a rule a file.

A rule gets the pod and the nodes that passed every filter and returns a number from 0 to 100 for each, or None when it
has no opinion. The rules' numbers are added with upstream's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

MAX = 100

Score: TypeAlias = Callable[[PodInfo, Snapshot, Sequence[NodeInfo]], Sequence[float] | None]


def scaled(raw: Sequence[float], *, reverse: bool = False) -> Sequence[float] | None:
    """Scale counts so that the largest becomes 100 (or, reversed, 0); None when they do not differ from zero."""
    largest = max(raw, default=0)
    if largest <= 0:
        return None
    return [MAX - value * MAX // largest if reverse else value * MAX // largest for value in raw]
