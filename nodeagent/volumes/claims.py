"""From a pod's claim to the persistent volume behind it.

A node may get the claims of its pods and the volumes they are bound to, one at a time, and watch neither: a claim that
is not bound yet is asked for again after a while, and the pod's events say what it waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controlplane.api.core_v1 import (
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    Volume,
)
from controlplane.api.selectors import Requirement
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from nodeagent.volumes.errors import VolumeFailed

_RETRY_SECONDS = 5.0
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


class ClaimFailed(VolumeFailed):
    """A claim leads to no volume yet."""

    def __init__(self, message: str):
        super().__init__(message, retry_after=_RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The persistent volume that a pod's claim is bound to; `read_only` is what the pod asks for."""

    volume: PersistentVolume
    read_only: bool = False


def claim_name(pod: str, volume: Volume) -> str:
    """Return the name of the claim behind a volume of the pod of this name, or "" if there is none."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    return f"{pod}-{volume.name}" if volume.ephemeral is not None else ""


class Claims:
    """Resolves claims, each once for a pod: what a running pod was given does not change under it."""

    def __init__(self, client: Client, node_labels: Callable[[], Mapping[str, str]]):
        self._client, self._node_labels = client, node_labels
        self._found: dict[str, dict[str, Claimed]] = {}  # by pod UID and volume

    async def find(self, pod: Pod) -> dict[str, Claimed]:
        """Return what stands behind each volume of the pod that is a claim. Raises ClaimFailed, naming the claims."""
        found = self._found.setdefault(pod.metadata.uid, {})
        failures: dict[str, str] = {}
        for volume in pod.spec.volumes:
            name = claim_name(pod.metadata.name, volume)
            if name and volume.name not in found:
                try:
                    found[volume.name] = await self._resolve(pod, volume, name)
                except ClaimFailed as error:
                    failures[volume.name] = str(error)
        if failures:
            made = [volume.name for volume in pod.spec.volumes]
            raise ClaimFailed(unmounted(made, failures, "; ".join(failures.values())))
        return dict(found)

    def forget(self, uid: str) -> None:
        self._found.pop(uid, None)

    async def _resolve(self, pod: Pod, volume: Volume, name: str) -> Claimed:
        namespace = pod.metadata.namespace
        processing = f"error processing PVC {namespace}/{name}"
        try:
            claim = await self._client.get(PersistentVolumeClaim, name, namespace)
        except (StatusError, Unreachable) as error:
            raise ClaimFailed(f"{processing}: failed to fetch PVC from API server: {error}") from error
        if why := refuse_claim(pod, volume, claim):
            raise ClaimFailed(f"{processing}: {why}")
        pv_name = claim.spec.volume_name
        try:
            found = await self._client.get(PersistentVolume, pv_name)
        except (StatusError, Unreachable) as error:
            raise ClaimFailed(f"{processing}: failed to fetch PV {pv_name} from API server: {error}") from error
        if why := refuse_volume(pod, volume, claim, found, self._node_labels()):
            raise ClaimFailed(f"{processing}: {why}")
        wanted = volume.persistent_volume_claim
        return Claimed(found, read_only=bool(wanted and wanted.read_only))


def refuse_claim(pod: Pod, volume: Volume, claim: PersistentVolumeClaim) -> str:
    """Return why the claim cannot be used by the pod, or ""."""
    meta = claim.metadata
    if volume.ephemeral is not None and not _owns(pod, claim):
        return (
            f"PVC {meta.namespace}/{meta.name} was not created for pod "
            f"{pod.metadata.namespace}/{pod.metadata.name} (pod is not owner)"
        )
    if meta.deletion_timestamp is not None:
        return "PVC is being deleted"
    if claim.status.phase != "Bound":
        return "PVC is not bound"
    if not claim.spec.volume_name:
        return "PVC has empty pvc.Spec.VolumeName"
    return ""


def refuse_volume(
    pod: Pod, volume: Volume, claim: PersistentVolumeClaim, found: PersistentVolume, node: Mapping[str, str]
) -> str:
    """Return why the persistent volume cannot be used through the claim on a node with these labels, or ""."""
    name, reference = found.metadata.name, found.spec.claim_ref
    if reference is None:
        return f"found PV object {name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim"
    if reference.uid != claim.metadata.uid:
        return (
            f"found PV object {name} but its pv.Spec.ClaimRef.UID {reference.uid} "
            f"does not point to claim.UID {claim.metadata.uid}"
        )
    if found.spec.volume_mode == "Block":
        return f"volume {volume.name} has volumeMode Block, which this node agent does not support"
    if volume.name in _as_devices(pod):
        return f"volume {volume.name} has volumeMode Filesystem, but is specified in volumeDevices"
    required = found.spec.node_affinity.required if found.spec.node_affinity else None
    if required is not None and not any(_selects(term, node) for term in required.node_selector_terms):
        return f"MountVolume.NodeAffinity check failed for volume {name}: no matching NodeSelectorTerms"
    return ""


def unmounted(names: list[str], failed: Mapping[str, str], why: str) -> str:
    """Return upstream's sentence for volumes that are not there."""
    missing, unprocessed = " ".join(names), " ".join(failed)
    return (
        f"Unable to attach or mount volumes: unmounted volumes=[{missing}], unattached volumes=[], "
        f"failed to process volumes=[{unprocessed}]: {why}"
    )


def _as_devices(pod: Pod) -> set[str]:
    """Return the volumes that some container wants as a device: to start without it would be to pretend."""
    containers = [*pod.spec.containers, *pod.spec.init_containers]
    return {device.name for container in containers for device in container.volume_devices}


def _owns(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    owners = claim.metadata.owner_references
    return any(owner.controller and owner.uid == pod.metadata.uid for owner in owners)


def _selects(term: NodeSelectorTerm, labels: Mapping[str, str]) -> bool:
    """Whether a term that says something holds; what is asked of a node's fields is not for volumes."""
    if not term.match_expressions or term.match_fields:
        return False
    return all(_requirement(one).matches(labels) for one in term.match_expressions)


def _requirement(one: NodeSelectorRequirement) -> Requirement:
    return Requirement(one.key, _OPERATORS[one.operator], tuple(one.values))
