"""What the API shows of a pod."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    Container,
    ContainerState,
    ContainerStateTerminated,
    ContainerStatus,
    Pod,
    PodCondition,
    PodReadinessGate,
    PodSpec,
    PodStatus,
    Probe,
    ResourceRequirements,
    VolumeMount,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri.records import Container as Run
from nodeagent.cri.records import Sandbox, State
from nodeagent.pods.state import PodRuntime, Situation, Termination, Waiting
from nodeagent.pods.status import render_status

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
_SANDBOX = Sandbox(id="s0", uid="u", ips=("10.244.1.2",))


def _pod(*containers: Container, policy: str = "Always", status: PodStatus | None = None, **spec: Any) -> Pod:
    made = list(containers) or [Container(name="a", image="x")]
    return Pod(
        metadata=ObjectMeta(name="p", namespace="d", uid="u", generation=1),
        spec=PodSpec(containers=made, restart_policy=policy, **spec),
        status=status or PodStatus(),
    )


def _run(name: str = "a", *, attempt: int = 0, state: State = State.RUNNING, **more: Any) -> Run:
    return Run(id=f"{name}{attempt}", sandbox_id="s0", name=name, attempt=attempt, state=state, image="x:1", **more)


def _exited(name: str = "a", code: int = 1, **more: Any) -> Run:
    return _run(name, state=State.EXITED, exit_code=code, finished_at=10**18, **more)


def _situation(pod: Pod, *runs: Run, **more: Any) -> Situation:
    more.setdefault("host_ips", ("192.168.56.11",))
    sandboxes = more.pop("sandboxes", (_SANDBOX,))
    return Situation(pod=pod, now=NOW, runtime=PodRuntime(sandboxes, runs), started_at=NOW, **more)


_INIT = Container(name="i", image="x")
_SIDECAR = Container(name="s", image="x", restart_policy="Always")
_ENDED = Termination(0.0)


@pytest.mark.parametrize(
    ("pod", "runs", "over", "expected"),
    [
        pytest.param(_pod(), [], False, "Pending", id="nothing yet"),
        pytest.param(_pod(), [_run()], False, "Running", id="it runs"),
        pytest.param(_pod(), [_exited()], False, "Running", id="it is going to run again"),
        pytest.param(_pod(policy="Never"), [_exited(code=0)], True, "Succeeded", id="it has succeeded"),
        pytest.param(_pod(policy="Never"), [_exited()], True, "Failed", id="it has failed"),
        pytest.param(_pod(init_containers=[_INIT]), [_run("i")], False, "Pending", id="initializing"),
        pytest.param(
            _pod(init_containers=[_INIT], policy="Never"), [_exited("i")], False, "Failed", id="initialization failed"
        ),
        pytest.param(_pod(init_containers=[_SIDECAR]), [_run("s")], False, "Pending", id="only the sidecar runs"),
        pytest.param(_pod(init_containers=[_SIDECAR]), [_run("s"), _run()], False, "Running", id="and what it serves"),
        pytest.param(_pod(status=PodStatus(phase="Failed")), [_run()], False, "Failed", id="the end is final"),
    ],
)
def test_phase(pod: Pod, runs: list[Run], over: bool, expected: str) -> None:
    assert render_status(_situation(pod, *runs), {}, over=over).phase == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(
            _run(recursive_read_only=("/all",)), ["Enabled", "Disabled", ""], id="as the runtime mounted them"
        ),
        pytest.param(_run(), ["Disabled", "Disabled", ""], id="a runtime that cannot"),
    ],
)
def test_recursive_read_only_is_told_as_it_is(run: Run, expected: list[str]) -> None:
    mounts = [
        VolumeMount(name="v", mount_path="/all", read_only=True, recursive_read_only="IfPossible"),
        VolumeMount(name="v", mount_path="/top", read_only=True),
        VolumeMount(name="v", mount_path="/rw"),
    ]
    status = render_status(_situation(_pod(Container(name="a", image="x", volume_mounts=mounts)), run), {}, over=False)
    assert [one.recursive_read_only for one in status.container_statuses[0].volume_mounts] == expected


@pytest.mark.parametrize(
    ("runs", "waiting", "expected"),
    [
        pytest.param([], {}, ("waiting", "ContainerCreating"), id="not there yet"),
        pytest.param([], {"a": Waiting("ErrImagePull", "no")}, ("waiting", "ErrImagePull"), id="and why"),
        pytest.param([_run()], {}, ("running", ""), id="running"),
        pytest.param([_exited(code=0)], {}, ("terminated", "Completed"), id="ended well"),
        pytest.param([_exited(code=1)], {}, ("terminated", "Error"), id="ended badly"),
        pytest.param([_exited(code=137, reason="OOMKilled")], {}, ("terminated", "OOMKilled"), id="out of memory"),
        pytest.param([_exited()], {"a": Waiting("CrashLoopBackOff")}, ("waiting", "CrashLoopBackOff"), id="waiting"),
        pytest.param([_run(state=State.UNKNOWN)], {}, ("terminated", "ContainerStatusUnknown"), id="nobody knows"),
    ],
)
def test_state(runs: list[Run], waiting: dict[str, Waiting], expected: tuple[str, str]) -> None:
    state = render_status(_situation(_pod(), *runs), waiting).container_statuses[0].state
    assert state is not None
    kind = next(name for name in ("waiting", "running", "terminated") if getattr(state, name))
    assert (kind, getattr(getattr(state, kind), "reason", "")) == expected


def test_what_ended_is_the_last_state_of_what_waits_or_runs() -> None:
    waiting = render_status(_situation(_pod(), _exited(code=3)), {"a": Waiting("CrashLoopBackOff")})
    running = render_status(_situation(_pod(), _run(attempt=1), _exited(code=3)), {})
    for status in (waiting, running):
        last = status.container_statuses[0].last_state
        assert last and last.terminated and last.terminated.exit_code == 3


def test_what_the_runtime_forgot_is_remembered_from_the_api() -> None:
    ended = ContainerState(terminated=ContainerStateTerminated(exit_code=0, reason="Completed"))
    before = PodStatus(phase="Succeeded", container_statuses=[ContainerStatus(name="a", state=ended, restart_count=2)])
    shown = render_status(_situation(_pod(status=before), sandboxes=()), {}, over=True).container_statuses[0]
    assert (shown.state, shown.restart_count) == (ended, 2)


def _conditions(situation: Situation, *, over: bool = False) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status, one.reason) for one in render_status(situation, {}, over=over).conditions}


_UNREADY = ("False", "ContainersNotReady")


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            _situation(_pod(), sandboxes=()),
            {"PodReadyToStartContainers": ("False", ""), "Initialized": ("True", ""), "Ready": _UNREADY},
            id="nothing yet",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_INIT])),
            {"PodReadyToStartContainers": ("True", ""), "Initialized": ("False", "ContainersNotInitialized")},
            id="has a network",
        ),
        pytest.param(_situation(_pod(), _run()), {"Ready": ("True", ""), "ContainersReady": ("True", "")}, id="runs"),
        pytest.param(
            _situation(_pod(Container(name="a", readiness_probe=Probe())), _run()), {"Ready": _UNREADY}, id="unprobed"
        ),
        pytest.param(
            _situation(_pod(Container(name="a", readiness_probe=Probe())), _run(), ready=frozenset({"a0"})),
            {"Ready": ("True", "")},
            id="probed",
        ),
        pytest.param(
            _situation(_pod(readiness_gates=[PodReadinessGate(condition_type="lb")]), _run()),
            {"ContainersReady": ("True", ""), "Ready": ("False", "ReadinessGatesNotReady")},
            id="a gate is closed",
        ),
    ],
)
def test_conditions(situation: Situation, expected: dict[str, tuple[str, str]]) -> None:
    shown = _conditions(situation)
    assert {type_: shown[type_] for type_ in expected} == expected


def test_a_finished_pod_is_not_ready_because_it_is_finished() -> None:
    shown = _conditions(_situation(_pod(policy="Never"), _exited(code=0)), over=True)
    assert shown["Ready"] == ("False", "PodCompleted")
    assert shown["Initialized"] == ("True", "PodCompleted")


def test_conditions_of_others_are_kept_and_transitions_are_dated() -> None:
    old = "2026-01-01T00:00:00Z"
    mine = PodCondition(type="PodScheduled", status="True", last_transition_time=old)
    theirs = PodCondition(type="DisruptionTarget", status="True")
    ready = PodCondition(type="Ready", status="False", last_transition_time=old)
    status = PodStatus(conditions=[mine, theirs, ready])
    shown = {one.type: one for one in render_status(_situation(_pod(status=status), _run()), {}).conditions}
    assert shown["DisruptionTarget"] == theirs
    assert shown["PodScheduled"].last_transition_time == old
    assert shown["Ready"].last_transition_time == "2026-11-21T12:00:00Z"


def test_addresses() -> None:
    status = render_status(_situation(_pod(), _run()), {})
    assert (status.pod_ip, status.host_ip) == ("10.244.1.2", "192.168.56.11")
    on_the_node = render_status(_situation(_pod(host_network=True), _run()), {})
    assert on_the_node.pod_ip == "192.168.56.11"


def test_a_pod_that_the_node_ends_says_why() -> None:
    why = Termination(0.0, False, "DeadlineExceeded", "too long")
    assert render_status(_situation(_pod(), _run(), termination=why), {}).phase == "Running"
    status = render_status(_situation(_pod(), _exited(), termination=why), {}, over=True)
    assert (status.phase, status.reason, status.message) == ("Failed", "DeadlineExceeded", "too long")


def test_rendering_what_was_rendered_changes_nothing() -> None:
    situation = _situation(_pod(), _run())
    status = render_status(situation, {})
    again = _situation(replace(situation.pod, status=status), _run())
    assert render_status(again, {}) == status


def test_resources_are_those_with_which_the_run_began() -> None:
    small, large = ({"cpu": amount} for amount in ("1", "2"))
    before = _pod(Container(name="a", image="x", resources=ResourceRequirements(requests=small)))
    status = render_status(_situation(before, _run()), {})
    assert status.container_statuses[0].allocated_resources == small
    assert status.container_statuses[0].resources is None  # the runtime does not tell
    resized = _pod(Container(name="a", image="x", resources=ResourceRequirements(requests=large)), status=status)
    assert render_status(_situation(resized, _run()), {}).container_statuses[0].allocated_resources == small
    again = render_status(_situation(resized, _run(attempt=1)), {})
    assert again.container_statuses[0].allocated_resources == large


def test_a_deleted_pod_keeps_running_until_it_does_not() -> None:
    assert render_status(_situation(_pod(), _run(), termination=_ENDED), {}).phase == "Running"
    assert render_status(_situation(_pod(), _exited(code=0), termination=_ENDED), {}, over=True).phase == "Succeeded"
