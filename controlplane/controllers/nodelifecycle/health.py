"""What the conditions of a silent node say: that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.core_v1 import Node, NodeCondition, Pod, PodCondition
from controlplane.controllers import conditions
from controlplane.kit.timestamps import format_time

# The conditions a node agent posts; without it nobody knows them.
_POSTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Grace:
    """How long, in seconds, a node may be silent; one that never spoke gets longer."""

    running: float = 40.0
    starting: float = 60.0


def readiness(node: Node) -> str:
    """Return "True", "False" or "Unknown"."""
    ready = conditions.find(node.status.conditions, "Ready")
    return ready.status if ready is not None else "Unknown"


def is_silent(node: Node, silent_for: float, grace: Grace) -> bool:
    has_spoken = conditions.find(node.status.conditions, "Ready") is not None
    return silent_for > (grace.running if has_spoken else grace.starting)


def unknown_conditions(node: Node, now: datetime) -> list[NodeCondition]:
    """Return the conditions of a silent node; the same list if they say so already."""
    result = node.status.conditions
    for type_ in _POSTED:
        old = conditions.find(result, type_)
        if old is None:
            result = [*result, _never_posted(type_, node, now)]
        elif old.status != "Unknown":
            result = [_stopped(one, now) if one is old else one for one in result]
    return result


def _never_posted(type_: str, node: Node, now: datetime) -> NodeCondition:
    return NodeCondition(
        type=type_,
        status="Unknown",
        reason="NodeStatusNeverUpdated",
        message="Kubelet never posted node status.",
        last_heartbeat_time=node.metadata.creation_timestamp,
        last_transition_time=format_time(now),
    )


def _stopped(old: NodeCondition, now: datetime) -> NodeCondition:
    return replace(
        old,
        status="Unknown",
        reason="NodeStatusUnknown",
        message="Kubelet stopped posting node status.",
        last_transition_time=format_time(now),
    )


def not_ready_condition(pod: Pod, now: datetime) -> PodCondition | None:
    """Return the Ready condition of a pod on a silent node; None if it says False already."""
    ready = conditions.find(pod.status.conditions, "Ready")
    if ready is None or ready.status == "False":
        return None
    return replace(ready, status="False", last_transition_time=format_time(now))
