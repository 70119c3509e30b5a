"""When a pod has to leave a tainted node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from controlplane.api.core_v1 import Node, Pod, Taint, Toleration
from controlplane.kit.timestamps import parse_time


def no_execute_taints(node: Node) -> list[Taint]:
    return [taint for taint in node.spec.taints if taint.effect == "NoExecute"]


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint; an absent key or effect covers all of them."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value


def leaves_at(pod: Pod, taints: Sequence[Taint], seen_at: datetime) -> datetime | None:
    """Return when the pod must be deleted; None: it may stay.

    `seen_at` is when the pod was first seen under these taints; it counts where a taint does not say since when it
    is there. What the taint says survives a restart of ours.
    """
    deadlines = []
    for taint in taints:
        covering = [one for one in pod.spec.tolerations if tolerates(one, taint)]
        if not covering:
            return seen_at
        if (seconds := _shortest(covering)) is not None:
            deadlines.append(_since(pod, taint, seen_at) + timedelta(seconds=seconds))
    return min(deadlines, default=None)


def _shortest(tolerations: Iterable[Toleration]) -> int | None:
    """Return the seconds for which all of these tolerate; None: for ever."""
    bounded = [one.toleration_seconds for one in tolerations if one.toleration_seconds is not None]
    return max(0, min(bounded)) if bounded else None


def _since(pod: Pod, taint: Taint, seen_at: datetime) -> datetime:
    """A pod that came after the taint has its whole time; neither can begin in the future of our clock."""
    if not taint.time_added:
        return seen_at
    added = parse_time(taint.time_added)
    created = parse_time(pod.metadata.creation_timestamp) if pod.metadata.creation_timestamp else added
    return min(seen_at, max(added, created))
