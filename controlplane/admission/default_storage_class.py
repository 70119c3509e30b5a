"""DefaultStorageClass: a claim that names no class gets the cluster's default one."""

from __future__ import annotations

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api.reader import ObjectReader
from controlplane.api.storage_v1 import StorageClass

_DEFAULTS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_CLASS = "volume.beta.kubernetes.io/storage-class"  # how claims named their class before the field


class DefaultStorageClass(Plugin):
    """Looks at new claims; "" names a class too: none."""

    name = "DefaultStorageClass"
    looks_at = frozenset({"persistentvolumeclaims"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def mutate(self, attributes: Attributes) -> None:
        claim = attributes.document
        if claim is None or not attributes.is_for("persistentvolumeclaims", Operation.CREATE):
            return
        spec = claim.setdefault("spec", {})
        named = _CLASS in (claim["metadata"].get("annotations") or {}) or spec.get("storageClassName") is not None
        if not named and (default := self._default()):
            spec["storageClassName"] = default

    def _default(self) -> str:
        """Return the newest of the classes that are marked as default, the first by name of equally old ones."""
        found = sorted(filter(_is_default, self._reader.list(StorageClass)), key=lambda one: one.metadata.name)
        newest = max(found, key=lambda one: one.metadata.creation_timestamp or "", default=None)
        return newest.metadata.name if newest else ""


def _is_default(storage_class: StorageClass) -> bool:
    return any(storage_class.metadata.annotations.get(annotation) == "true" for annotation in _DEFAULTS)
