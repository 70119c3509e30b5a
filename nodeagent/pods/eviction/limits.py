"""Local storage that a pod may not exceed: an emptyDir's sizeLimit, a container's limit, and the sum of those."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.api import quantity
from controlplane.api.core_v1 import Pod
from controlplane.api.quota.pods import pod_limits
from nodeagent.pods.eviction.rank import PodUse

_RESOURCE = "ephemeral-storage"


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that is exceeded: how metrics name it, and how the pod's status does."""

    signal: str
    message: str


def has_limits(pod: Pod) -> bool:
    """Whether the pod's local storage has to be measured at all."""
    return bool(_RESOURCE in pod_limits(pod.spec)) or any(
        volume.empty_dir and volume.empty_dir.size_limit for volume in pod.spec.volumes
    )


def excess(pod: Pod, use: PodUse, *, one_disk: bool) -> Excess | None:
    """Return the first limit that the pod exceeds.

    A writable layer counts only if it lies on the file system that the limits are about.
    """
    return _empty_dirs(pod, use) or _whole(pod, use, one_disk=one_disk) or _containers(pod, use, one_disk=one_disk)


def _empty_dirs(pod: Pod, use: PodUse) -> Excess | None:
    for volume in pod.spec.volumes:
        limit = volume.empty_dir.size_limit if volume.empty_dir else None
        used = use.volumes.get(volume.name) or use.in_memory.get(volume.name)
        if limit is None or used is None or quantity.value(limit) <= 0:
            continue
        if used.bytes > quantity.value(limit):
            words = f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{quantity.canonical(limit)}". '
            return Excess("emptydirfs.limit", words)
    return None


def _whole(pod: Pod, use: PodUse, *, one_disk: bool) -> Excess | None:
    limit = pod_limits(pod.spec).get(_RESOURCE)
    if limit is None or use.local(layers=one_disk).bytes <= quantity.value(limit):
        return None
    shown = quantity.canonical(limit)
    words = f"Pod ephemeral local storage usage exceeds the total limit of containers {shown}. "
    return Excess("ephemeralpodfs.limit", words)


def _containers(pod: Pod, use: PodUse, *, one_disk: bool) -> Excess | None:
    used = {one.name: one.local(layers=one_disk).bytes for one in use.containers}
    for container in [*pod.spec.containers, *pod.spec.init_containers]:
        limit = container.resources.limits.get(_RESOURCE) if container.resources else None
        if limit is not None and used.get(container.name, 0) > quantity.value(limit):
            shown = quantity.canonical(limit)
            words = f'Container {container.name} exceeded its local ephemeral storage limit "{shown}". '
            return Excess("ephemeralcontainerfs.limit", words)
    return None
