"""kubectl get deployments, replicasets, statefulsets, daemonsets, replicationcontrollers, controllerrevisions."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.apps_v1 import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet
from controlplane.api.core_v1 import Container, PodTemplateSpec, ReplicationController
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import NONE, age, container_images, container_names, labels, selector

_INTEGER = "integer"
_CONTAINERS = (wide("Containers"), wide("Images"))
_SELECTOR = wide("Selector")


def _containers(template: PodTemplateSpec | None) -> list[Container]:
    return template.spec.containers if template else []


def _layout(template: PodTemplateSpec | None) -> list[Cell]:
    containers = _containers(template)
    return [container_names(containers), container_images(containers)]


def _deployment(deployment: Deployment, now: datetime) -> list[Cell]:
    spec, status = deployment.spec, deployment.status
    return [
        deployment.metadata.name,
        f"{status.ready_replicas or 0}/{spec.replicas or 0}",
        status.updated_replicas or 0,
        status.available_replicas or 0,
        age(deployment.metadata.creation_timestamp, now),
        *_layout(spec.template),
        selector(spec.selector),
    ]


def _replica_set(replica_set: ReplicaSet, now: datetime) -> list[Cell]:
    spec, status = replica_set.spec, replica_set.status
    return [
        replica_set.metadata.name,
        spec.replicas or 0,
        status.replicas or 0,
        status.ready_replicas or 0,
        age(replica_set.metadata.creation_timestamp, now),
        *_layout(spec.template),
        selector(spec.selector),
    ]


def _replication_controller(controller: ReplicationController, now: datetime) -> list[Cell]:
    spec, status = controller.spec, controller.status
    return [
        controller.metadata.name,
        spec.replicas or 0,
        status.replicas or 0,
        status.ready_replicas or 0,
        age(controller.metadata.creation_timestamp, now),
        *_layout(spec.template),
        labels(spec.selector),
    ]


def _stateful_set(stateful_set: StatefulSet, now: datetime) -> list[Cell]:
    spec, status = stateful_set.spec, stateful_set.status
    return [
        stateful_set.metadata.name,
        f"{status.ready_replicas or 0}/{spec.replicas or 0}",
        age(stateful_set.metadata.creation_timestamp, now),
        *_layout(spec.template),
    ]


def _daemon_set(daemon_set: DaemonSet, now: datetime) -> list[Cell]:
    spec, status = daemon_set.spec, daemon_set.status
    return [
        daemon_set.metadata.name,
        status.desired_number_scheduled or 0,
        status.current_number_scheduled or 0,
        status.number_ready or 0,
        status.updated_number_scheduled or 0,
        status.number_available or 0,
        labels(spec.template.spec.node_selector if spec.template else {}),
        age(daemon_set.metadata.creation_timestamp, now),
        *_layout(spec.template),
        selector(spec.selector),
    ]


def _controller_revision(revision: ControllerRevision, now: datetime) -> list[Cell]:
    return [
        revision.metadata.name,
        _controller(revision),
        revision.revision or 0,
        age(revision.metadata.creation_timestamp, now),
    ]


def _controller(revision: ControllerRevision) -> str:
    """daemonset.apps/fluentd"""
    for owner in revision.metadata.owner_references:
        if owner.controller:
            group = owner.api_version.rpartition("/")[0]
            return f"{owner.kind.lower()}{'.' if group else ''}{group}/{owner.name}"
    return NONE


DEPLOYMENT = Printer(
    (
        NAME,
        Column("Ready"),
        Column("Up-to-date"),
        Column("Available"),
        AGE,
        *_CONTAINERS,
        _SELECTOR,
    ),
    _deployment,
)
_REPLICAS = (
    NAME,
    Column("Desired", _INTEGER),
    Column("Current", _INTEGER),
    Column("Ready", _INTEGER),
    AGE,
    *_CONTAINERS,
    _SELECTOR,
)
REPLICA_SET = Printer(_REPLICAS, _replica_set)
REPLICATION_CONTROLLER = Printer(_REPLICAS, _replication_controller)
STATEFUL_SET = Printer((NAME, Column("Ready"), AGE, *_CONTAINERS), _stateful_set)
DAEMON_SET = Printer(
    (
        NAME,
        Column("Desired", _INTEGER),
        Column("Current", _INTEGER),
        Column("Ready", _INTEGER),
        Column("Up-to-date", _INTEGER),
        Column("Available", _INTEGER),
        Column("Node Selector"),
        AGE,
        *_CONTAINERS,
        _SELECTOR,
    ),
    _daemon_set,
)
CONTROLLER_REVISION = Printer((NAME, Column("Controller"), Column("Revision"), AGE), _controller_revision)
