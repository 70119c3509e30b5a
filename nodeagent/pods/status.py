"""Renders what is known of a pod as the status that the API shows. Pure: equal situations give equal statuses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Container as ContainerSpec
from controlplane.api.core_v1 import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    EphemeralContainer,
    HostIP,
    Pod,
    PodIP,
    PodStatus,
    VolumeMountStatus,
)
from controlplane.kit.timestamps import format_time
from nodeagent.cri.records import Container, State
from nodeagent.pods.conditions import render_conditions
from nodeagent.pods.plan import is_finished
from nodeagent.pods.resources import qos_class
from nodeagent.pods.state import Situation, Waiting, ended, is_sidecar, is_started, moment

_UNKNOWN_EXIT = 137  # what a container is said to have exited with when nobody knows


def render_status(situation: Situation, waiting: Mapping[str, Waiting], *, over: bool = False) -> PodStatus:
    """Return the pod's status; `waiting` says why containers that do not run do not, `over` that none will again."""
    pod = situation.pod
    inits = [_init_status(situation, one, waiting) for one in pod.spec.init_containers]
    mains = [_status(situation, one, waiting) for one in pod.spec.containers]
    ephemerals = [_status(situation, one, waiting) for one in pod.spec.ephemeral_containers]
    phase = _phase(situation, inits, mains, over=over)
    reason, message = _why(situation, phase)
    started, ips = situation.started_at, pod_ips(situation)
    return PodStatus(
        phase=phase,
        reason=reason,
        message=message,
        conditions=render_conditions(situation, phase, inits, mains),
        container_statuses=sorted(mains, key=lambda status: status.name),
        init_container_statuses=inits,
        ephemeral_container_statuses=ephemerals,
        host_ip=situation.host_ips[0] if situation.host_ips else "",
        host_ips=[HostIP(ip=ip) for ip in situation.host_ips],
        start_time=pod.status.start_time or (format_time(started) if started else None),
        qos_class=qos_class(pod),
        observed_generation=pod.metadata.generation,
        pod_ip=ips[0] if ips else "",
        pod_ips=[PodIP(ip=ip) for ip in ips],
    )


def _why(situation: Situation, phase: str) -> tuple[str, str]:
    """Return the reason and message of the phase: why the node ended the pod, or what the API says already."""
    termination, status = situation.termination, situation.pod.status
    if phase == "Failed" and termination is not None and termination.reason:
        return termination.reason, termination.message
    return (status.reason, status.message) if phase == status.phase else ("", "")


def pod_ips(situation: Situation) -> Sequence[str]:
    """Return the pod's addresses: its sandbox's, the node's on the node's network, or the last ones known."""
    sandbox = situation.runtime.sandbox
    if situation.pod.spec.host_network:
        return situation.host_ips if sandbox else ()
    if sandbox and sandbox.ips:
        return sandbox.ips
    return [one.ip for one in situation.pod.status.pod_ips]


# Phase


def _phase(
    situation: Situation, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus], *, over: bool
) -> str:
    pod = situation.pod
    if pod.status.phase in ("Succeeded", "Failed"):
        return pod.status.phase  # the end is final
    termination = situation.termination
    if over and termination is not None and termination.reason:
        return "Failed"
    never = (pod.spec.restart_policy or "Always") == "Never"
    if never and any(_failed(status) for status in _regular(situation, inits)):
        return "Failed"
    if over and mains and all(_stopped(status) for status in mains):
        return "Succeeded" if all(_succeeded(status) for status in mains) else "Failed"
    if not _has_run(mains) and not all(_initialized(one, status) for one, status in _pairs(situation, inits)):
        return "Pending"
    if any(not status.state or not (status.state.running or _stopped(status)) for status in mains):
        return "Pending"
    return "Running" if mains else "Pending"


def _pairs(situation: Situation, inits: Sequence[ContainerStatus]) -> Iterable[tuple[ContainerSpec, ContainerStatus]]:
    return zip(situation.pod.spec.init_containers, inits, strict=True)


def _regular(situation: Situation, inits: Sequence[ContainerStatus]) -> list[ContainerStatus]:
    return [status for one, status in _pairs(situation, inits) if not is_sidecar(one)]


def _initialized(container: ContainerSpec, status: ContainerStatus) -> bool:
    return bool(status.started) if is_sidecar(container) else _succeeded(status)


def _has_run(mains: Iterable[ContainerStatus]) -> bool:
    return any(status.state and (status.state.running or _stopped(status)) for status in mains)


def _stopped(status: ContainerStatus) -> bool:
    """Whether the container has ended, even if it now waits to be started again."""
    state, last = status.state, status.last_state
    return bool((state and state.terminated) or (state and state.waiting and last and last.terminated))


def _succeeded(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.terminated and not status.state.terminated.exit_code)


def _failed(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.terminated and status.state.terminated.exit_code)


# Containers


def _status(
    situation: Situation, container: ContainerSpec | EphemeralContainer, waiting: Mapping[str, Waiting]
) -> ContainerStatus:
    run = situation.runtime.last(container.name)
    before = _before(situation.pod, container.name)
    if run is None:
        return _never_seen(situation, container, waiting, before)
    state, last_state = _states(situation, run, waiting.get(container.name), before)
    started = isinstance(container, EphemeralContainer) or is_started(situation, container, run)
    ready = run.running and started and (container.readiness_probe is None or run.id in situation.ready)
    return ContainerStatus(
        name=container.name,
        image=run.image or container.image,
        image_id=run.image_ref,
        container_id=f"containerd://{run.id}",
        restart_count=run.attempt,
        ready=ready,
        started=run.running and started,
        state=state,
        last_state=last_state,
        volume_mounts=_mounts(container, run.recursive_read_only),
        # `resources` are those that the container really has; containerd 1.6 does not tell, so nothing is said.
        allocated_resources=_allocated(container, run, before) if run.running else {},
    )


def _init_status(situation: Situation, container: ContainerSpec, waiting: Mapping[str, Waiting]) -> ContainerStatus:
    status = _status(situation, container, waiting)
    if is_sidecar(container):
        return status
    return replace(status, ready=_succeeded(status))


def _never_seen(
    situation: Situation,
    container: ContainerSpec | EphemeralContainer,
    waiting: Mapping[str, Waiting],
    before: ContainerStatus | None,
) -> ContainerStatus:
    """Return the status of a container that the runtime does not know, or does not know any more."""
    restarts = (before.restart_count or 0) if before else 0
    state, last = ContainerState(waiting=_waiting(situation, container, waiting)), ContainerState()
    was = before.state if before else None
    if was and was.terminated:
        # It ended and was cleaned up: what the API remembers is all there is.
        over = situation.termination is not None or is_finished(situation)
        state, last = (was, before.last_state or last) if over and before else (state, was)
    elif was and was.running:
        gone = _lost(was.running, before.container_id if before else "", situation.now)
        if situation.termination is not None or is_finished(situation):
            state = ContainerState(terminated=gone)
        else:
            last = ContainerState(terminated=gone)
    return ContainerStatus(
        name=container.name,
        image=container.image,
        image_id=before.image_id if before else "",
        container_id=before.container_id if before and state.terminated else "",
        restart_count=restarts,
        ready=False,
        started=False,
        state=state,
        last_state=last,
        volume_mounts=_mounts(container),
    )


def _waiting(
    situation: Situation, container: ContainerSpec | EphemeralContainer, waiting: Mapping[str, Waiting]
) -> ContainerStateWaiting:
    known = waiting.get(container.name)
    if known is not None:
        return ContainerStateWaiting(reason=known.reason, message=known.message)
    inits = situation.pod.spec.init_containers
    return ContainerStateWaiting(reason="PodInitializing" if inits else "ContainerCreating")


def _states(
    situation: Situation, run: Container, waiting: Waiting | None, before: ContainerStatus | None
) -> tuple[ContainerState, ContainerState]:
    """Return a container's state and last state."""
    last = _last_state(situation, run, before)
    if run.running:
        return ContainerState(running=ContainerStateRunning(started_at=_time(run.started_at))), last
    if not ended(run):
        held = waiting or Waiting("ContainerCreating")
        return ContainerState(waiting=ContainerStateWaiting(reason=held.reason, message=held.message)), last
    this = ContainerState(terminated=_terminated(situation, run))
    if waiting is not None:
        # It ended and is to run again: what happened moves to the last state, why it does not run yet is the state.
        return ContainerState(waiting=ContainerStateWaiting(reason=waiting.reason, message=waiting.message)), this
    return this, last


def _last_state(situation: Situation, run: Container, before: ContainerStatus | None) -> ContainerState:
    runs = situation.runtime.runs(run.name)
    previous = next((one for one in runs if one.attempt < run.attempt and ended(one)), None)
    if previous is not None:
        return ContainerState(terminated=_terminated(situation, previous))
    if before is None:
        return ContainerState()
    if (before.restart_count or 0) < run.attempt and before.state and before.state.terminated:
        return before.state
    return before.last_state or ContainerState()


def _terminated(situation: Situation, run: Container) -> ContainerStateTerminated:
    unknown = run.state is State.UNKNOWN
    exit_code = _UNKNOWN_EXIT if unknown else run.exit_code
    return ContainerStateTerminated(
        container_id=f"containerd://{run.id}",
        exit_code=exit_code,
        reason=run.reason or ("ContainerStatusUnknown" if unknown else "Completed" if exit_code == 0 else "Error"),
        message=situation.messages.get(run.id, run.message),
        started_at=_time(run.started_at),
        finished_at=_time(run.finished_at),
    )


def _lost(running: ContainerStateRunning, container_id: str, now: datetime) -> ContainerStateTerminated:
    return ContainerStateTerminated(
        container_id=container_id,
        exit_code=_UNKNOWN_EXIT,
        reason="ContainerStatusUnknown",
        message="The container could not be located when the pod was terminated",
        started_at=running.started_at,
        finished_at=format_time(now),
    )


def _before(pod: Pod, name: str) -> ContainerStatus | None:
    every = [
        *pod.status.container_statuses,
        *pod.status.init_container_statuses,
        *pod.status.ephemeral_container_statuses,
    ]
    return next((status for status in every if status.name == name), None)


def _mounts(container: ContainerSpec | EphemeralContainer, recursive: Collection[str] = ()) -> list[VolumeMountStatus]:
    """Return how the volumes are mounted; `recursive` are the paths at which everything below is read-only too."""
    return [
        VolumeMountStatus(
            name=mount.name,
            mount_path=mount.mount_path,
            read_only=mount.read_only,
            recursive_read_only=("Enabled" if mount.mount_path in recursive else "Disabled") if mount.read_only else "",
        )
        for mount in container.volume_mounts
    ]


def _allocated(
    container: ContainerSpec | EphemeralContainer, run: Container, before: ContainerStatus | None
) -> dict[str, Quantity]:
    """Return what was set aside for this run when it began: a later change of the spec changes nothing about it."""
    if before is not None and before.container_id == f"containerd://{run.id}" and before.state and before.state.running:
        return before.allocated_resources
    return container.resources.requests if container.resources else {}


def _time(nanoseconds: int) -> str | None:
    return format_time(moment(nanoseconds)) if nanoseconds else None
