"""A pod's conditions: what has been reached on its way to serving, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controlplane.api.core_v1 import ContainerStatus, Pod, PodCondition
from controlplane.kit.timestamps import format_time
from nodeagent.pods.state import Situation, is_sidecar

# The conditions that the node owns; others (readiness gates, DisruptionTarget) belong to whoever set them.
OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def render_conditions(
    situation: Situation, phase: str, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus]
) -> list[PodCondition]:
    """Return every condition of the pod: the node's own as they are now, the others as they were.

    What a termination brings with it shows once the pod has failed, not while it still ends.
    """
    sandbox = situation.runtime.ready_sandbox
    has_network = sandbox is not None and (bool(sandbox.ips) or bool(situation.pod.spec.host_network))
    containers_ready = _containers_ready(situation, phase, inits, mains)
    verdicts = {
        "PodReadyToStartContainers": (has_network, "", ""),
        "Initialized": _initialized(situation, phase, inits, mains),
        "Ready": _ready(situation.pod, containers_ready),
        "ContainersReady": containers_ready,
        "PodScheduled": (True, "", ""),
    }
    own = [_condition(situation, type_, *verdict) for type_, verdict in verdicts.items()]
    added = situation.termination.conditions if situation.termination and phase == "Failed" else ()
    ours = {*OWNED, *(one.type for one in added)}
    return [*own, *(one for one in situation.pod.status.conditions if one.type not in ours), *added]


def _condition(situation: Situation, type_: str, status: bool, reason: str, message: str) -> PodCondition:
    text = "True" if status else "False"
    before = next((one for one in situation.pod.status.conditions if one.type == type_), None)
    since = before.last_transition_time if before and before.status == text else None
    return PodCondition(
        type=type_,
        status=text,
        reason=reason,
        message=message,
        last_transition_time=since or format_time(situation.now),
        observed_generation=situation.pod.metadata.generation,
    )


def _initialized(
    situation: Situation, phase: str, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus]
) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if any(status.state and (status.state.running or status.state.terminated) for status in mains):
        return True, "", ""
    pairs = zip(situation.pod.spec.init_containers, inits, strict=True)
    unfinished = [status.name for one, status in pairs if not (status.started if is_sidecar(one) else status.ready)]
    if not unfinished:
        return True, "", ""
    return False, "ContainersNotInitialized", f"containers with incomplete status: {_listed(unfinished)}"


def _containers_ready(
    situation: Situation, phase: str, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus]
) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    pairs = zip(situation.pod.spec.init_containers, inits, strict=True)
    serving = [status for one, status in pairs if is_sidecar(one)] + list(mains)
    unready = [status.name for status in serving if not status.ready]
    if not unready:
        return True, "", ""
    return False, "ContainersNotReady", f"containers with unready status: {_listed(unready)}"


def _ready(pod: Pod, containers_ready: tuple[bool, str, str]) -> tuple[bool, str, str]:
    if not containers_ready[0]:
        return containers_ready
    missing = []
    for gate in pod.spec.readiness_gates:
        found = next((one for one in pod.status.conditions if one.type == gate.condition_type), None)
        if found is None:
            missing.append(f'corresponding condition of pod readiness gate "{gate.condition_type}" does not exist.')
        elif found.status != "True":
            missing.append(
                f'the status of pod readiness gate "{gate.condition_type}" is not "True", but {found.status}'
            )
    return (False, "ReadinessGatesNotReady", ", ".join(missing)) if missing else (True, "", "")


def _listed(names: Iterable[str]) -> str:
    return f"[{' '.join(names)}]"
