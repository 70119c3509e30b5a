"""kubectl get persistentvolumes, persistentvolumeclaims."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from controlplane.api.core_v1 import PersistentVolume, PersistentVolumeClaim
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import UNSET, age

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def _modes(modes: Iterable[str]) -> str:
    """RWO,RWX: in a fixed order, each once"""
    wanted = set(modes)
    return ",".join(short for mode, short in _MODES.items() if mode in wanted)


def _phase(metadata: ObjectMeta, phase: str) -> str:
    return "Terminating" if metadata.deletion_timestamp else phase


def _storage_class(metadata: ObjectMeta, name: str | None) -> str:
    return metadata.annotations.get(_CLASS_ANNOTATION) or name or ""


def _volume(volume: PersistentVolume, now: datetime) -> list[Cell]:
    spec, claim = volume.spec, volume.spec.claim_ref
    return [
        volume.metadata.name,
        str(spec.capacity.get("storage", "")),
        _modes(spec.access_modes),
        spec.persistent_volume_reclaim_policy,
        _phase(volume.metadata, volume.status.phase),
        f"{claim.namespace}/{claim.name}" if claim else "",
        _storage_class(volume.metadata, spec.storage_class_name),
        spec.volume_attributes_class_name or UNSET,
        volume.status.reason,
        age(volume.metadata.creation_timestamp, now),
        spec.volume_mode or UNSET,
    ]


def _claim(claim: PersistentVolumeClaim, now: datetime) -> list[Cell]:
    spec, status = claim.spec, claim.status
    bound = bool(spec.volume_name)
    return [
        claim.metadata.name,
        _phase(claim.metadata, status.phase),
        spec.volume_name,
        str(status.capacity.get("storage", "")) if bound else "",
        _modes(status.access_modes) if bound else "",
        _storage_class(claim.metadata, spec.storage_class_name),
        spec.volume_attributes_class_name or UNSET,
        age(claim.metadata.creation_timestamp, now),
        spec.volume_mode or UNSET,
    ]


PERSISTENT_VOLUME = Printer(
    (
        NAME,
        Column("Capacity"),
        Column("Access Modes"),
        Column("Reclaim Policy"),
        Column("Status"),
        Column("Claim"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        Column("Reason"),
        AGE,
        wide("VolumeMode"),
    ),
    _volume,
)
PERSISTENT_VOLUME_CLAIM = Printer(
    (
        NAME,
        Column("Status"),
        Column("Volume"),
        Column("Capacity"),
        Column("Access Modes"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        AGE,
        wide("VolumeMode"),
    ),
    _claim,
)
