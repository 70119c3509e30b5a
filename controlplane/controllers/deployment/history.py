"""Revisions: numbers that `kubectl rollout history` lists and `kubectl rollout undo` goes back to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controlplane.api.apps_v1 import Deployment, ReplicaSet
from controlplane.controllers.deployment.fenceposts import max_surge, replicas

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

# What belongs to a Deployment or a ReplicaSet itself and is not handed down from one to the other.
_OWN = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.revision",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)
# The longest list of former revisions, in characters. Upstream's number.
_LONGEST_HISTORY = 2000
_UNLIMITED = 2**31 - 1


def revision_of(obj: Deployment | ReplicaSet) -> int:
    """Return the revision written on an object; 0 when there is none or it cannot be read."""
    return _number(obj.metadata.annotations, REVISION) or 0


def next_revision(old: Iterable[ReplicaSet]) -> int:
    return max((revision_of(replica_set) for replica_set in old), default=0) + 1


def desired_replicas(replica_set: ReplicaSet) -> int | None:
    """Return the Deployment's replicas when the ReplicaSet was last sized."""
    return _number(replica_set.metadata.annotations, DESIRED_REPLICAS)


def max_replicas(replica_set: ReplicaSet) -> int | None:
    """Return the Deployment's replicas and surge when the ReplicaSet was last sized."""
    return _number(replica_set.metadata.annotations, MAX_REPLICAS)


def size_annotations(deployment: Deployment) -> dict[str, str]:
    """Return what a ReplicaSet remembers of the Deployment it was sized for."""
    wanted = replicas(deployment)
    return {DESIRED_REPLICAS: str(wanted), MAX_REPLICAS: str(wanted + max_surge(deployment))}


def annotations_of_new(deployment: Deployment, current: Mapping[str, str], revision: int) -> dict[str, str]:
    """Return the annotations of the new ReplicaSet: the Deployment's, and a revision that never goes back."""
    wanted = dict(current)
    wanted.update({name: value for name, value in deployment.metadata.annotations.items() if name not in _OWN})
    former = _number(current, REVISION) or 0
    if former < revision:
        wanted[REVISION] = str(revision)
        if current.get(REVISION):
            wanted[REVISION_HISTORY] = _appended(current.get(REVISION_HISTORY, ""), current[REVISION])
    return wanted


def _appended(history: str, revision: str) -> str:
    """Add a revision, dropping the oldest ones when the list gets too long."""
    revisions = [*history.split(","), revision] if history else [revision]
    while len(",".join(revisions)) > _LONGEST_HISTORY:
        revisions.pop(0)
    return ",".join(revisions)


def outdated(deployment: Deployment, old: Iterable[ReplicaSet]) -> tuple[ReplicaSet, ...]:
    """Return the old ReplicaSets beyond spec.revisionHistoryLimit that are empty and settled."""
    limit = deployment.spec.revision_history_limit
    if limit is None or limit == _UNLIMITED:
        return ()
    alive = sorted((one for one in old if one.metadata.deletion_timestamp is None), key=revision_of)
    return tuple(one for one in alive[: max(0, len(alive) - limit)] if _is_empty(one))


def _is_empty(replica_set: ReplicaSet) -> bool:
    settled = (replica_set.metadata.generation or 0) <= (replica_set.status.observed_generation or 0)
    return settled and not replica_set.spec.replicas and not replica_set.status.replicas


def _number(annotations: Mapping[str, str], name: str) -> int | None:
    try:
        return int(annotations[name])
    except (KeyError, ValueError):
        return None
