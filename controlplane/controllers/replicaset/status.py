"""What the status of a ReplicaSet says of its pods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlplane.api.apps_v1 import ReplicaSet, ReplicaSetCondition, ReplicaSetStatus
from controlplane.api.core_v1 import Pod
from controlplane.controllers import conditions
from controlplane.controllers.pods import has_finished, is_active, is_available, is_ready, is_terminating, ready_since
from controlplane.controllers.replicaset.plan import wanted_replicas
from controlplane.kit.timestamps import format_time

REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True, slots=True)
class Failure:
    """Pods could not be created or deleted: `reason` is FailedCreate or FailedDelete."""

    reason: str
    error: Exception


def status(replica_set: ReplicaSet, pods: Sequence[Pod], failure: Failure | None, now: datetime) -> ReplicaSetStatus:
    """Return the status after looking at the ReplicaSet's `pods`; counts that are zero are absent, as upstream's."""
    active = [pod for pod in pods if is_active(pod)]
    min_ready = replica_set.spec.min_ready_seconds or 0
    template_labels = replica_set.spec.template.metadata.labels.items()
    return ReplicaSetStatus(
        replicas=len(active),
        fully_labeled_replicas=sum(template_labels <= pod.metadata.labels.items() for pod in active) or None,
        ready_replicas=sum(is_ready(pod) for pod in active) or None,
        available_replicas=sum(is_available(pod, min_ready, now) for pod in active) or None,
        terminating_replicas=sum(is_terminating(pod) and not has_finished(pod) for pod in pods),
        observed_generation=replica_set.metadata.generation,
        conditions=_conditions(replica_set, failure, now),
    )


def _conditions(replica_set: ReplicaSet, failure: Failure | None, now: datetime) -> list[ReplicaSetCondition]:
    current = replica_set.status.conditions
    if failure is None:
        return conditions.without(current, REPLICA_FAILURE)
    return conditions.put(
        current,
        ReplicaSetCondition(
            type=REPLICA_FAILURE,
            status="True",
            reason=failure.reason,
            message=str(failure.error),
            last_transition_time=format_time(now),
        ),
    )


def next_look(replica_set: ReplicaSet, pods: Sequence[Pod], now: datetime) -> float | None:
    """Return the seconds until the next ready pod becomes available: no event will tell of that."""
    min_ready = replica_set.spec.min_ready_seconds or 0
    if min_ready == 0 or wanted_replicas(replica_set) == 0:
        return None
    due = [
        since + timedelta(seconds=min_ready)
        for pod in pods
        if is_active(pod) and (since := ready_since(pod)) is not None
    ]
    # Times have whole seconds, so what is due "now" is looked at again a moment later.
    waits = [(moment - now).total_seconds() for moment in due if moment > now]
    return min(waits) + 0.01 if waits else None
