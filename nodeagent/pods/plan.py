"""Decides what to do next about a pod, from what it should be and what it is. Pure: no clock, no runtime, no API.

       no sandbox ──► CreateSandbox ──► init containers, one after the other ──► all containers at once
                          ▲                                                            │
        sandbox died ─────┘            ended, restart policy wants it again ◄──────────┤ wait until the back-off is over
                                       unhealthy, or its image changed: KillContainer ◄┤
    deleted, past its deadline, or finished: PreStop, KillContainer each (sidecars last) ──► StopSandbox ──► `over`

Every plan is complete in itself: what is under way (`busy`) is left alone, and whatever was lost is planned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from controlplane.api.core_v1 import Container as ContainerSpec
from controlplane.api.core_v1 import ContainerStatus, Pod
from nodeagent.cri.records import Container, State
from nodeagent.pods import names, restart
from nodeagent.pods.state import (
    Situation,
    Termination,
    Waiting,
    ended,
    failed,
    is_sidecar,
    is_started,
    moment,
    restart_policy,
)

DEFAULT_GRACE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class CreateSandbox:
    """Make sandbox number `attempt`, taking down the dead one it replaces."""

    attempt: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Pull the image if needed, then create and start run number `attempt`."""

    name: str
    attempt: int


@dataclass(frozen=True, slots=True)
class KillContainer:
    """End a container: its preStop hook, the stop signal, and SIGKILL after `grace` seconds."""

    name: str
    id: str
    grace: float
    message: str


@dataclass(frozen=True, slots=True)
class PreStop:
    """Run a container's preStop hook for at most `grace` seconds, and let it run on until its turn to end has come."""

    name: str
    id: str
    grace: float
    message: str


@dataclass(frozen=True, slots=True)
class StopSandbox:
    id: str


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    id: str


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    id: str


@dataclass(frozen=True, slots=True)
class EndPod:
    """Terminate the pod for a reason of its own, leaving the object in the API."""

    termination: Termination


Action: TypeAlias = (
    CreateSandbox | StartContainer | KillContainer | PreStop | StopSandbox | RemoveSandbox | RemoveContainer | EndPod
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now; when to plan again at the latest; why containers wait; and whether the pod has run its course."""

    actions: tuple[Action, ...] = ()
    again_at: datetime | None = None
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    over: bool = False  # nothing of the pod runs, and nothing will run again


def plan(situation: Situation) -> Plan:
    """Decide what to do about the pod now."""
    if situation.termination is not None:
        return _wind_down(situation, situation.termination)
    if _past_deadline(situation):
        return Plan((EndPod(_DEADLINE),))
    if is_finished(situation):
        return _wind_down(situation, Termination(grace_of(situation.pod), deleted=False))
    if "" in situation.busy:
        return Plan(again_at=_deadline(situation))
    if _holding_off(situation, ""):
        return Plan(again_at=_earliest([situation.troubles[""].retry_at, _deadline(situation)]))
    if situation.runtime.ready_sandbox is None:
        return _new_sandbox(situation)
    return _containers(situation)


def grace_of(pod: Pod) -> float:
    """Return how long the pod's containers have between the stop signal and SIGKILL, in seconds."""
    seconds = pod.spec.termination_grace_period_seconds
    return DEFAULT_GRACE if seconds is None else float(seconds)


# Ending


_DEADLINE = Termination(
    grace=DEFAULT_GRACE,
    deleted=False,
    reason="DeadlineExceeded",
    message="Pod was active on the node longer than the specified deadline",
)


def _deadline(situation: Situation) -> datetime | None:
    seconds = situation.pod.spec.active_deadline_seconds
    if seconds is None or situation.started_at is None:
        return None
    return situation.started_at + timedelta(seconds=seconds)


def _past_deadline(situation: Situation) -> bool:
    deadline = _deadline(situation)
    return deadline is not None and situation.now >= deadline and not is_finished(situation)


def is_finished(situation: Situation) -> bool:
    """Whether the pod has run its course: no container of it will ever be started again."""
    pod, runtime = situation.pod, situation.runtime
    if pod.status.phase in ("Succeeded", "Failed"):
        return True
    for container in pod.spec.init_containers:
        run = runtime.last(container.name)
        if not is_sidecar(container) and run and failed(run) and restart_policy(pod, container) == "Never":
            return True
    runs = [runtime.last(container.name) for container in pod.spec.containers]
    return bool(runs) and all(
        run is not None and ended(run) and not _wants_another(pod, container, run)
        for container, run in zip(pod.spec.containers, runs, strict=True)
    )


def _wants_another(pod: Pod, container: ContainerSpec, run: Container) -> bool:
    exit_code = run.exit_code if run.state is State.EXITED else 255
    return restart.wanted_after_exit(restart_policy(pod, container), exit_code)


def _wind_down(situation: Situation, termination: Termination) -> Plan:
    running = [run for run in situation.runtime.containers if run.state in (State.RUNNING, State.UNKNOWN)]
    if running:
        return _end(situation, running, termination.grace)
    if situation.busy:
        return Plan()
    stops = tuple(StopSandbox(sandbox.id) for sandbox in situation.runtime.sandboxes if sandbox.ready)
    return Plan(stops, over=True)


def _end(situation: Situation, running: Sequence[Container], grace: float) -> Plan:
    """Plan for containers that are to end, all within one grace period.

    Every hook begins at once, so that sidecars learn of the end while there is still somebody to serve; SIGTERM comes
    by turns. Once the time is over nobody waits for anybody, and all that still runs gets the least that is ever given.
    """
    left = max(0.0, grace - situation.ending_for)
    turns = {run.id: _turn(situation.pod, run) for run in running}
    actions: list[Action] = []
    for run in running:
        message = f"Stopping container {run.name}"
        if run.name in situation.busy:
            continue
        if left <= 0 or turns[run.id] == min(turns.values()):
            actions.append(KillContainer(run.name, run.id, left, message))
        elif _has_hook_to_run(situation, run):
            actions.append(PreStop(run.name, run.id, left, message))
    waiting = left > 0 and len({*turns.values()}) > 1
    return Plan(tuple(actions), again_at=situation.now + timedelta(seconds=left) if waiting else None)


def _turn(pod: Pod, run: Container) -> int:
    """Return when a container is stopped: 0 is first; sidecars go after those they serve, the first started last."""
    sidecars = [one.name for one in pod.spec.init_containers if is_sidecar(one)]
    return len(sidecars) - sidecars.index(run.name) if run.name in sidecars else 0


def _has_hook_to_run(situation: Situation, run: Container) -> bool:
    if run.id in situation.pre_stopped or not run.running:
        return False
    spec = next((one for one in situation.pod.spec.init_containers if one.name == run.name), None)
    return spec is not None and spec.lifecycle is not None and spec.lifecycle.pre_stop is not None


# Starting


def _new_sandbox(situation: Situation) -> Plan:
    dead = situation.runtime.sandbox
    attempt = dead.attempt + 1 if dead else 0
    # The old one is stopped even if it is dead already: that gives its address back.
    return Plan((CreateSandbox(attempt, dead.id if dead else ""),), again_at=_deadline(situation))


@dataclass
class _Draft:
    """A plan in the making."""

    situation: Situation
    actions: list[Action] = field(default_factory=list)
    moments: list[datetime | None] = field(default_factory=list)
    waiting: dict[str, Waiting] = field(default_factory=dict)

    def plan(self) -> Plan:
        return Plan(tuple(self.actions), _earliest([*self.moments, _deadline(self.situation)]), self.waiting)


def _containers(situation: Situation) -> Plan:
    draft = _Draft(situation)
    if _initialize(draft):
        for container in situation.pod.spec.containers:
            _keep_running(draft, container)
        for ephemeral in situation.pod.spec.ephemeral_containers:
            if situation.runtime.last(ephemeral.name) is None:
                _start(draft, ephemeral.name)
    draft.actions += _garbage(situation)
    return draft.plan()


def _initialize(draft: _Draft) -> bool:
    """Plan for the init containers; return whether the others may run."""
    situation = draft.situation
    done = is_initialized(situation)
    for container in situation.pod.spec.init_containers:
        run = situation.runtime.current(container.name)
        if is_sidecar(container):
            _keep_running(draft, container)
            if not done and not (run and is_started(situation, container, run)):
                return False
        elif not done and not (run and run.state is State.EXITED and run.exit_code == 0):
            _keep_running(draft, container)
            return False
    return True


def is_initialized(situation: Situation) -> bool:
    """Whether the init containers have done their work in this sandbox.

    Once a later container has run, they have: the runtime's memory of them may be gone.
    """
    return any(situation.runtime.current(container.name) for container in situation.pod.spec.containers)


def _keep_running(draft: _Draft, container: ContainerSpec) -> None:
    situation, name = draft.situation, container.name
    if name in situation.busy:
        return
    run, last = situation.runtime.current(name), situation.runtime.last(name)
    if run is None:
        # What is over by its policy is not repeated because the sandbox had to be made anew.
        repeat = last is None or container in situation.pod.spec.init_containers
        if repeat or (last and _wants_another(situation.pod, container, last)):
            _start(draft, name)
    elif run.state is State.CREATED:
        draft.actions.append(RemoveContainer(run.id))  # made, but we were stopped before starting it
    elif run.state is State.UNKNOWN:
        draft.actions.append(
            KillContainer(name, run.id, grace_of(situation.pod), f"Container {name} is in unknown state")
        )
    elif run.running:
        _check(draft, container, run)
    elif _wants_another(situation.pod, container, run):
        _start_after_exit(draft, container, run)


def _check(draft: _Draft, container: ContainerSpec, run: Container) -> None:
    situation = draft.situation
    grace, message = grace_of(situation.pod), ""
    unhealthy = situation.unhealthy.get(run.id)
    if unhealthy is not None:
        message = unhealthy.message
        grace = grace if unhealthy.grace is None else unhealthy.grace
    elif run.annotations.get(names.HASH, names.container_hash(container)) != names.container_hash(container):
        message = f"Container {container.name} definition changed, will be restarted"
    if message:
        draft.actions.append(KillContainer(container.name, run.id, grace, message))


def _start_after_exit(draft: _Draft, container: ContainerSpec, run: Container) -> None:
    situation, name = draft.situation, container.name
    ready_at = restart.ready_at(situation.crashes.get(name), moment(run.finished_at))
    crashes = situation.crashes.get(name)
    if crashes is None or not restart.still_to_come(ready_at, situation.now):
        _start(draft, name)
        return
    delay = crashes.delay.total_seconds()
    words = f"back-off {_duration(delay)} restarting failed container={name} pod={names.described(situation.pod)}"
    draft.waiting[name] = Waiting("CrashLoopBackOff", words)
    draft.moments.append(ready_at)


def _start(draft: _Draft, name: str) -> None:
    situation = draft.situation
    if name in situation.busy:
        return
    if _holding_off(situation, name):
        draft.moments.append(situation.troubles[name].retry_at)
        return
    draft.actions.append(StartContainer(name, next_attempt(situation, name)))


def next_attempt(situation: Situation, name: str) -> int:
    """Return the number of a container's next run; the API remembers runs that the runtime has forgotten."""
    last = situation.runtime.last(name)
    if last is not None:
        return last.attempt + 1
    known = next((one for one in _statuses(situation.pod) if one.name == name and one.container_id), None)
    return (known.restart_count or 0) + 1 if known else 0


def _statuses(pod: Pod) -> list[ContainerStatus]:
    return [*pod.status.container_statuses, *pod.status.init_container_statuses]


def _holding_off(situation: Situation, name: str) -> bool:
    trouble = situation.troubles.get(name)
    return trouble is not None and (trouble.retry_at is None or restart.still_to_come(trouble.retry_at, situation.now))


def _garbage(situation: Situation) -> list[Action]:
    """Return what nobody needs any more: all but the newest two runs of a container, and sandboxes left empty."""
    runtime = situation.runtime
    old = [
        run
        for name in {run.name for run in runtime.containers}
        for run in runtime.runs(name)[2:]
        if ended(run) and name not in situation.busy
    ]
    kept = {run.sandbox_id for run in runtime.containers if run not in old}
    empty = [sandbox for sandbox in runtime.sandboxes[1:] if sandbox.id not in kept and not sandbox.ready]
    removals: list[Action] = [RemoveContainer(run.id) for run in sorted(old, key=lambda run: run.id)]
    return removals + [RemoveSandbox(sandbox.id) for sandbox in empty]


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((one for one in moments if one is not None), default=None)


def _duration(seconds: float) -> str:
    """Return 10s, 1m20s, 5m0s: how Go prints a duration, which people search for."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
