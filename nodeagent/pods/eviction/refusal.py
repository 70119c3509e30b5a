"""Which pods do not start on a node that is short of something: the scheduler may not know it yet."""

from __future__ import annotations

from collections.abc import Collection

from controlplane.api.core_v1 import Pod
from controlplane.api.qos import BEST_EFFORT
from nodeagent.pods.admission import Refusal
from nodeagent.pods.eviction import words
from nodeagent.pods.eviction.rank import is_critical
from nodeagent.pods.eviction.thresholds import MEMORY_PRESSURE
from nodeagent.pods.resources import qos_class

_MEMORY_TAINT = "node.kubernetes.io/memory-pressure"


def refuse(pod: Pod, pressures: Collection[str]) -> Refusal | None:
    """Return why the pod cannot start while these conditions are true, or None if it can."""
    if not pressures or _bears(pod, pressures):
        return None
    return Refusal(words.REASON, f"Pod was rejected: {words.under(pressures)}")


def _bears(pod: Pod, pressures: Collection[str]) -> bool:
    """Short of memory, only a pod that asks for none is sure to make it worse; of anything else, every pod is."""
    if is_critical(pod):
        return True
    if set(pressures) != {MEMORY_PRESSURE}:
        return False
    return qos_class(pod) != BEST_EFFORT or _tolerates_memory_pressure(pod)


def _tolerates_memory_pressure(pod: Pod) -> bool:
    """Whether a toleration covers the taint, which has no value and the effect NoSchedule."""
    return any(
        one.effect in ("", "NoSchedule")
        and (
            (one.key == _MEMORY_TAINT and (one.operator == "Exists" or one.value == ""))
            or (one.key == "" and one.operator == "Exists")
        )
        for one in pod.spec.tolerations
    )
