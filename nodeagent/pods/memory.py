"""What a worker remembers of its pod between two looks at the runtime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from controlplane.api.core_v1 import Container, Pod
from nodeagent.cri.records import Container as Run
from nodeagent.pods.restart import Crashes
from nodeagent.pods.state import PodRuntime, Trouble, Unhealthy, failed
from nodeagent.probes.verdict import Kind, Result


@dataclass
class Memory:
    """Sets and maps are by container id, except where said."""

    ready: set[str] = field(default_factory=set)
    startup_passed: set[str] = field(default_factory=set)
    unhealthy: dict[str, Unhealthy] = field(default_factory=dict)
    hooks_running: set[str] = field(default_factory=set)
    pre_stopped: set[str] = field(default_factory=set)  # whose preStop hook has run: it does so once
    messages: dict[str, str] = field(default_factory=dict)  # last words
    exit_seen: set[str] = field(default_factory=set)  # said by an event, perhaps before the runtime's own state says so
    out_of_memory: set[str] = field(default_factory=set)  # said by an event, which may come after the end was seen
    backed_off: set[str] = field(default_factory=set)  # runs whose BackOff event is out
    crashes: dict[str, Crashes] = field(default_factory=dict)  # by container name
    counted: dict[str, str] = field(default_factory=dict)  # by container name: the run that `crashes` counted last
    troubles: dict[str, Trouble] = field(default_factory=dict)  # by container name; "" is the sandbox

    @classmethod
    def of(cls, pod: Pod) -> Memory:
        """Return what was believed when the status was last written: a restart of this agent makes no pod unready."""
        statuses = [*pod.status.init_container_statuses, *pod.status.container_statuses]
        ids = [(one, one.container_id.removeprefix("containerd://")) for one in statuses if one.container_id]
        return cls(
            ready={id_ for one, id_ in ids if one.ready}, startup_passed={id_ for one, id_ in ids if one.started}
        )

    def judge(self, container: Container, container_id: str, kind: Kind, result: Result) -> None:
        """Take the verdict of a probe."""
        if kind is Kind.READINESS:
            (self.ready.add if result is Result.SUCCESS else self.ready.discard)(container_id)
        elif result is Result.FAILURE:
            probe = container.liveness_probe if kind is Kind.LIVENESS else container.startup_probe
            grace = probe.termination_grace_period_seconds if probe else None
            message = f"Container {container.name} failed {kind.value.lower()} probe, will be restarted"
            self.unhealthy[container_id] = Unhealthy(message, None if grace is None else float(grace))
        elif kind is Kind.STARTUP:
            self.startup_passed.add(container_id)

    def forgive_configuration(self) -> None:
        """Let containers try again that could not be configured: what they lacked may be there now."""
        for name in [name for name, one in self.troubles.items() if one.waiting.reason == "CreateContainerConfigError"]:
            del self.troubles[name]

    def informed(self, runtime: PodRuntime) -> PodRuntime:
        """Return what was observed with what events have told: that a container which failed had no memory left."""
        runs = [
            replace(run, reason="OOMKilled") if run.id in self.out_of_memory and failed(run) else run
            for run in runtime.containers
        ]
        return replace(runtime, containers=tuple(runs))

    def lags(self, runtime: PodRuntime) -> bool:
        """Whether the runtime still calls something running that is known to have ended."""
        return any(run.running and run.id in self.exit_seen for run in runtime.containers) or any(
            sandbox.ready and sandbox.id in self.exit_seen for sandbox in runtime.sandboxes
        )

    def prune(self, runs: tuple[Run, ...]) -> None:
        """Forget containers that are gone."""
        known = {run.id for run in runs}
        for ids in (
            self.ready,
            self.startup_passed,
            self.exit_seen,
            self.pre_stopped,
            self.out_of_memory,
            self.backed_off,
        ):
            ids &= known
        self.messages = {id_: text for id_, text in self.messages.items() if id_ in known}
        self.unhealthy = {id_: one for id_, one in self.unhealthy.items() if id_ in known}
