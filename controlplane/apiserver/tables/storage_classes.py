"""kubectl get storageclasses, volumeattributesclasses, volumeattachments, csidrivers and what nodes say of them."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.storage_v1 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
    VolumeAttributesClass,
)
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import UNSET, age, or_none

_DEFAULTS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_DEFAULT_ATTRIBUTES = ("volumeattributesclass.alpha.kubernetes.io/is-default-class",)


def _class_name(metadata: ObjectMeta, annotations: tuple[str, ...]) -> str:
    chosen = any(metadata.annotations.get(annotation) == "true" for annotation in annotations)
    return f"{metadata.name} (default)" if chosen else metadata.name


def _storage_class(item: StorageClass, now: datetime) -> list[Cell]:
    return [
        _class_name(item.metadata, _DEFAULTS),
        item.provisioner,
        item.reclaim_policy or "Delete",
        item.volume_binding_mode or UNSET,
        bool(item.allow_volume_expansion),
        age(item.metadata.creation_timestamp, now),
    ]


def _attributes_class(item: VolumeAttributesClass, now: datetime) -> list[Cell]:
    name = _class_name(item.metadata, _DEFAULT_ATTRIBUTES)
    return [name, item.driver_name, age(item.metadata.creation_timestamp, now)]


def _attachment(item: VolumeAttachment, now: datetime) -> list[Cell]:
    source = item.spec.source
    return [
        item.metadata.name,
        item.spec.attacher,
        source.persistent_volume_name if source else "",
        item.spec.node_name,
        bool(item.status.attached),
        age(item.metadata.creation_timestamp, now),
    ]


def _csi_driver(item: CSIDriver, now: datetime) -> list[Cell]:
    spec = item.spec
    return [
        item.metadata.name,
        spec.attach_required is not False,
        bool(spec.pod_info_on_mount),
        bool(spec.storage_capacity),
        ",".join(request.audience for request in spec.token_requests) if spec.token_requests else UNSET,
        bool(spec.requires_republish),
        or_none(",".join(spec.volume_lifecycle_modes)),
        age(item.metadata.creation_timestamp, now),
    ]


def _csi_node(item: CSINode, now: datetime) -> list[Cell]:
    return [item.metadata.name, len(item.spec.drivers), age(item.metadata.creation_timestamp, now)]


def _capacity(item: CSIStorageCapacity, now: datetime) -> list[Cell]:
    capacity = UNSET if item.capacity is None else str(item.capacity)
    return [item.metadata.name, item.storage_class_name or "", capacity]


STORAGE_CLASS = Printer(
    (
        NAME,
        Column("Provisioner"),
        Column("ReclaimPolicy"),
        Column("VolumeBindingMode"),
        Column("AllowVolumeExpansion"),
        AGE,
    ),
    _storage_class,
)
VOLUME_ATTRIBUTES_CLASS = Printer((NAME, Column("DriverName"), AGE), _attributes_class)
VOLUME_ATTACHMENT = Printer(
    (NAME, Column("Attacher"), Column("PV"), Column("Node"), Column("Attached", "boolean"), AGE), _attachment
)
CSI_DRIVER = Printer(
    (
        NAME,
        Column("AttachRequired", "boolean"),
        Column("PodInfoOnMount", "boolean"),
        Column("StorageCapacity", "boolean"),
        Column("TokenRequests"),
        Column("RequiresRepublish", "boolean"),
        Column("Modes"),
        AGE,
    ),
    _csi_driver,
)
CSI_NODE = Printer((NAME, Column("Drivers", "integer"), AGE), _csi_node)
CSI_STORAGE_CAPACITY = Printer((NAME, Column("StorageClassName"), Column("Capacity")), _capacity)
