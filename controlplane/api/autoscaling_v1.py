"""io.k8s.api.autoscaling.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from msgspec import field

from controlplane.api.base import Int32, Int64, KubeStruct, Time, always
from controlplane.api.meta_v1 import ObjectMeta


class CrossVersionObjectReference(KubeStruct):
    api_version: str = ""
    kind: str = always(str)
    name: str = always(str)


class HorizontalPodAutoscalerSpec(KubeStruct):
    max_replicas: Int32 = always(int)
    min_replicas: Int32 | None = None
    scale_target_ref: CrossVersionObjectReference = always(CrossVersionObjectReference)
    target_cpu_utilization_percentage: Int32 | None = field(name="targetCPUUtilizationPercentage", default=None)


class HorizontalPodAutoscalerStatus(KubeStruct):
    current_cpu_utilization_percentage: Int32 | None = field(name="currentCPUUtilizationPercentage", default=None)
    current_replicas: Int32 = always(int)
    desired_replicas: Int32 = always(int)
    last_scale_time: Time | None = None
    observed_generation: Int64 | None = None


class HorizontalPodAutoscaler(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = always(HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = always(HorizontalPodAutoscalerStatus)


class ScaleSpec(KubeStruct):
    replicas: Int32 | None = None


class ScaleStatus(KubeStruct):
    replicas: Int32 = always(int)
    selector: str = ""


class Scale(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ScaleSpec = always(ScaleSpec)
    status: ScaleStatus = always(ScaleStatus)
