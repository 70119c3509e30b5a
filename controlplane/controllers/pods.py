"""What controllers ask of a pod: is it active, ready, available, and since when."""

from __future__ import annotations

from datetime import datetime, timedelta

from controlplane.api.core_v1 import Pod, PodCondition
from controlplane.controllers import conditions
from controlplane.kit.timestamps import parse_time


def has_finished(pod: Pod) -> bool:
    """Its containers have ended and will not start again."""
    return pod.status.phase in ("Succeeded", "Failed")


def is_terminating(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


def is_active(pod: Pod) -> bool:
    """It runs or is going to: it counts towards a ReplicaSet's replicas."""
    return not has_finished(pod) and not is_terminating(pod)


def ready_condition(pod: Pod) -> PodCondition | None:
    return conditions.find(pod.status.conditions, "Ready")


def is_ready(pod: Pod) -> bool:
    condition = ready_condition(pod)
    return condition is not None and condition.status == "True"


def ready_since(pod: Pod) -> datetime | None:
    """Return when the pod became ready; None while it is not, or when nobody noted the time."""
    condition = ready_condition(pod)
    if condition is None or condition.status != "True" or not condition.last_transition_time:
        return None
    return parse_time(condition.last_transition_time)


def is_available(pod: Pod, min_ready_seconds: int, now: datetime) -> bool:
    """It has been ready for at least `min_ready_seconds`."""
    if not is_ready(pod):
        return False
    since = ready_since(pod)
    return min_ready_seconds == 0 or (since is not None and since + timedelta(seconds=min_ready_seconds) <= now)


def most_restarts(pod: Pod) -> int:
    """Return the restart count of the container that restarted most often."""
    return max((container.restart_count or 0 for container in pod.status.container_statuses), default=0)
