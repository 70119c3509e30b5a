"""StorageObjectInUseProtection: a claim or volume that is deleted while used stays until its last user is gone."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin

FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
}


class StorageObjectInUseProtection(Plugin):
    """Adds the finalizer that the protection controllers take away."""

    name = "StorageObjectInUseProtection"
    looks_at = frozenset({"persistentvolumeclaims", "persistentvolumes"})

    async def mutate(self, attributes: Attributes) -> None:
        finalizer = FINALIZERS.get(attributes.resource.plural)
        document = attributes.document
        if finalizer is None or document is None or not attributes.is_for(attributes.resource.plural, Operation.CREATE):
            return
        metadata = document["metadata"]
        finalizers = metadata.get("finalizers") or []
        if finalizer not in finalizers:
            metadata["finalizers"] = [*finalizers, finalizer]
