"""Rules that say which nodes a pod can run on at all: a rule a file.

A rule is `prepare(pod, snapshot)`: it looks at the pod once and returns the test to put every node to, or None when
the pod does not care. The test returns None for "suits" or a Rejection with upstream's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a node does not suit; `final` when removing pods from the node would not help either."""

    reasons: tuple[str, ...]
    final: bool = False


Test: TypeAlias = Callable[[NodeInfo], Rejection | None]
Filter: TypeAlias = Callable[[PodInfo, Snapshot], Test | None]
