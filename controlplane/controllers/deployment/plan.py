"""One look at a Deployment: which ReplicaSets to create, change and delete, and what its status then says.

deleted, or nothing selected    status only
paused                          sizes follow spec.replicas, nothing rolls
spec.replicas changed           sizes follow, the rollout goes on at the next look
Recreate                        old to zero, wait until their pods are gone, new to full
RollingUpdate                   see `rolling`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet
from controlplane.controllers import conditions
from controlplane.controllers.deployment import status as words
from controlplane.controllers.deployment.fenceposts import is_rolling
from controlplane.controllers.deployment.fleet import Fleet, fleet_of, new_size, render_replica_set, size
from controlplane.controllers.deployment.history import (
    REVISION,
    annotations_of_new,
    next_revision,
    outdated,
    revision_of,
)
from controlplane.controllers.deployment.rolling import recreate_step, rolling_step
from controlplane.controllers.deployment.scaling import is_scaling_event, scale


@dataclass(frozen=True, slots=True)
class Change:
    """A ReplicaSet as it is and as it should be."""

    before: ReplicaSet
    after: ReplicaSet


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look decided; an empty revision leaves the Deployment's annotation as it is."""

    status: DeploymentStatus
    create: ReplicaSet | None = None
    change: tuple[Change, ...] = ()
    delete: tuple[ReplicaSet, ...] = ()
    revision: str = ""
    look_again_after: float | None = field(default=None, compare=False)


def plan(
    deployment: Deployment, replica_sets: Sequence[ReplicaSet], now: datetime, *, old_pods_running: bool = False
) -> Plan:
    """Decide the next step. `old_pods_running` says whether pods of old ReplicaSets still run (for Recreate)."""
    observed = fleet_of(deployment, replica_sets)
    if deployment.metadata.deletion_timestamp is not None:
        return Plan(words.counts(deployment, observed, now))
    if deployment.spec.paused or is_scaling_event(deployment, observed):
        return _scaled(deployment, observed, now)
    if observed.new is None and (is_rolling(deployment) or _may_recreate(observed, old_pods_running)):
        return _created(deployment, observed, now)
    return _stepped(deployment, observed, now, old_pods_running)


def _scaled(deployment: Deployment, observed: Fleet, now: datetime) -> Plan:
    """Follow spec.replicas. While paused no ReplicaSet is made for a changed template."""
    current, revision = _with_revision(deployment, observed)
    wanted = current.sized(deployment, scale(deployment, current))
    status = words.counts(deployment, wanted, now)
    status = replace(status, conditions=_paused_or_resumed(deployment, status.conditions, now))
    delete = outdated(deployment, observed.old) if deployment.spec.paused else ()
    return Plan(status, change=_changes(observed, wanted), delete=delete, revision=revision)


def _may_recreate(observed: Fleet, old_pods_running: bool) -> bool:
    return not old_pods_running and all(size(old) == 0 and not old.status.replicas for old in observed.old)


def _created(deployment: Deployment, observed: Fleet, now: datetime) -> Plan:
    """Make the ReplicaSet of a template not seen before, at the size the strategy allows right away."""
    revision = next_revision(observed.old)
    annotations = annotations_of_new(deployment, {}, revision)
    new = render_replica_set(deployment, annotations, new_size(deployment, observed))
    wanted = Fleet(new, observed.old)
    status = words.counts(deployment, wanted, now)
    if words.has_deadline(deployment):
        message = f'Created new replica set "{new.metadata.name}"'
        status = _with(status, words.condition(words.PROGRESSING, "True", "NewReplicaSetCreated", message, now))
    status = words.with_progress(deployment, wanted, status, now)
    return Plan(status, create=new, revision=str(revision), look_again_after=_later(deployment, status, now))


def _stepped(deployment: Deployment, observed: Fleet, now: datetime, old_pods_running: bool) -> Plan:
    current, revision = _with_revision(deployment, observed)
    sizes = {}
    if is_rolling(deployment):
        sizes = rolling_step(deployment, current)
    elif current.new is None or not old_pods_running or any(size(old) for old in current.old):
        sizes = recreate_step(deployment, current)
    wanted = current.sized(deployment, sizes)
    status = words.counts(deployment, wanted, now)
    status = replace(status, conditions=_paused_or_resumed(deployment, status.conditions, now))
    if current.new is not None and words.has_deadline(deployment) and not _has_progress(status):
        message = f'Found new replica set "{current.new.metadata.name}"'
        status = _with(status, words.condition(words.PROGRESSING, "True", "FoundNewReplicaSet", message, now))
    status = words.with_progress(deployment, wanted, status, now)
    complete = not sizes and words.is_complete(deployment, status)
    return Plan(
        status,
        change=_changes(observed, wanted),
        delete=outdated(deployment, observed.old) if complete else (),
        revision=revision,
        look_again_after=_later(deployment, status, now),
    )


def _with_revision(deployment: Deployment, observed: Fleet) -> tuple[Fleet, str]:
    """Return the fleet whose new ReplicaSet carries the Deployment's annotations and the highest revision."""
    new = observed.new
    if new is None:
        return observed, ""
    annotations = annotations_of_new(deployment, new.metadata.annotations, next_revision(observed.old))
    min_ready = deployment.spec.min_ready_seconds
    marked = replace(
        new,
        metadata=replace(new.metadata, annotations=annotations),
        spec=replace(new.spec, min_ready_seconds=min_ready)
        if (new.spec.min_ready_seconds or 0) != (min_ready or 0)
        else new.spec,
    )
    revision = annotations.get(REVISION, "")
    return Fleet(marked, observed.old), revision if revision != str(revision_of(deployment)) else ""


def _changes(observed: Fleet, wanted: Fleet) -> tuple[Change, ...]:
    before = {one.metadata.name: one for one in observed.all}
    return tuple(Change(before[one.metadata.name], one) for one in wanted.all if one != before[one.metadata.name])


def _paused_or_resumed(
    deployment: Deployment, current: list[DeploymentCondition], now: datetime
) -> list[DeploymentCondition]:
    """Say so when the deadline stops and starts running: pausing is not being stuck."""
    progress = conditions.find(current, words.PROGRESSING)
    if not words.has_deadline(deployment) or (progress is not None and progress.reason == words.STUCK):
        return current
    was_paused = progress is not None and progress.reason == words.PAUSED
    if deployment.spec.paused and not was_paused:
        paused = words.condition(words.PROGRESSING, "Unknown", words.PAUSED, "Deployment is paused", now)
        return conditions.put(current, paused)
    if not deployment.spec.paused and was_paused:
        resumed = words.condition(words.PROGRESSING, "Unknown", words.RESUMED, "Deployment is resumed", now)
        return conditions.put(current, resumed)
    return current


def _with(status: DeploymentStatus, condition: DeploymentCondition) -> DeploymentStatus:
    return replace(status, conditions=conditions.put(status.conditions, condition))


def _has_progress(status: DeploymentStatus) -> bool:
    return conditions.find(status.conditions, words.PROGRESSING) is not None


def _later(deployment: Deployment, status: DeploymentStatus, now: datetime) -> float | None:
    return words.seconds_to_deadline(deployment, status, now)
