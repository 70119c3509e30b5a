"""Any custom resource, as far as every object is alike: what names and owns it."""

from __future__ import annotations

from controlplane.api.base import KubeStruct
from controlplane.api.meta_v1 import ObjectMeta


class CustomResource(KubeStruct):
    """A custom resource without what its definition adds; decoding one drops the rest."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
