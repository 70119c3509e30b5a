"""io.k8s.api.autoscaling.v2: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, Quantity, Time, always
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class MetricTarget(KubeStruct):
    average_utilization: Int32 | None = None
    average_value: Quantity | None = None
    type: str = always(str)
    value: Quantity | None = None


class ContainerResourceMetricSource(KubeStruct):
    container: str = always(str)
    name: str = always(str)
    target: MetricTarget = always(MetricTarget)


class MetricValueStatus(KubeStruct):
    average_utilization: Int32 | None = None
    average_value: Quantity | None = None
    value: Quantity | None = None


class ContainerResourceMetricStatus(KubeStruct):
    container: str = always(str)
    current: MetricValueStatus = always(MetricValueStatus)
    name: str = always(str)


class CrossVersionObjectReference(KubeStruct):
    api_version: str = ""
    kind: str = always(str)
    name: str = always(str)


class MetricIdentifier(KubeStruct):
    name: str = always(str)
    selector: LabelSelector | None = None


class ExternalMetricSource(KubeStruct):
    metric: MetricIdentifier = always(MetricIdentifier)
    target: MetricTarget = always(MetricTarget)


class ExternalMetricStatus(KubeStruct):
    current: MetricValueStatus = always(MetricValueStatus)
    metric: MetricIdentifier = always(MetricIdentifier)


class HPAScalingPolicy(KubeStruct):
    period_seconds: Int32 = always(int)
    type: str = always(str)
    value: Int32 = always(int)


class HPAScalingRules(KubeStruct):
    policies: Annotated[list[HPAScalingPolicy], Atomic()] = []
    select_policy: str = ""
    stabilization_window_seconds: Int32 | None = None
    tolerance: Quantity | None = None


class HorizontalPodAutoscalerBehavior(KubeStruct):
    scale_down: HPAScalingRules | None = None
    scale_up: HPAScalingRules | None = None


class ObjectMetricSource(KubeStruct):
    described_object: CrossVersionObjectReference = always(CrossVersionObjectReference)
    metric: MetricIdentifier = always(MetricIdentifier)
    target: MetricTarget = always(MetricTarget)


class PodsMetricSource(KubeStruct):
    metric: MetricIdentifier = always(MetricIdentifier)
    target: MetricTarget = always(MetricTarget)


class ResourceMetricSource(KubeStruct):
    name: str = always(str)
    target: MetricTarget = always(MetricTarget)


class MetricSpec(KubeStruct):
    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    type: str = always(str)


class HorizontalPodAutoscalerSpec(KubeStruct):
    behavior: HorizontalPodAutoscalerBehavior | None = None
    max_replicas: Int32 = always(int)
    metrics: Annotated[list[MetricSpec], Atomic()] = []
    min_replicas: Int32 | None = None
    scale_target_ref: CrossVersionObjectReference = always(CrossVersionObjectReference)


class HorizontalPodAutoscalerCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    observed_generation: Int64 | None = None
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class ObjectMetricStatus(KubeStruct):
    current: MetricValueStatus = always(MetricValueStatus)
    described_object: CrossVersionObjectReference = always(CrossVersionObjectReference)
    metric: MetricIdentifier = always(MetricIdentifier)


class PodsMetricStatus(KubeStruct):
    current: MetricValueStatus = always(MetricValueStatus)
    metric: MetricIdentifier = always(MetricIdentifier)


class ResourceMetricStatus(KubeStruct):
    current: MetricValueStatus = always(MetricValueStatus)
    name: str = always(str)


class MetricStatus(KubeStruct):
    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    type: str = always(str)


class HorizontalPodAutoscalerStatus(KubeStruct):
    conditions: Annotated[list[HorizontalPodAutoscalerCondition], ListMap(("type",), merge_key="type")] = []
    current_metrics: Annotated[list[MetricStatus], Atomic()] = []
    current_replicas: Int32 | None = None
    desired_replicas: Int32 = always(int)
    last_scale_time: Time | None = None
    observed_generation: Int64 | None = None


class HorizontalPodAutoscaler(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = always(HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = always(HorizontalPodAutoscalerStatus)
