"""io.k8s.api.policy.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Int32, Int64, IntOrString, KubeStruct, ListMap, Replace, Time, always
from controlplane.api.meta_v1 import Condition, DeleteOptions, LabelSelector, ObjectMeta


class Eviction(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    delete_options: DeleteOptions | None = None


class PodDisruptionBudgetSpec(KubeStruct):
    max_unavailable: IntOrString | None = None
    min_available: IntOrString | None = None
    selector: Annotated[LabelSelector | None, Replace()] = None
    unhealthy_pod_eviction_policy: str = ""


class PodDisruptionBudgetStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []
    current_healthy: Int32 = always(int)
    desired_healthy: Int32 = always(int)
    disrupted_pods: dict[str, Time] = {}
    disruptions_allowed: Int32 = always(int)
    expected_pods: Int32 = always(int)
    observed_generation: Int64 | None = None


class PodDisruptionBudget(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PodDisruptionBudgetSpec = always(PodDisruptionBudgetSpec)
    status: PodDisruptionBudgetStatus = always(PodDisruptionBudgetStatus)
