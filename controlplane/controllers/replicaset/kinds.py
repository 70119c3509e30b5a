"""The two kinds that keep replicas: a ReplicationController is read as a ReplicaSet, so one loop serves both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from controlplane.api.apps_v1 import ReplicaSet, ReplicaSetSpec, ReplicaSetStatus
from controlplane.api.core_v1 import (
    PodTemplateSpec,
    ReplicationController,
    ReplicationControllerCondition,
    ReplicationControllerStatus,
)
from controlplane.api.meta_v1 import LabelSelector


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind looks as a ReplicaSet, and what becomes of the status that was computed for it."""

    name: str  # of the work queue
    component: str  # in events and as user agent
    type: type[Any]
    read: Callable[[Any], ReplicaSet]
    with_status: Callable[[Any, ReplicaSetStatus], Any]


def _from_replication_controller(controller: ReplicationController) -> ReplicaSet:
    spec = controller.spec
    template = spec.template or PodTemplateSpec()
    return ReplicaSet(
        metadata=controller.metadata,
        spec=ReplicaSetSpec(
            replicas=spec.replicas,
            min_ready_seconds=spec.min_ready_seconds,
            selector=LabelSelector(match_labels=spec.selector or template.metadata.labels),
            template=template,
        ),
        status=msgspec.convert(controller.status, ReplicaSetStatus, from_attributes=True),
    )


def _to_replication_controller(controller: ReplicationController, status: ReplicaSetStatus) -> ReplicationController:
    # It has no count of terminating pods.
    found = [
        msgspec.convert(condition, ReplicationControllerCondition, from_attributes=True)
        for condition in status.conditions
    ]
    return replace(
        controller,
        status=ReplicationControllerStatus(
            replicas=status.replicas,
            fully_labeled_replicas=status.fully_labeled_replicas,
            ready_replicas=status.ready_replicas,
            available_replicas=status.available_replicas,
            observed_generation=status.observed_generation,
            conditions=found,
        ),
    )


REPLICA_SET = Kind(
    name="replicaset",
    component="replicaset-controller",
    type=ReplicaSet,
    read=lambda replica_set: replica_set,
    with_status=lambda replica_set, status: replace(replica_set, status=status),
)
REPLICATION_CONTROLLER = Kind(
    name="replicationmanager",
    component="replication-controller",
    type=ReplicationController,
    read=_from_replication_controller,
    with_status=_to_replication_controller,
)
