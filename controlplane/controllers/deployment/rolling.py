"""RollingUpdate and Recreate: the next sizes of the ReplicaSets."""

from __future__ import annotations

from controlplane.api.apps_v1 import Deployment
from controlplane.controllers.deployment.fenceposts import max_unavailable, replicas
from controlplane.controllers.deployment.fleet import Fleet, available, new_size, size, total_available, total_size

Sizes = dict[str, int]
"""The new size of each ReplicaSet that changes, by name."""


def rolling_step(deployment: Deployment, fleet: Fleet) -> Sizes:
    """Return one step: first the new ReplicaSet grows (or shrinks), else old ones shrink; empty when nothing may."""
    assert fleet.new is not None
    wanted = replicas(deployment)
    if size(fleet.new) > wanted:
        return {fleet.new.metadata.name: wanted}
    grown = new_size(deployment, fleet)
    if grown != size(fleet.new):
        return {fleet.new.metadata.name: grown}
    return shrink_old(deployment, fleet)


def shrink_old(deployment: Deployment, fleet: Fleet) -> Sizes:
    """Return smaller sizes of old ReplicaSets that leave spec.replicas - maxUnavailable pods available.

    Pods that are not available go first: they serve nobody, so losing them costs nothing. But pods of the new
    ReplicaSet that are not available yet count as missing, or a rollout that crashes would take everything down.
    """
    assert fleet.new is not None
    least_available = replicas(deployment) - max_unavailable(deployment)
    new_unavailable = size(fleet.new) - available(fleet.new)
    spare = total_size(fleet.all) - least_available - new_unavailable
    if spare <= 0 or total_size(fleet.old) == 0:
        return {}
    sizes = _drop_unavailable(fleet, spare)
    return _drop_available(fleet, sizes, total_available(fleet.all) - least_available)


def _drop_unavailable(fleet: Fleet, spare: int) -> Sizes:
    sizes: Sizes = {}
    for old in fleet.old:
        dropped = min(spare, size(old) - available(old))
        if dropped > 0:
            sizes[old.metadata.name] = size(old) - dropped
            spare -= dropped
    return sizes


def _drop_available(fleet: Fleet, sizes: Sizes, spare: int) -> Sizes:
    for old in fleet.old:
        current = sizes.get(old.metadata.name, size(old))
        dropped = min(spare, current)
        if dropped > 0:
            sizes[old.metadata.name] = current - dropped
            spare -= dropped
    return sizes


def recreate_step(deployment: Deployment, fleet: Fleet) -> Sizes:
    """Return one step of Recreate: every old ReplicaSet to zero, and only then the new one to its full size."""
    emptied = {old.metadata.name: 0 for old in fleet.old if size(old) > 0}
    if emptied:
        return emptied
    if fleet.new is not None and size(fleet.new) != replicas(deployment):
        return {fleet.new.metadata.name: replicas(deployment)}
    return {}
