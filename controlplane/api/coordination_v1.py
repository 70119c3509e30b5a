"""io.k8s.api.coordination.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from controlplane.api.base import Int32, KubeStruct, MicroTime, always
from controlplane.api.meta_v1 import ObjectMeta


class LeaseSpec(KubeStruct):
    acquire_time: MicroTime | None = None
    holder_identity: str = ""
    lease_duration_seconds: Int32 | None = None
    lease_transitions: Int32 | None = None
    preferred_holder: str = ""
    renew_time: MicroTime | None = None
    strategy: str = ""


class Lease(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: LeaseSpec = always(LeaseSpec)
