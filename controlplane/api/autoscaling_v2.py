"""io.k8s.api.autoscaling.v2: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, Quantity, Time
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class MetricTarget(KubeStruct):
    average_utilization: Int32 | None = None
    average_value: Quantity | None = None
    type: str = ""
    value: Quantity | None = None


class ContainerResourceMetricSource(KubeStruct):
    container: str = ""
    name: str = ""
    target: MetricTarget | None = None


class MetricValueStatus(KubeStruct):
    average_utilization: Int32 | None = None
    average_value: Quantity | None = None
    value: Quantity | None = None


class ContainerResourceMetricStatus(KubeStruct):
    container: str = ""
    current: MetricValueStatus | None = None
    name: str = ""


class CrossVersionObjectReference(KubeStruct):
    api_version: str = ""
    kind: str = ""
    name: str = ""


class MetricIdentifier(KubeStruct):
    name: str = ""
    selector: LabelSelector | None = None


class ExternalMetricSource(KubeStruct):
    metric: MetricIdentifier | None = None
    target: MetricTarget | None = None


class ExternalMetricStatus(KubeStruct):
    current: MetricValueStatus | None = None
    metric: MetricIdentifier | None = None


class HPAScalingPolicy(KubeStruct):
    period_seconds: Int32 | None = None
    type: str = ""
    value: Int32 | None = None


class HPAScalingRules(KubeStruct):
    policies: Annotated[list[HPAScalingPolicy], Atomic()] = []
    select_policy: str = ""
    stabilization_window_seconds: Int32 | None = None
    tolerance: Quantity | None = None


class HorizontalPodAutoscalerBehavior(KubeStruct):
    scale_down: HPAScalingRules | None = None
    scale_up: HPAScalingRules | None = None


class ObjectMetricSource(KubeStruct):
    described_object: CrossVersionObjectReference | None = None
    metric: MetricIdentifier | None = None
    target: MetricTarget | None = None


class PodsMetricSource(KubeStruct):
    metric: MetricIdentifier | None = None
    target: MetricTarget | None = None


class ResourceMetricSource(KubeStruct):
    name: str = ""
    target: MetricTarget | None = None


class MetricSpec(KubeStruct):
    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    type: str = ""


class HorizontalPodAutoscalerSpec(KubeStruct):
    behavior: HorizontalPodAutoscalerBehavior | None = None
    max_replicas: Int32 | None = None
    metrics: Annotated[list[MetricSpec], Atomic()] = []
    min_replicas: Int32 | None = None
    scale_target_ref: CrossVersionObjectReference | None = None


class HorizontalPodAutoscalerCondition(KubeStruct):
    last_transition_time: Time | None = None
    message: str = ""
    observed_generation: Int64 | None = None
    reason: str = ""
    status: str = ""
    type: str = ""


class ObjectMetricStatus(KubeStruct):
    current: MetricValueStatus | None = None
    described_object: CrossVersionObjectReference | None = None
    metric: MetricIdentifier | None = None


class PodsMetricStatus(KubeStruct):
    current: MetricValueStatus | None = None
    metric: MetricIdentifier | None = None


class ResourceMetricStatus(KubeStruct):
    current: MetricValueStatus | None = None
    name: str = ""


class MetricStatus(KubeStruct):
    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    type: str = ""


class HorizontalPodAutoscalerStatus(KubeStruct):
    conditions: Annotated[list[HorizontalPodAutoscalerCondition], ListMap(("type",), merge_key="type")] = []
    current_metrics: Annotated[list[MetricStatus], Atomic()] = []
    current_replicas: Int32 | None = None
    desired_replicas: Int32 | None = None
    last_scale_time: Time | None = None
    observed_generation: Int64 | None = None


class HorizontalPodAutoscaler(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
