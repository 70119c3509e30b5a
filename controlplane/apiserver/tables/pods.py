"""kubectl get pods: one word for the state of many containers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from controlplane.api.codec import Document
from controlplane.api.core_v1 import (
    Container,
    ContainerStateTerminated,
    ContainerStatus,
    Pod,
    PodTemplate,
    PodTemplateSpec,
)
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer, wide
from controlplane.apiserver.tables.texts import NONE, age, container_images, container_names, labels, or_none

_ENDED = ("Succeeded", "Failed")


def _pod(pod: Pod, now: datetime) -> list[Cell]:
    summary = _Summary(pod)
    spec, status = pod.spec, pod.status
    return [
        pod.metadata.name,
        f"{summary.ready}/{summary.total}",
        _deleted_reason(pod, summary.reason),
        _restarts(summary, now),
        age(pod.metadata.creation_timestamp, now),
        or_none(status.pod_ips[0].ip if status.pod_ips else status.pod_ip),
        or_none(spec.node_name),
        or_none(status.nominated_node_name),
        _readiness_gates(pod),
    ]


class _Summary:
    """What the statuses of a pod's containers amount to."""

    def __init__(self, pod: Pod):
        self.reason = _pod_reason(pod)
        self.restarts, self.last_restart = 0, ""
        self.ready, self.total = 0, len(pod.spec.containers)
        if not pod.spec.init_containers and not pod.status.init_container_statuses:
            self._add_containers(pod)
            return
        sidecars = {one.name for one in pod.spec.init_containers if _is_sidecar(one)}
        self.total += len(sidecars)
        initializing = self._add_init_containers(pod, sidecars)
        if not initializing or _is_true(pod, "Initialized"):
            self._forget_init_restarts(pod, sidecars)
            self._add_containers(pod)

    def _add_init_containers(self, pod: Pod, sidecars: set[str]) -> bool:
        """Go to the first init container that is not through; True when there is one."""
        for index, status in enumerate(pod.status.init_container_statuses):
            self._add_restarts(status)
            if status.state and status.state.terminated and not status.state.terminated.exit_code:
                continue
            if status.name in sidecars and status.started:
                self.ready += bool(status.ready)
                continue
            self.reason = _init_reason(status, index, len(pod.spec.init_containers))
            return True
        return False

    def _forget_init_restarts(self, pod: Pod, sidecars: set[str]) -> None:
        self.restarts, self.last_restart = 0, ""
        for status in pod.status.init_container_statuses:
            if status.name in sidecars:
                self._add_restarts(status)

    def _add_containers(self, pod: Pod) -> None:
        running = False
        for status in reversed(pod.status.container_statuses):
            self._add_restarts(status)
            reason = _container_reason(status)
            if reason:
                self.reason = reason
            elif status.ready and status.state and status.state.running:
                running = True
                self.ready += 1
        if running and self.reason == "Completed":
            self.reason = "Running" if _is_true(pod, "Ready") else "NotReady"

    def _add_restarts(self, status: ContainerStatus) -> None:
        self.restarts += status.restart_count or 0
        if status.last_state and status.last_state.terminated:
            # Both are RFC 3339 in UTC with seconds, so text order is time order.
            self.last_restart = max(self.last_restart, status.last_state.terminated.finished_at or "")


def _is_sidecar(container: Container) -> bool:
    return container.restart_policy == "Always"


def _pod_reason(pod: Pod) -> str:
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.reason == "SchedulingGated":
            return condition.reason
    return pod.status.reason or pod.status.phase


def _terminated_reason(terminated: ContainerStateTerminated) -> str:
    if terminated.reason:
        return terminated.reason
    return f"Signal:{terminated.signal}" if terminated.signal else f"ExitCode:{terminated.exit_code or 0}"


def _init_reason(status: ContainerStatus, index: int, count: int) -> str:
    state = status.state
    if state and state.terminated:
        return "Init:" + _terminated_reason(state.terminated)
    if state and state.waiting and state.waiting.reason not in ("", "PodInitializing"):
        return "Init:" + state.waiting.reason
    return f"Init:{index}/{count}"


def _container_reason(status: ContainerStatus) -> str:
    state = status.state
    if state is None:
        return ""
    if state.waiting and state.waiting.reason:
        return state.waiting.reason
    return _terminated_reason(state.terminated) if state.terminated else ""


def _deleted_reason(pod: Pod, reason: str) -> str:
    if pod.metadata.deletion_timestamp is None:
        return reason
    if pod.status.reason == "NodeLost":
        return "Unknown"
    return reason if pod.status.phase in _ENDED else "Terminating"


def _restarts(summary: _Summary, now: datetime) -> str:
    if summary.restarts and summary.last_restart:
        return f"{summary.restarts} ({age(summary.last_restart, now)} ago)"
    return str(summary.restarts)


def _is_true(pod: Pod, condition: str) -> bool:
    return any(one.type == condition and one.status == "True" for one in pod.status.conditions)


def _readiness_gates(pod: Pod) -> str:
    gates = pod.spec.readiness_gates
    if not gates:
        return NONE
    return f"{sum(_is_true(pod, gate.condition_type) for gate in gates)}/{len(gates)}"


def _conditions(pod: Pod) -> list[Document]:
    return list(_completed(pod.status.phase))


def _completed(phase: str) -> Iterator[Document]:
    if phase in _ENDED:
        message = "The pod has completed successfully." if phase == "Succeeded" else "The pod failed."
        yield {"type": "Completed", "status": "True", "reason": phase, "message": message}


def _pod_template(template: PodTemplate, now: datetime) -> list[Cell]:
    content = template.template or PodTemplateSpec()
    containers = content.spec.containers
    pod_labels = labels(content.metadata.labels)
    return [template.metadata.name, container_names(containers), container_images(containers), pod_labels]


POD = Printer(
    (
        NAME,
        Column("Ready"),
        Column("Status"),
        Column("Restarts"),
        AGE,
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ),
    _pod,
    _conditions,
)
POD_TEMPLATE = Printer((NAME, Column("Containers"), Column("Images"), Column("Pod Labels")), _pod_template)
