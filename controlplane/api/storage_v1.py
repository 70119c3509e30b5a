"""io.k8s.api.storage.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, ListSet, Quantity, Time, always
from controlplane.api.core_v1 import PersistentVolumeSpec, TopologySelectorTerm
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class TokenRequest(KubeStruct):
    audience: str = always(str)
    expiration_seconds: Int64 | None = None


class CSIDriverSpec(KubeStruct):
    attach_required: bool | None = None
    fs_group_policy: str = ""
    node_allocatable_update_period_seconds: Int64 | None = None
    pod_info_on_mount: bool | None = None
    prevent_pod_scheduling_if_missing: bool | None = None
    requires_republish: bool | None = None
    se_linux_mount: bool | None = None
    service_account_token_in_secrets: bool | None = None
    storage_capacity: bool | None = None
    token_requests: Annotated[list[TokenRequest], Atomic()] = []
    volume_lifecycle_modes: Annotated[list[str], ListSet(merge=False)] = []


class CSIDriver(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: CSIDriverSpec = always(CSIDriverSpec)


class VolumeNodeResources(KubeStruct):
    count: Int32 | None = None


class CSINodeDriver(KubeStruct):
    allocatable: VolumeNodeResources | None = None
    name: str = always(str)
    node_id: str = always(str)
    topology_keys: Annotated[list[str], Atomic()] = []


class CSINodeSpec(KubeStruct):
    drivers: Annotated[list[CSINodeDriver], ListMap(("name",), merge_key="name")] = []


class StorageHealthCondition(KubeStruct):
    access_mode: str = ""
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = always(str)
    status: str = always(str)
    volume_mode: str = ""


class StorageHealth(KubeStruct):
    health_conditions: Annotated[list[StorageHealthCondition], Atomic()] = []
    name: str = always(str)


class CSINodeStatus(KubeStruct):
    storage_health: Annotated[list[StorageHealth], ListMap(("name",), merge_key="name")] = []


class CSINode(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: CSINodeSpec = always(CSINodeSpec)
    status: CSINodeStatus = always(CSINodeStatus)


class CSIStorageCapacity(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    capacity: Quantity | None = None
    maximum_volume_size: Quantity | None = None
    node_topology: LabelSelector | None = None
    storage_class_name: str = always(str)


class StorageClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    allow_volume_expansion: bool | None = None
    allowed_topologies: Annotated[list[TopologySelectorTerm], Atomic()] = []
    mount_options: Annotated[list[str], Atomic()] = []
    parameters: dict[str, str] = {}
    provisioner: str = always(str)
    reclaim_policy: str = ""
    volume_binding_mode: str = ""


class VolumeAttachmentSource(KubeStruct):
    inline_volume_spec: PersistentVolumeSpec | None = None
    persistent_volume_name: str = ""


class VolumeAttachmentSpec(KubeStruct):
    attacher: str = always(str)
    node_name: str = always(str)
    source: VolumeAttachmentSource = always(VolumeAttachmentSource)


class VolumeError(KubeStruct):
    error_code: Int32 | None = None
    message: str = ""
    time: Time | None = always(NoneType)


class VolumeAttachmentStatus(KubeStruct):
    attach_error: VolumeError | None = None
    attached: bool = always(bool)
    attachment_metadata: dict[str, str] = {}
    detach_error: VolumeError | None = None


class VolumeAttachment(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: VolumeAttachmentSpec = always(VolumeAttachmentSpec)
    status: VolumeAttachmentStatus = always(VolumeAttachmentStatus)


class VolumeAttributesClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    driver_name: str = always(str)
    parameters: dict[str, str] = {}
