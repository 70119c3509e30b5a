"""Reads what the eviction manager decides on: what is left of the node, and what each pod uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controlplane.api.core_v1 import Pod
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.images import Images
from nodeagent.cri.records import POD_UID, ContainerStats
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import cgroup, headroom
from nodeagent.kernel.headroom import Left, Used, used_below
from nodeagent.pods import names
from nodeagent.pods.cgroups import cgroup_path
from nodeagent.pods.eviction.rank import ContainerUse, PodUse, Uses
from nodeagent.pods.eviction.thresholds import Observation, Observations, Signal
from nodeagent.pods.resources import qos_class
from nodeagent.pods.sandbox import NodeSettings


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of each thing; `one_disk`: images and writable layers lie where everything else of pods does."""

    signals: Observations
    one_disk: bool = True


class Signals(Protocol):
    """Says what is left."""

    async def read(self) -> Seen:
        """Raises OSError."""


class Usage(Protocol):
    """Says what pods use."""

    async def read(self, pods: Iterable[Pod]) -> Uses:
        """Raises RuntimeFailure."""


@dataclass(frozen=True, slots=True)
class PodMemory:
    """The cgroup of all pods, and how many bytes of memory they may use together."""

    cgroup: str
    limit: int


class NodeSignals:
    """The numbers of this machine; `state` is on the file system that holds the pods' files."""

    def __init__(self, state: Path, images: Images, pod_memory: PodMemory | None = None):
        """`pod_memory` None: pods may use all there is."""
        self._state, self._images, self._pod_memory = state, images, pod_memory

    async def read(self) -> Seen:
        node = headroom.disk(self._state)
        seen = {
            Signal.MEMORY: headroom.memory(),
            Signal.PIDS: headroom.pids(),
            Signal.NODE_DISK: node.bytes,
            Signal.NODE_INODES: node.inodes,
        }
        if self._pod_memory is not None:
            seen[Signal.POD_MEMORY] = headroom.group_memory(self._pod_memory.cgroup, self._pod_memory.limit)
        place = await self._image_place()
        one_disk = place is None or place.stat().st_dev == self._state.stat().st_dev
        if place is not None:
            found = headroom.disk(place)
            seen |= {Signal.IMAGE_DISK: found.bytes, Signal.IMAGE_INODES: found.inodes}
        return Seen({signal: _observation(left) for signal, left in seen.items()}, one_disk)

    async def _image_place(self) -> Path | None:
        """Where the runtime keeps images; None while it does not answer, which is no reason not to look at the rest."""
        try:
            return Path(await self._images.mountpoint())
        except RuntimeFailure:
            return None


def _observation(left: Left) -> Observation:
    return Observation(left.available, left.capacity)


class PodUsage:
    """Measures pods: memory and writable layers as the runtime says, logs and volumes by looking at their files."""

    def __init__(self, runtime: Runtime, settings: Callable[[], NodeSettings]):
        self._runtime, self._settings = runtime, settings

    async def read(self, pods: Iterable[Pod]) -> Uses:
        stats: dict[str, list[ContainerStats]] = {}
        for one in await self._runtime.container_stats():
            stats.setdefault(one.labels.get(POD_UID, ""), []).append(one)
        return await asyncio.to_thread(_measure, list(pods), stats, self._settings())


def _measure(pods: Iterable[Pod], stats: Mapping[str, list[ContainerStats]], node: NodeSettings) -> Uses:
    """Walk over the pods' files: as slow as there are many, so not in the event loop."""
    return {pod.metadata.uid: _use(pod, stats.get(pod.metadata.uid, ()), node) for pod in pods}


def _use(pod: Pod, stats: Iterable[ContainerStats], node: NodeSettings) -> PodUse:
    logs = names.log_directory(pod, node.logs)
    containers = tuple(
        ContainerUse(
            one.name,
            one.memory_working_set,
            Used(one.writable_bytes, one.writable_inodes),
            used_below(logs / one.name),
        )
        for one in sorted(stats, key=lambda one: one.name)
    )
    return PodUse(
        containers,
        {name: used_below(path) for name, path in _volumes(pod, node.kubelet_root, in_memory=False)},
        {name: used_below(path) for name, path in _volumes(pod, node.kubelet_root, in_memory=True)},
        cgroup.tasks(cgroup_path(pod.metadata.uid, qos_class(pod), node.cgroup_driver)),
    )


def _volumes(pod: Pod, root: Path, *, in_memory: bool) -> Iterable[tuple[str, Path]]:
    """Yield the volumes that hold data of the pod's own, on the node's disk or in its memory."""
    place = root / "pods" / pod.metadata.uid / "volumes"
    for volume in pod.spec.volumes:
        if volume.empty_dir is not None and (volume.empty_dir.medium == "Memory") == in_memory:
            yield volume.name, place / "kubernetes.io~empty-dir" / volume.name
        elif volume.config_map is not None and not in_memory:
            yield volume.name, place / "kubernetes.io~configmap" / volume.name
