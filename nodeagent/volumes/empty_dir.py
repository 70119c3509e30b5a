"""A directory that lives as long as its pod: on the node's disk, in memory, or in huge pages.

medium                                                  mounted
""                                                      nothing
Memory                                                  tmpfs, no larger than what the pod's memory could hold
HugePages, HugePages-2Mi                                hugetlbfs with the pages that the pod's containers ask for
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import EmptyDirVolumeSource, Pod, ResourceRequirements
from nodeagent.kernel import mounts
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job

_MODE = 0o777
_HUGE_PAGES = "HugePages"
_POOLS = Path("/sys/kernel/mm/hugepages")


def set_up(job: Job) -> Path:
    """Make the volume; one that is there already is left as it is. Raises VolumeFailed, OSError."""
    path, source = job.path, job.source
    existed = path.is_dir()
    path.mkdir(parents=True, exist_ok=True)
    if source.medium:
        existed = mounts.is_mount_point(path)
        if not existed:
            _mount(path, source, job.pod, job.allocatable)
    if not existed:
        open_to(path, job.group, source.mode if source.mode is not None else _MODE)
    return path


def _mount(path: Path, source: EmptyDirVolumeSource, pod: Pod, allocatable: Mapping[str, Quantity]) -> None:
    if source.medium == "Memory":
        mounts.mount_tmpfs(path, size=memory_size(source, pod, allocatable))
    elif source.medium.startswith(_HUGE_PAGES):
        size = page_size(source.medium, pod)
        require_pages(size)
        mounts.mount_huge_pages(path, size)
    else:
        raise VolumeFailed(f'unknown storage medium "{source.medium}"')


def make_memory(directory: Path, size: int = 0) -> None:
    """Mount memory at `directory` unless that is done."""
    directory.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(directory):
        mounts.mount_tmpfs(directory, size=size)


def open_to(directory: Path, group: int | None, mode: int) -> None:
    """Let everybody in, and files made inside belong to the pod's fsGroup."""
    if group is not None:
        os.chown(directory, -1, group)
        mode |= 0o2070
    directory.chmod(mode)


# Memory


def memory_size(source: EmptyDirVolumeSource, pod: Pod, allocatable: Mapping[str, Quantity]) -> int:
    """Return how many bytes of memory the volume may take (0: nobody sets a bound), the least of the bounds there are.

    What is written there counts as the pod's memory: more than its limit would only end in a kill.
    """
    bounds = (
        quantity.value(allocatable.get("memory", 0)),
        pod_memory_limit(pod),
        quantity.value(source.size_limit or 0),
    )
    return min((bound for bound in bounds if bound > 0), default=0)


def pod_memory_limit(pod: Pod) -> int:
    """Return the memory that the pod as a whole may use, in bytes; 0 if one of its containers has no limit."""
    spec = pod.spec
    whole = _memory(spec.resources)
    if whole:
        return whole + quantity.value(spec.overhead.get("memory", 0))
    if not all(_memory(one.resources) for one in [*spec.containers, *spec.init_containers]):
        return 0
    sidecars, peak = 0, 0
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            sidecars += _memory(container.resources)
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + _memory(container.resources))
    total = sidecars + sum(_memory(container.resources) for container in spec.containers)
    return max(peak, total) + quantity.value(spec.overhead.get("memory", 0))


def _memory(resources: ResourceRequirements | None) -> int:
    return quantity.value(resources.limits.get("memory", 0)) if resources else 0


# Huge pages


def page_size(medium: str, pod: Pod) -> int:
    """Return the size in bytes of the pages that a medium means for a pod. Raises VolumeFailed."""
    asked = {quantity.value(name.removeprefix("hugepages-")) for name in _asked(pod) if name.startswith("hugepages-")}
    if not asked:
        raise VolumeFailed("hugePages storage requested, but there is no resource request for huge pages.")
    if medium == _HUGE_PAGES:
        if len(asked) > 1:
            raise VolumeFailed("medium: HugePages can't be used if container requests multiple huge page sizes")
        return asked.pop()
    size = medium.removeprefix(f"{_HUGE_PAGES}-")
    try:
        wanted = quantity.value(size)
    except quantity.QuantityError as error:
        raise VolumeFailed(f'unknown storage medium "{medium}"') from error
    if wanted not in asked:
        raise VolumeFailed(f"medium: {medium} can't be used if no container requests huge pages of the size {size}")
    return wanted


def require_pages(size: int, pools: Path = _POOLS) -> None:
    """Refuse if the node has no huge pages of `size` bytes. Raises VolumeFailed."""
    pool = pools / f"hugepages-{size // 1024}kB" / "nr_hugepages"
    if not pool.exists() or int(pool.read_text()) == 0:
        raise VolumeFailed(f"the node has no huge pages of {size // 1024} KiB")


def _asked(pod: Pod) -> set[str]:
    containers = [*pod.spec.containers, *pod.spec.init_containers]
    return {
        name
        for resources in (container.resources for container in containers)
        if resources is not None
        for name, amount in {**resources.limits, **resources.requests}.items()
        if quantity.value(amount) > 0
    }
