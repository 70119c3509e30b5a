"""PersistentVolumes and claims, as far as every cluster checks them."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from controlplane.api import names
from controlplane.api.core_v1 import PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, forbidden, invalid, not_supported, required
from controlplane.api.validation.resources import validate_amounts
from controlplane.api.validation.scheduling import validate_node_selector
from controlplane.api.validation.selectors import validate_selector

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_RECLAIM = ("Delete", "Recycle", "Retain")
_VOLUME_MODES = ("Block", "Filesystem")
_NOT_SOURCES = {
    "access_modes", "capacity", "claim_ref", "mount_options", "node_affinity", "persistent_volume_reclaim_policy",
    "storage_class_name", "volume_attributes_class_name", "volume_mode",
}  # fmt: skip


def _validate_access_modes(modes: list[str], why: str) -> list[FieldError]:
    if not modes:
        return [required("spec.accessModes", why)]
    errors = [not_supported("spec.accessModes", mode, _ACCESS_MODES) for mode in modes if mode not in _ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        why = "may not use ReadWriteOncePod with other access modes"
        errors.append(forbidden("spec.accessModes", why))
    return errors


def validate_persistent_volume(volume: PersistentVolume) -> list[FieldError]:
    spec = volume.spec
    errors = _validate_access_modes(spec.access_modes, "")
    if not spec.capacity:
        errors.append(required("spec.capacity"))
    elif list(spec.capacity) != ["storage"]:
        errors.append(not_supported("spec.capacity", spec.capacity, ("storage",)))
    errors += validate_amounts(spec.capacity, "spec.capacity")
    if spec.persistent_volume_reclaim_policy not in ("", *_RECLAIM):
        policy = spec.persistent_volume_reclaim_policy
        errors.append(not_supported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM))
    if spec.volume_mode not in ("", *_VOLUME_MODES):
        errors.append(not_supported("spec.volumeMode", spec.volume_mode, _VOLUME_MODES))
    if spec.node_affinity is not None and spec.node_affinity.required is not None:
        errors += validate_node_selector(spec.node_affinity.required, "spec.nodeAffinity.required")
    if spec.storage_class_name:
        name = spec.storage_class_name
        errors += checked("spec.storageClassName", name, names.dns1123_subdomain(name))
    return errors + _validate_source(volume)


def _validate_source(volume: PersistentVolume) -> list[FieldError]:
    fields = [field for field in msgspec.structs.fields(type(volume.spec)) if field.name not in _NOT_SOURCES]
    found = [field.encode_name for field in fields if getattr(volume.spec, field.name) is not None]
    errors = [forbidden(f"spec.{name}", "may not specify more than 1 volume type") for name in found[1:]]
    if not found:
        errors.append(required("spec", "must specify a volume type"))
    path = volume.spec.host_path.path if volume.spec.host_path else "/"
    if not path:
        errors.append(required("spec.hostPath.path"))
    if volume.spec.host_path and path == "/" and volume.spec.persistent_volume_reclaim_policy == "Recycle":
        why = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(forbidden("spec.persistentVolumeReclaimPolicy", why))
    return errors


def validate_persistent_volume_update(new: PersistentVolume, old: PersistentVolume) -> list[FieldError]:
    sources = [one.name for one in msgspec.structs.fields(type(new.spec)) if one.name not in _NOT_SOURCES]
    changed = any(getattr(new.spec, name) != getattr(old.spec, name) for name in sources)
    errors = []
    if changed:
        errors.append(
            forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
        )
    if new.spec.volume_mode != old.spec.volume_mode:
        errors.append(invalid("spec.volumeMode", new.spec.volume_mode, "field is immutable"))
    return errors


def validate_persistent_volume_claim(claim: PersistentVolumeClaim) -> list[FieldError]:
    return validate_claim_spec(claim.spec)


def validate_claim_spec(spec: PersistentVolumeClaimSpec) -> list[FieldError]:
    errors = _validate_access_modes(spec.access_modes, "at least 1 access mode is required")
    errors += validate_selector(spec.selector, "spec.selector")
    requests = spec.resources.requests if spec.resources else {}
    if "storage" not in requests:
        errors.append(required("spec.resources[storage]"))
    errors += validate_amounts(requests, "spec.resources.requests")
    if spec.storage_class_name:
        name = spec.storage_class_name
        errors += checked("spec.storageClassName", name, names.dns1123_subdomain(name))
    if spec.volume_mode not in ("", *_VOLUME_MODES):
        errors.append(not_supported("spec.volumeMode", spec.volume_mode, _VOLUME_MODES))
    return errors


def validate_persistent_volume_claim_update(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    allowed = replace(
        old.spec,
        resources=new.spec.resources if old.status.phase == "Bound" else old.spec.resources,
        volume_attributes_class_name=new.spec.volume_attributes_class_name,
        volume_name=old.spec.volume_name or new.spec.volume_name,
        storage_class_name=old.spec.storage_class_name or new.spec.storage_class_name,
    )
    if new.spec == allowed:
        return []
    why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
    return [forbidden("spec", why)]
