"""Whose turn it is when something runs short: who uses more than it asked for, who matters least, who uses most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controlplane.api import quantity
from controlplane.api.core_v1 import Pod
from controlplane.api.quota.pods import pod_requests
from nodeagent.kernel.headroom import Used
from nodeagent.pods import names
from nodeagent.pods.eviction.thresholds import Signal
from nodeagent.pods.resources import SYSTEM_CRITICAL

_NOTHING = Used()


@dataclass(frozen=True, slots=True)
class ContainerUse:
    """What one container uses: bytes of memory, its writable layer, its logs."""

    name: str
    memory: int = 0
    layer: Used = _NOTHING
    logs: Used = _NOTHING

    def local(self, *, layers: bool = True) -> Used:
        """Return what it takes of the node's disk; its layer only where that lies on the same file system."""
        return self.logs + self.layer if layers else self.logs


@dataclass(frozen=True, slots=True)
class PodUse:
    """What one pod uses. `volumes` are those that lie on the node's own disk, by name."""

    containers: tuple[ContainerUse, ...] = ()
    volumes: Mapping[str, Used] = field(default_factory=dict)
    in_memory: Mapping[str, Used] = field(default_factory=dict)  # emptyDirs of medium Memory, by name
    pids: int = 0

    @property
    def memory(self) -> int:
        return sum(one.memory for one in self.containers)

    def local(self, *, layers: bool = True) -> Used:
        """Return what it takes of the node's disk, with or without the containers' writable layers."""
        logs_and_layers = [one.local(layers=layers) for one in self.containers]
        return sum([*logs_and_layers, *self.volumes.values()], _NOTHING)

    @property
    def layers(self) -> Used:
        return sum((one.layer for one in self.containers), _NOTHING)


Uses = Mapping[str, PodUse]
"""By pod UID."""


def is_critical(pod: Pod) -> bool:
    """Whether the pod is never ended for want of something: static, or of a system-critical priority."""
    return names.is_static(pod) or names.is_mirror(pod) or (pod.spec.priority or 0) >= SYSTEM_CRITICAL


def rank(signal: Signal, pods: Iterable[Pod], uses: Uses, *, one_disk: bool) -> Sequence[Pod]:
    """Return the pods in the order in which they are to be ended.

    `one_disk`: images and writable layers lie on the same file system as everything else. A pod whose usage nobody
    knows comes first, as upstream has it: it cannot be shown to be within its request.
    """

    def order(pod: Pod) -> tuple[bool, bool, int, int]:
        use, priority = uses.get(pod.metadata.uid), pod.spec.priority or 0
        if use is None:
            return False, False, priority, 0
        used, asked = _used(signal, use, one_disk=one_disk), _asked(signal, pod)
        # Process ids cannot be asked for, so nobody uses more of them than it asked for.
        within = signal is Signal.PIDS or used <= asked
        return True, within, priority, asked - used

    return sorted(pods, key=order)


def _used(signal: Signal, use: PodUse, *, one_disk: bool) -> int:
    match signal:
        case Signal.MEMORY | Signal.POD_MEMORY:
            return use.memory
        case Signal.PIDS:
            return use.pids
    if one_disk:
        found = use.local()
    else:
        found = use.layers if signal in (Signal.IMAGE_DISK, Signal.IMAGE_INODES) else use.local(layers=False)
    return found.bytes if signal in (Signal.NODE_DISK, Signal.IMAGE_DISK) else found.inodes


def _asked(signal: Signal, pod: Pod) -> int:
    match signal:
        case Signal.MEMORY | Signal.POD_MEMORY:
            return quantity.value(pod_requests(pod.spec).get("memory", 0))
        case Signal.NODE_DISK | Signal.IMAGE_DISK:
            return quantity.value(pod_requests(pod.spec).get("ephemeral-storage", 0))
    return 0
