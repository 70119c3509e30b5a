"""io.k8s.api.apps.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any

from controlplane.api.base import Atomic, Int32, Int64, IntOrString, KubeStruct, ListMap, RetainKeys, Time, always
from controlplane.api.core_v1 import PersistentVolumeClaim, PodTemplateSpec
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class ControllerRevision(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    data: dict[str, Any] = {}
    revision: Int64 = always(int)


class RollingUpdateDaemonSet(KubeStruct):
    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None


class DaemonSetUpdateStrategy(KubeStruct):
    rolling_update: RollingUpdateDaemonSet | None = None
    type: str = ""


class DaemonSetSpec(KubeStruct):
    min_ready_seconds: Int32 | None = None
    revision_history_limit: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = always(PodTemplateSpec)
    update_strategy: DaemonSetUpdateStrategy = always(DaemonSetUpdateStrategy)


class DaemonSetCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class DaemonSetStatus(KubeStruct):
    collision_count: Int32 | None = None
    conditions: Annotated[list[DaemonSetCondition], ListMap(("type",), merge_key="type")] = []
    current_number_scheduled: Int32 = always(int)
    desired_number_scheduled: Int32 = always(int)
    number_available: Int32 | None = None
    number_misscheduled: Int32 = always(int)
    number_ready: Int32 = always(int)
    number_unavailable: Int32 | None = None
    observed_generation: Int64 | None = None
    updated_number_scheduled: Int32 | None = None


class DaemonSet(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: DaemonSetSpec = always(DaemonSetSpec)
    status: DaemonSetStatus = always(DaemonSetStatus)


class RollingUpdateDeployment(KubeStruct):
    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None


class DeploymentStrategy(KubeStruct):
    rolling_update: RollingUpdateDeployment | None = None
    type: str = ""


class DeploymentSpec(KubeStruct):
    min_ready_seconds: Int32 | None = None
    paused: bool | None = None
    progress_deadline_seconds: Int32 | None = None
    replicas: Int32 | None = None
    revision_history_limit: Int32 | None = None
    selector: LabelSelector | None = None
    strategy: Annotated[DeploymentStrategy, RetainKeys()] = always(DeploymentStrategy)
    template: PodTemplateSpec = always(PodTemplateSpec)


class DeploymentCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    last_update_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class DeploymentStatus(KubeStruct):
    available_replicas: Int32 | None = None
    collision_count: Int32 | None = None
    conditions: Annotated[list[DeploymentCondition], ListMap(("type",), merge_key="type")] = []
    observed_generation: Int64 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    terminating_replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None
    updated_replicas: Int32 | None = None


class Deployment(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: DeploymentSpec = always(DeploymentSpec)
    status: DeploymentStatus = always(DeploymentStatus)


class ReplicaSetSpec(KubeStruct):
    min_ready_seconds: Int32 | None = None
    replicas: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec = always(PodTemplateSpec)


class ReplicaSetCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class ReplicaSetStatus(KubeStruct):
    available_replicas: Int32 | None = None
    conditions: Annotated[list[ReplicaSetCondition], ListMap(("type",), merge_key="type")] = []
    fully_labeled_replicas: Int32 | None = None
    observed_generation: Int64 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 = always(int)
    terminating_replicas: Int32 | None = None


class ReplicaSet(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ReplicaSetSpec = always(ReplicaSetSpec)
    status: ReplicaSetStatus = always(ReplicaSetStatus)


class RollingUpdateStatefulSetStrategy(KubeStruct):
    max_unavailable: IntOrString | None = None
    partition: Int32 | None = None


class StatefulSetOrdinals(KubeStruct):
    start: Int32 = always(int)


class StatefulSetPersistentVolumeClaimRetentionPolicy(KubeStruct):
    when_deleted: str = ""
    when_scaled: str = ""


class StatefulSetUpdateStrategy(KubeStruct):
    rolling_update: RollingUpdateStatefulSetStrategy | None = None
    type: str = ""


class StatefulSetSpec(KubeStruct):
    min_ready_seconds: Int32 | None = None
    ordinals: StatefulSetOrdinals | None = None
    persistent_volume_claim_retention_policy: StatefulSetPersistentVolumeClaimRetentionPolicy | None = None
    pod_management_policy: str = ""
    replicas: Int32 | None = None
    revision_history_limit: Int32 | None = None
    selector: LabelSelector | None = None
    service_name: str = always(str)
    template: PodTemplateSpec = always(PodTemplateSpec)
    update_strategy: StatefulSetUpdateStrategy = always(StatefulSetUpdateStrategy)
    volume_claim_templates: Annotated[list[PersistentVolumeClaim], Atomic()] = []


class StatefulSetCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class StatefulSetStatus(KubeStruct):
    available_replicas: Int32 = always(int)
    collision_count: Int32 | None = None
    conditions: Annotated[list[StatefulSetCondition], ListMap(("type",), merge_key="type")] = []
    current_replicas: Int32 | None = None
    current_revision: str = ""
    observed_generation: Int64 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 = always(int)
    update_revision: str = ""
    updated_replicas: Int32 | None = None


class StatefulSet(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: StatefulSetSpec = always(StatefulSetSpec)
    status: StatefulSetStatus = always(StatefulSetStatus)
