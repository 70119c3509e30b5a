"""How many pods to create, and which to delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.apps_v1 import ReplicaSet
from controlplane.api.core_v1 import Pod
from controlplane.controllers.ownership import controller_reference
from controlplane.controllers.replicaset.ranking import deletion_order

# The most pods one look creates or deletes; the next look does the rest. Upstream's number.
BURST = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What brings the number of active pods to spec.replicas."""

    create: int = 0
    delete: tuple[Pod, ...] = ()


def plan(replica_set: ReplicaSet, active: Sequence[Pod], related: Iterable[Pod], now: datetime) -> Plan:
    """Decide which pods to create and delete so that spec.replicas are active."""
    surplus = len(active) - wanted_replicas(replica_set)
    if surplus < 0:
        return Plan(create=min(-surplus, BURST))
    if surplus == 0:
        return Plan()
    # When all go there is nothing to choose, and choosing costs a sort.
    order = deletion_order(active, related, now) if surplus < len(active) else active
    return Plan(delete=tuple(order[: min(surplus, BURST)]))


def wanted_replicas(replica_set: ReplicaSet) -> int:
    return 1 if replica_set.spec.replicas is None else replica_set.spec.replicas


def render_pod(replica_set: ReplicaSet, owner: object) -> Pod:
    """Return the pod to create for `owner`, the ReplicaSet or the ReplicationController read as one."""
    template, metadata = replica_set.spec.template, replica_set.metadata
    return Pod(
        metadata=replace(
            template.metadata,
            name="",
            generate_name=f"{metadata.name}-",
            namespace=metadata.namespace,
            owner_references=[controller_reference(owner)],
        ),
        spec=template.spec,
    )
