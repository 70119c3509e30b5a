"""io.k8s.api.policy.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import KubeStruct
from controlplane.api.meta_v1 import DeleteOptions, ObjectMeta


class Eviction(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    delete_options: DeleteOptions | None = None
