"""PersistentVolumeClaimResize: a claim may grow if it is bound and its class says that volumes can."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.codec import Document
from controlplane.api.reader import ObjectReader
from controlplane.api.storage_v1 import StorageClass

_CLASS = "volume.beta.kubernetes.io/storage-class"


class PersistentVolumeClaimResize(Plugin):
    """Looks at updates of claims that ask for more than before."""

    name = "PersistentVolumeClaimResize"
    looks_at = frozenset({"persistentvolumeclaims"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def validate(self, attributes: Attributes) -> None:
        if not attributes.is_for("persistentvolumeclaims", Operation.UPDATE):
            return
        new, old = attributes.document or {}, attributes.old or {}
        if quantity.compare(_size(new), _size(old)) <= 0:
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise attributes.forbidden("Only bound persistent volume claims can be expanded")
        if not self._may_grow(_class_of(new), _class_of(old)):
            raise attributes.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize"
            )

    def _may_grow(self, name: str, before: str) -> bool:
        if not name or name != before:
            return False
        found = self._reader.get(StorageClass, "", name)
        return found is not None and bool(found.allow_volume_expansion)


def _size(claim: Document) -> Quantity:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    size: Quantity = requests.get("storage", 0)
    return size


def _class_of(claim: Document) -> str:
    annotations = (claim.get("metadata") or {}).get("annotations") or {}
    return annotations.get(_CLASS) or (claim.get("spec") or {}).get("storageClassName") or ""
