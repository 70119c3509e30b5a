"""What is known of a pod on this node at one moment: the input of every decision, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from controlplane.api.core_v1 import Container as ContainerSpec
from controlplane.api.core_v1 import Pod, PodCondition
from nodeagent.cri.records import Container, Sandbox, State
from nodeagent.pods.restart import Crashes


class Source(Enum):
    """Where a pod was received from: said by whoever receives it, for what a pod says of itself anybody can write."""

    API = "api"
    STATIC = "static"  # a manifest: the API has a copy of the pod at most, and its deletion is nobody's to report
    ORPHAN = "orphan"  # found running, and nobody's: the API is told nothing of it


@dataclass(frozen=True, slots=True)
class PodRuntime:
    """A pod's sandboxes and containers as the runtime reports them, newest first."""

    sandboxes: tuple[Sandbox, ...] = ()
    containers: tuple[Container, ...] = ()

    @property
    def sandbox(self) -> Sandbox | None:
        """The newest sandbox, ready or not."""
        return self.sandboxes[0] if self.sandboxes else None

    @property
    def ready_sandbox(self) -> Sandbox | None:
        return self.sandbox if self.sandbox and self.sandbox.ready else None

    def runs(self, name: str) -> tuple[Container, ...]:
        """Every run of one container that the runtime still knows, newest first."""
        return tuple(container for container in self.containers if container.name == name)

    def last(self, name: str) -> Container | None:
        """The newest run of one container, in whichever sandbox."""
        return next((container for container in self.containers if container.name == name), None)

    def current(self, name: str) -> Container | None:
        """The newest run of one container in the newest sandbox."""
        last = self.last(name)
        return last if last and self.sandbox and last.sandbox_id == self.sandbox.id else None

    @property
    def ids(self) -> frozenset[str]:
        """The ids of everything there is."""
        return frozenset(one.id for one in self.containers) | frozenset(one.id for one in self.sandboxes)

    @property
    def running(self) -> tuple[Container, ...]:
        return tuple(container for container in self.containers if container.running)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run, as its status says it."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that failed, and when to try it again (None: as soon as something changes)."""

    waiting: Waiting
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Termination:
    """The pod is to end. Deleted pods vanish; others stay in the API with `phase`, `reason` and `message`."""

    grace: float  # seconds
    deleted: bool = True
    reason: str = ""
    message: str = ""
    conditions: tuple[PodCondition, ...] = ()  # which the pod gets once it has failed


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """A probe's verdict that a container must be restarted."""

    message: str
    grace: float | None = None  # seconds, where the probe has its own


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the plan for a pod depends on."""

    pod: Pod
    now: datetime
    runtime: PodRuntime = PodRuntime()
    termination: Termination | None = None
    ending_for: float = 0.0  # seconds of the grace period that are over, if the pod is to end
    started_at: datetime | None = None  # when this node took the pod up: activeDeadlineSeconds counts from here
    crashes: Mapping[str, Crashes] = field(default_factory=dict)  # by container name
    troubles: Mapping[str, Trouble] = field(default_factory=dict)  # by container name; "" is the whole pod's
    busy: frozenset[str] = frozenset()  # container names, or "" for the sandbox, with work under way
    unhealthy: Mapping[str, Unhealthy] = field(default_factory=dict)  # by container id
    startup_passed: frozenset[str] = frozenset()  # ids of containers whose startup probe succeeded
    ready: frozenset[str] = frozenset()  # ids of containers whose readiness probe succeeded
    hooks_running: frozenset[str] = frozenset()  # ids of containers whose postStart hook has not finished
    pre_stopped: frozenset[str] = frozenset()  # ids of containers whose preStop hook has run
    messages: Mapping[str, str] = field(default_factory=dict)  # termination messages by container id
    host_ips: tuple[str, ...] = ()


def restart_policy(pod: Pod, container: ContainerSpec) -> str:
    """Return when the container is started again: Always, OnFailure or Never."""
    if container.restart_policy:
        return container.restart_policy
    policy = pod.spec.restart_policy or "Always"
    # An init container that succeeded is done, whatever the pod's policy.
    return "OnFailure" if policy == "Always" and container in pod.spec.init_containers else policy


def is_sidecar(container: ContainerSpec) -> bool:
    """Whether an init container keeps running beside the others."""
    return container.restart_policy == "Always"


def is_started(situation: Situation, container: ContainerSpec, run: Container) -> bool:
    """Whether the run is up: its hook is done, and its startup probe has succeeded if it has one."""
    if not run.running or run.id in situation.hooks_running:
        return False
    return container.startup_probe is None or run.id in situation.startup_passed


def moment(nanoseconds: int) -> datetime:
    """Return the time that the runtime means by so many nanoseconds since the epoch."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=rest // 1000)


def ended(run: Container) -> bool:
    return run.state in (State.EXITED, State.UNKNOWN)


def failed(run: Container) -> bool:
    return run.state is State.UNKNOWN or (run.state is State.EXITED and run.exit_code != 0)
