"""io.k8s.api.autoscaling.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import KubeStruct
from controlplane.api.meta_v1 import ObjectMeta


class ScaleSpec(KubeStruct):
    replicas: int | None = None


class ScaleStatus(KubeStruct):
    replicas: int | None = None
    selector: str = ""


class Scale(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: ScaleSpec = ScaleSpec()
    status: ScaleStatus = ScaleStatus()
