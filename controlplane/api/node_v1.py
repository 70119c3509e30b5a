"""io.k8s.api.node.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, KubeStruct, Quantity, always
from controlplane.api.core_v1 import Toleration
from controlplane.api.meta_v1 import ObjectMeta


class Overhead(KubeStruct):
    pod_fixed: dict[str, Quantity] = {}


class Scheduling(KubeStruct):
    node_selector: Annotated[dict[str, str], Atomic()] = {}
    tolerations: Annotated[list[Toleration], Atomic()] = []


class RuntimeClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    handler: str = always(str)
    overhead: Overhead | None = None
    scheduling: Scheduling | None = None
