"""What the workers of a node share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from nodeagent.cri.runtime import Runtime
from nodeagent.pods.hooks import Hooks
from nodeagent.pods.launch import Launcher
from nodeagent.pods.puller import ImagePuller, Tell
from nodeagent.pods.runtime_class import RuntimeClasses
from nodeagent.pods.sandbox import NodeSettings
from nodeagent.pods.writer import StatusWriter
from nodeagent.probes.counts import ProbeCounts
from nodeagent.probes.manager import ProbeManager
from nodeagent.volumes.manager import Volumes


class Recorder(Protocol):
    """Records events, without waiting."""

    def event(self, obj: Any, type_: str, reason: str, message: str, *, field_path: str = "") -> None: ...


class Stopwatch(Protocol):
    """Is told how long things took, in seconds."""

    def synced(self, seconds: float) -> None:
        """A worker has reconciled its pod once."""

    def started(self, seconds: float) -> None:
        """A pod runs, so long after this node first saw it."""

    def relisted(self, seconds: float) -> None:
        """The whole runtime was looked at."""


class NoStopwatch:
    """For who does not want to know."""

    def synced(self, seconds: float) -> None:
        pass

    def started(self, seconds: float) -> None:
        pass

    def relisted(self, seconds: float) -> None:
        pass


@dataclass(frozen=True)
class Tools:
    """Doors and helpers, one of each a node."""

    client: Client
    clock: Clock
    runtime: Runtime
    runtime_classes: RuntimeClasses
    launcher: Launcher
    puller: ImagePuller
    volumes: Volumes
    probes: ProbeManager
    probe_counts: ProbeCounts
    hooks: Hooks
    recorder: Recorder
    writer: StatusWriter
    node: Callable[[], NodeSettings]
    remove_cgroup: Callable[[Pod], None]
    # Making sandboxes and starting containers is work for the CPU: more at once only makes each slower. Starts have
    # slots of their own, so that pods whose sandbox is there finish while others still wait for theirs.
    sandbox_slots: asyncio.Semaphore
    start_slots: asyncio.Semaphore
    stopwatch: Stopwatch


def spec_of(pod: Pod, name: str) -> Container | EphemeralContainer | None:
    """Return the pod's container of this name, of whichever sort."""
    every: list[Container | EphemeralContainer] = [
        *pod.spec.containers,
        *pod.spec.init_containers,
        *pod.spec.ephemeral_containers,
    ]
    return next((one for one in every if one.name == name), None)


def teller(recorder: Recorder, pod: Pod, container: Container | EphemeralContainer | None = None) -> Tell:
    """Return a function that records events about the pod, or about one of its containers."""
    path = field_path(pod, container) if container else ""

    def tell(type_: str, reason: str, message: str) -> None:
        recorder.event(pod, type_, reason, message, field_path=path)

    return tell


def field_path(pod: Pod, container: Container | EphemeralContainer) -> str:
    """Return how an event names a container: spec.containers{nginx}."""
    if isinstance(container, EphemeralContainer):
        return f"spec.ephemeralContainers{{{container.name}}}"
    init = any(one.name == container.name for one in pod.spec.init_containers)
    return f"spec.{'initContainers' if init else 'containers'}{{{container.name}}}"
