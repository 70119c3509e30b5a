"""PersistentVolumes and their claims."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_persistent_volume(volume: Document) -> None:
    spec, status = volume.setdefault("spec", {}), volume.setdefault("status", {})
    spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    status["phase"] = status.get("phase") or "Pending"


def default_persistent_volume_claim(claim: Document) -> None:
    spec, status = claim.setdefault("spec", {}), claim.setdefault("status", {})
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    status["phase"] = status.get("phase") or "Pending"
