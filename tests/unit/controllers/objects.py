"""Objects as tests of controllers need them, with everything that does not matter filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from controlplane.api.apps_v1 import (
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    RollingUpdateDeployment,
)
from controlplane.api.core_v1 import Container, Pod, PodCondition, PodIP, PodSpec, PodStatus, PodTemplateSpec
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.controllers.ownership import controller_reference
from controlplane.kit.timestamps import format_time

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LABELS = {"app": "web"}


def ago(seconds: float, now: datetime = NOW) -> str:
    return format_time(now - timedelta(seconds=seconds))


def meta(name: str, **more: Any) -> ObjectMeta:
    return ObjectMeta(name=name, **{"namespace": "default", "uid": f"uid-of-{name}", **more})


def a_template(image: str = "nginx:1", labels: Mapping[str, str] = LABELS) -> PodTemplateSpec:
    return PodTemplateSpec(
        metadata=ObjectMeta(labels=dict(labels)), spec=PodSpec(containers=[Container(name="web", image=image)])
    )


def a_pod(
    name: str,
    *,
    owner: Any = None,
    node: str = "n1",
    phase: str = "Running",
    ready: bool = True,
    ready_for: float = 100,
    age: float = 200,
    ip: str = "",
    labels: Mapping[str, str] = LABELS,
    now: datetime = NOW,
    **more: Any,
) -> Pod:
    condition = PodCondition(
        type="Ready", status="True" if ready else "False", last_transition_time=ago(ready_for, now)
    )
    return Pod(
        metadata=meta(
            name,
            labels=dict(labels),
            creation_timestamp=ago(age, now),
            **{"owner_references": [controller_reference(owner)] if owner is not None else [], **more},
        ),
        spec=PodSpec(node_name=node),
        status=PodStatus(phase=phase, conditions=[condition], pod_ip=ip, pod_ips=[PodIP(ip=ip)] if ip else []),
    )


def a_replica_set(name: str = "web", replicas: int = 3, *, image: str = "nginx:1", **more: Any) -> ReplicaSet:
    return ReplicaSet(
        metadata=meta(name, labels=LABELS, **more),
        spec=ReplicaSetSpec(replicas=replicas, selector=LabelSelector(match_labels=LABELS), template=a_template(image)),
    )


def a_deployment(
    name: str = "web",
    replicas: int = 3,
    *,
    image: str = "nginx:1",
    strategy: str = "RollingUpdate",
    surge: int | str = "25%",
    unavailable: int | str = "25%",
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Deployment:
    limits = RollingUpdateDeployment(max_surge=surge, max_unavailable=unavailable)
    return Deployment(
        metadata=meta(name, generation=1, annotations=dict(annotations or {})),
        spec=DeploymentSpec(
            replicas=replicas,
            selector=LabelSelector(match_labels=LABELS),
            template=a_template(image),
            strategy=DeploymentStrategy(type=strategy, rolling_update=limits if strategy == "RollingUpdate" else None),
            **{"progress_deadline_seconds": 600, "revision_history_limit": 10, **spec},
        ),
    )
