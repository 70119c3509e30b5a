"""io.k8s.api.scheduling.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import Int32, KubeStruct, always
from controlplane.api.meta_v1 import ObjectMeta


class PriorityClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    description: str = ""
    global_default: bool | None = None
    preemption_policy: str = ""
    value: Int32 = always(int)
