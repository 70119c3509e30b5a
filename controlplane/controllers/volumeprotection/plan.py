"""Which finalizers an object is to have, and which pods use a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controlplane.api.core_v1 import PersistentVolume, Pod
from controlplane.api.meta_v1 import ObjectMeta

CLAIM_FINALIZER, VOLUME_FINALIZER = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


def finalizers(metadata: ObjectMeta, finalizer: str, *, used: bool) -> Sequence[str]:
    """Return the finalizers that an object is to have."""
    there = finalizer in metadata.finalizers
    if metadata.deletion_timestamp is None:
        return metadata.finalizers if there else [*metadata.finalizers, finalizer]
    if used or not there:
        return metadata.finalizers
    return [one for one in metadata.finalizers if one != finalizer]


def claims_of(pod: Pod) -> Iterator[str]:
    """Yield the names of the claims that a pod uses, once a node has it: before, nothing is mounted anywhere."""
    if not pod.spec.node_name:
        return
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim is not None:
            yield volume.persistent_volume_claim.claim_name
        elif volume.ephemeral is not None:
            yield f"{pod.metadata.name}-{volume.name}"


def is_bound(volume: PersistentVolume) -> bool:
    return volume.status.phase == "Bound"
