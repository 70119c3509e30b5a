"""Changing spec.replicas, also in the middle of a rollout or while it is paused.

With several ReplicaSets active, each gets its share of what is added or taken, so that a rollout that is half done
stays half done. A share is measured by what the Deployment was when the ReplicaSet was last sized:

    replicas 10 -> 20, maxSurge 3: old 8, new 5, together 13 = 10 + 3
      old: 8 * 23 / 13 = 14.2 -> 14    new: 5 * 23 / 13 = 8.8 -> 9    together 23 = 20 + 3
"""

from __future__ import annotations

from controlplane.api.apps_v1 import Deployment, ReplicaSet
from controlplane.controllers.deployment.fenceposts import is_rolling, max_surge, replicas
from controlplane.controllers.deployment.fleet import Fleet, age, available, size, total_size
from controlplane.controllers.deployment.history import desired_replicas, max_replicas
from controlplane.controllers.deployment.rolling import Sizes


def is_scaling_event(deployment: Deployment, fleet: Fleet) -> bool:
    """Whether spec.replicas changed since an active ReplicaSet was last sized."""
    sized_for = [desired_replicas(one) for one in fleet.active]
    return any(desired is not None and desired != replicas(deployment) for desired in sized_for)


def scale(deployment: Deployment, fleet: Fleet) -> Sizes:
    """Return the sizes that follow a change of spec.replicas."""
    wanted = replicas(deployment)
    only = _only_active(fleet)
    if only is not None:
        return {only.metadata.name: wanted} if size(only) != wanted else {}
    if _is_saturated(deployment, fleet):
        return {old.metadata.name: 0 for old in fleet.old if size(old) > 0}
    return _proportional(deployment, fleet) if is_rolling(deployment) else {}


def _only_active(fleet: Fleet) -> ReplicaSet | None:
    """Return the one active ReplicaSet, or with none active the latest; None when several are."""
    active = fleet.active
    if len(active) > 1:
        return None
    if active:
        return active[0]
    return fleet.new or (max(fleet.old, key=age) if fleet.old else None)


def _is_saturated(deployment: Deployment, fleet: Fleet) -> bool:
    """Whether the new ReplicaSet alone is all that is wanted, and available."""
    wanted, new = replicas(deployment), fleet.new
    return new is not None and size(new) == wanted == desired_replicas(new) == available(new)


def _proportional(deployment: Deployment, fleet: Fleet) -> Sizes:
    wanted = replicas(deployment)
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    missing = allowed - total_size(fleet.active)
    ordered = _largest_first(fleet, newest_first=missing > 0)
    sizes, added = {}, 0
    for one in ordered:
        share = _share(deployment, one, missing, added)
        sizes[one.metadata.name] = size(one) + share
        added += share
    if ordered and missing != added:  # what rounding left over goes to the largest
        largest = ordered[0].metadata.name
        sizes[largest] = max(0, sizes[largest] + missing - added)
    return sizes


def _largest_first(fleet: Fleet, *, newest_first: bool) -> list[ReplicaSet]:
    by_age = sorted(fleet.active, key=age, reverse=newest_first)
    return sorted(by_age, key=size, reverse=True)


def _share(deployment: Deployment, replica_set: ReplicaSet, missing: int, added: int) -> int:
    if missing in (0, added):
        return 0
    left, fair = missing - added, _fair_share(deployment, replica_set)
    return min(fair, left) if missing > 0 else max(fair, left)


def _fair_share(deployment: Deployment, replica_set: ReplicaSet) -> int:
    wanted, current = replicas(deployment), size(replica_set)
    if wanted == 0:
        return -current
    before = max_replicas(replica_set) or deployment.status.replicas or 0
    if before == 0:
        return 0
    after = wanted + max_surge(deployment)
    # Rounded half up in whole numbers.
    return (2 * current * after + before) // (2 * before) - current
