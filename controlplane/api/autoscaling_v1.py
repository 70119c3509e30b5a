"""io.k8s.api.autoscaling.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import Int32, KubeStruct
from controlplane.api.meta_v1 import ObjectMeta


class ScaleSpec(KubeStruct):
    replicas: Int32 | None = None


class ScaleStatus(KubeStruct):
    replicas: Int32 | None = None
    selector: str = ""


class Scale(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: ScaleSpec = ScaleSpec()
    status: ScaleStatus = ScaleStatus()
