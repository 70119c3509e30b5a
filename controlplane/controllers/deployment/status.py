"""The status of a Deployment: what `kubectl rollout status` waits for.

Progressing     True     NewReplicaSetCreated, FoundNewReplicaSet, ReplicaSetUpdated  it moves
                True     NewReplicaSetAvailable                                     it arrived
                False    ProgressDeadlineExceeded, ReplicaSetCreateError            it is stuck
                Unknown  DeploymentPaused, DeploymentResumed                        the deadline does not run
Available       True     MinimumReplicasAvailable     at least spec.replicas - maxUnavailable pods are available
ReplicaFailure  True     as the ReplicaSet says       pods cannot be created or deleted
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet, ReplicaSetCondition
from controlplane.controllers import conditions
from controlplane.controllers.deployment.fenceposts import max_unavailable, replicas
from controlplane.controllers.deployment.fleet import Fleet, total_available, total_size
from controlplane.kit.timestamps import format_time, parse_time

PROGRESSING, AVAILABLE, REPLICA_FAILURE = "Progressing", "Available", "ReplicaFailure"
ARRIVED, STUCK = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1


def has_deadline(deployment: Deployment) -> bool:
    return deployment.spec.progress_deadline_seconds not in (None, _NO_DEADLINE)


def condition(type_: str, status: str, reason: str, message: str, now: datetime) -> DeploymentCondition:
    moment = format_time(now)
    return DeploymentCondition(
        type=type_,
        status=status,
        reason=reason,
        message=message,
        last_update_time=moment,
        last_transition_time=moment,
    )


def counts(deployment: Deployment, fleet: Fleet, now: datetime) -> DeploymentStatus:
    """Return the sums over all ReplicaSets, with the Available condition; zero is absent, as upstream writes it."""
    available = total_available(fleet.all)
    return DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=sum(one.status.replicas or 0 for one in fleet.all) or None,
        updated_replicas=(fleet.new.status.replicas if fleet.new is not None else None) or None,
        ready_replicas=sum(one.status.ready_replicas or 0 for one in fleet.all) or None,
        available_replicas=available or None,
        unavailable_replicas=max(0, total_size(fleet.all) - available) or None,
        terminating_replicas=sum(one.status.terminating_replicas or 0 for one in fleet.all),
        collision_count=deployment.status.collision_count,
        conditions=conditions.put(deployment.status.conditions, _availability(deployment, available, now)),
    )


def _availability(deployment: Deployment, available: int, now: datetime) -> DeploymentCondition:
    if available >= replicas(deployment) - max_unavailable(deployment):
        message = "Deployment has minimum availability."
        return condition(AVAILABLE, "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return condition(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)


def with_progress(deployment: Deployment, fleet: Fleet, status: DeploymentStatus, now: datetime) -> DeploymentStatus:
    """Return the status with Progressing and ReplicaFailure as they follow from the step from the old one."""
    return replace(status, conditions=_with_failure(_with_progress(deployment, fleet, status, now), fleet))


def _with_progress(
    deployment: Deployment, fleet: Fleet, status: DeploymentStatus, now: datetime
) -> list[DeploymentCondition]:
    if not has_deadline(deployment):
        return conditions.without(status.conditions, PROGRESSING)
    current = conditions.find(status.conditions, PROGRESSING)
    if current is not None and current.reason == ARRIVED and status.replicas == status.updated_replicas:
        return status.conditions  # it arrived; pods that come and go since are no rollout
    subject = f'ReplicaSet "{fleet.new.metadata.name}"' if fleet.new else f'Deployment "{deployment.metadata.name}"'
    if is_complete(deployment, status):
        arrived = condition(PROGRESSING, "True", ARRIVED, f"{subject} has successfully progressed.", now)
        return conditions.put(status.conditions, arrived)
    if _moved(deployment.status, status):
        moved = condition(PROGRESSING, "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        return _renewed(status.conditions, moved)
    if has_timed_out(deployment, status.conditions, now):
        stuck = condition(PROGRESSING, "False", STUCK, f"{subject} has timed out progressing.", now)
        return conditions.put(status.conditions, stuck)
    return status.conditions


def _renewed(current: list[DeploymentCondition], new: DeploymentCondition) -> list[DeploymentCondition]:
    """Put a condition in place even if it says what the old one said: each move starts the deadline anew."""
    old = conditions.find(current, new.type)
    if old is not None and old.status == new.status:
        new = replace(new, last_transition_time=old.last_transition_time)
    return [*conditions.without(current, new.type), new]


def _with_failure(current: list[DeploymentCondition], fleet: Fleet) -> list[DeploymentCondition]:
    newest_first = [fleet.new] if fleet.new else []
    found = _failures([*newest_first, *fleet.old])
    failure = next(found, None)
    if failure is None:
        return conditions.without(current, REPLICA_FAILURE)
    copied = DeploymentCondition(
        type=REPLICA_FAILURE,
        status=failure.status,
        reason=failure.reason,
        message=failure.message,
        last_transition_time=failure.last_transition_time,
        last_update_time=failure.last_transition_time,
    )
    return conditions.put(current, copied)


def _failures(replica_sets: Iterable[ReplicaSet]) -> Iterator[ReplicaSetCondition]:
    for replica_set in replica_sets:
        failure = conditions.find(replica_set.status.conditions, REPLICA_FAILURE)
        if failure is not None:
            yield failure


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether all wanted pods run the new template, are available, and no other pod is left."""
    wanted = replicas(deployment)
    reached = (status.updated_replicas or 0, status.replicas or 0, status.available_replicas or 0)
    seen = (status.observed_generation or 0) >= (deployment.metadata.generation or 0)
    return reached == (wanted, wanted, wanted) and seen


def _moved(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    return (
        (new.updated_replicas or 0) > (old.updated_replicas or 0)
        or _outdated(new) < _outdated(old)
        or (new.ready_replicas or 0) > (old.ready_replicas or 0)
        or (new.available_replicas or 0) > (old.available_replicas or 0)
    )


def _outdated(status: DeploymentStatus) -> int:
    return (status.replicas or 0) - (status.updated_replicas or 0)


def has_timed_out(deployment: Deployment, current: list[DeploymentCondition], now: datetime) -> bool:
    progress = conditions.find(current, PROGRESSING)
    if progress is None or not has_deadline(deployment) or progress.reason == ARRIVED:
        return False
    return progress.reason == STUCK or _deadline(deployment, progress) < now


def _deadline(deployment: Deployment, progress: DeploymentCondition) -> datetime:
    since = parse_time(progress.last_update_time or progress.last_transition_time or "1970-01-01T00:00:00Z")
    return since + timedelta(seconds=deployment.spec.progress_deadline_seconds or 0)


def seconds_to_deadline(deployment: Deployment, status: DeploymentStatus, now: datetime) -> float | None:
    """Return when to look again because nobody may tell us that nothing moved; None if no deadline runs."""
    progress = conditions.find(status.conditions, PROGRESSING)
    if progress is None or not has_deadline(deployment) or deployment.spec.paused:
        return None
    if progress.reason in (STUCK, ARRIVED) or is_complete(deployment, status):
        return None
    # Times have whole seconds: a second more, and it has passed for certain.
    return max(0.0, (_deadline(deployment, progress) - now).total_seconds()) + 1
