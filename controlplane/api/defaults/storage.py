"""Storage classes and CSI drivers."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_storage_class(storage_class: Document) -> None:
    storage_class["reclaimPolicy"] = storage_class.get("reclaimPolicy") or "Delete"
    storage_class["volumeBindingMode"] = storage_class.get("volumeBindingMode") or "Immediate"


def default_csi_driver(driver: Document) -> None:
    spec = driver.setdefault("spec", {})
    spec.setdefault("attachRequired", True)
    for field in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
        spec.setdefault(field, False)
    spec["fsGroupPolicy"] = spec.get("fsGroupPolicy") or "ReadWriteOnceWithFSType"
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]
