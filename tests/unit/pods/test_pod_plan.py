"""What a pod's worker does next, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    Container,
    ContainerStatus,
    EphemeralContainer,
    Lifecycle,
    LifecycleHandler,
    Pod,
    PodSpec,
    PodStatus,
    Probe,
    SleepAction,
)
from controlplane.api.meta_v1 import ObjectMeta
from nodeagent.cri.records import Container as Run
from nodeagent.cri.records import Sandbox, State
from nodeagent.pods import names
from nodeagent.pods.plan import (
    CreateSandbox,
    EndPod,
    KillContainer,
    Plan,
    PreStop,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StopSandbox,
    next_attempt,
    plan,
)
from nodeagent.pods.restart import Crashes
from nodeagent.pods.state import PodRuntime, Situation, Termination, Trouble, Unhealthy, Waiting

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def _pod(*containers: Container, policy: str = "Always", status: PodStatus | None = None, **spec: Any) -> Pod:
    made = list(containers) or [Container(name="a", image="x")]
    return Pod(
        metadata=ObjectMeta(name="p", namespace="d", uid="u"),
        spec=PodSpec(containers=made, restart_policy=policy, termination_grace_period_seconds=30, **spec),
        status=status or PodStatus(),
    )


def _sandbox(id_: str = "s0", *, ready: bool = True, attempt: int = 0) -> Sandbox:
    return Sandbox(id=id_, uid="u", ready=ready, attempt=attempt, ips=("10.244.1.2",))


def _run(name: str = "a", *, attempt: int = 0, sandbox: str = "s0", state: State = State.RUNNING, **more: Any) -> Run:
    return Run(id=f"{name}{attempt}", sandbox_id=sandbox, name=name, attempt=attempt, state=state, **more)


def _exited(name: str = "a", code: int = 1, *, ago: float = 1.0, **more: Any) -> Run:
    finished = _ns(NOW - timedelta(seconds=ago))
    return _run(name, state=State.EXITED, exit_code=code, finished_at=finished, **more)


def _situation(
    pod: Pod | None = None, *runs: Run, sandboxes: tuple[Sandbox, ...] | None = None, **more: Any
) -> Situation:
    made = (_sandbox(),) if sandboxes is None else sandboxes
    return Situation(pod=pod or _pod(), now=NOW, runtime=PodRuntime(made, runs), started_at=NOW, **more)


_CRASHED_ONCE = {"a": Crashes(timedelta(seconds=10), NOW - timedelta(seconds=2))}
_TWO = _pod(Container(name="a", image="x"), Container(name="b", image="x"))
_INIT = Container(name="i", image="x")
_SIDECAR = Container(name="s", image="x", restart_policy="Always")
_HOOK = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=1)))
_HELPED = _pod(init_containers=[_SIDECAR, Container(name="t", image="x", restart_policy="Always", lifecycle=_HOOK)])
_GONE = Termination(grace=7.0)
_FOR_4_SECONDS: dict[str, Any] = {"termination": _GONE, "ending_for": 4.0}
_FOR_7_SECONDS: dict[str, Any] = {"termination": _GONE, "ending_for": 7.0}
_TOO_LATE = Termination(
    30.0, False, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(_situation(sandboxes=()), (CreateSandbox(0),), id="a new pod gets a sandbox"),
        pytest.param(_situation(sandboxes=(), busy=frozenset({""})), (), id="which is in the making"),
        pytest.param(_situation(), (StartContainer("a", 0),), id="then its container"),
        pytest.param(
            _situation(_TWO), (StartContainer("a", 0), StartContainer("b", 0)), id="then all of them at once"
        ),
        pytest.param(_situation(None, busy=frozenset({"a"})), (), id="which is being started"),
        pytest.param(_situation(None, _run()), (), id="and then there is nothing to do"),
        pytest.param(
            _situation(sandboxes=(_sandbox(ready=False),)), (CreateSandbox(1, "s0"),), id="a dead sandbox is replaced"
        ),
        pytest.param(
            _situation(None, _exited(sandbox="s0"), sandboxes=(_sandbox("s1", attempt=1), _sandbox(ready=False))),
            (StartContainer("a", 1),),
            id="and its containers start again in the new one",
        ),
        pytest.param(_situation(None, _exited()), (StartContainer("a", 1),), id="the first restart is immediate"),
        pytest.param(_situation(None, _exited(), crashes=_CRASHED_ONCE), (), id="the second waits for the back-off"),
        pytest.param(
            _situation(None, _exited(ago=10), crashes=_CRASHED_ONCE), (StartContainer("a", 1),), id="until it is over"
        ),
        pytest.param(
            _situation(None, _exited(ago=-5)), (StartContainer("a", 1),), id="an end in the future: the clock went back"
        ),
        pytest.param(
            _situation(None, _exited(ago=-7200), crashes=_CRASHED_ONCE),
            (StartContainer("a", 1),),
            id="a clock put back by hours does not hold a container off for hours",
        ),
        pytest.param(
            _situation(_pod(policy="OnFailure"), _exited()), (StartContainer("a", 1),), id="OnFailure: failed, again"
        ),
        pytest.param(
            _situation(_pod(policy="OnFailure"), _exited(code=0)), (StopSandbox("s0"),), id="OnFailure: succeeded, over"
        ),
        pytest.param(_situation(_pod(policy="Never"), _exited()), (StopSandbox("s0"),), id="Never: over"),
        pytest.param(
            _situation(_pod(policy="Never"), _exited(), sandboxes=(_sandbox(ready=False),)),
            (),
            id="Never: a reboot starts nothing again",
        ),
        pytest.param(
            _situation(None, _run(), unhealthy={"a0": Unhealthy("sick")}),
            (KillContainer("a", "a0", 30.0, "sick"),),
            id="an unhealthy container is killed",
        ),
        pytest.param(
            _situation(None, _run(), unhealthy={"a0": Unhealthy("sick", grace=3.0)}),
            (KillContainer("a", "a0", 3.0, "sick"),),
            id="with the probe's own grace",
        ),
        pytest.param(
            _situation(None, _run(annotations={names.HASH: "another"})),
            (KillContainer("a", "a0", 30.0, "Container a definition changed, will be restarted"),),
            id="a container whose image changed is killed",
        ),
        pytest.param(
            _situation(None, _run(state=State.CREATED)), (RemoveContainer("a0"),), id="what never started is removed"
        ),
        pytest.param(
            _situation(None, troubles={"a": Trouble(Waiting("ErrImagePull"), NOW + timedelta(seconds=5))}),
            (),
            id="what failed is not tried at once",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_INIT])), (StartContainer("i", 0),), id="init containers come first"
        ),
        pytest.param(_situation(_pod(init_containers=[_INIT]), _run("i")), (), id="and the others wait"),
        pytest.param(
            _situation(_pod(init_containers=[_INIT]), _exited("i", 0)),
            (StartContainer("a", 0),),
            id="until they have succeeded",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_INIT]), _exited("i", 1)),
            (StartContainer("i", 1),),
            id="a failed init container runs again",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_INIT], policy="Never"), _exited("i", 1)),
            (StopSandbox("s0"),),
            id="unless the policy is Never",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_INIT]), _run()), (), id="until a container has run"
        ),
        pytest.param(
            _situation(_pod(init_containers=[_SIDECAR]), _run("s")),
            (StartContainer("a", 0),),
            id="a sidecar that runs lets the others start",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_SIDECAR]), _run("s"), hooks_running=frozenset({"s0"})),
            (),
            id="but not before its hook is done",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_SIDECAR], policy="Never"), _exited(code=0), _run("s")),
            (KillContainer("s", "s0", 30.0, "Stopping container s"),),
            id="sidecars end when the others are over",
        ),
        pytest.param(
            _situation(_pod(active_deadline_seconds=0)),
            (EndPod(_TOO_LATE),),
            id="past its deadline",
        ),
        pytest.param(
            _situation(None, _run(), termination=_GONE),
            (KillContainer("a", "a0", 7.0, "Stopping container a"),),
            id="a deleted pod's containers are killed",
        ),
        pytest.param(
            _situation(_pod(init_containers=[_SIDECAR]), _run(), _run("s"), termination=_GONE),
            (KillContainer("a", "a0", 7.0, "Stopping container a"),),
            id="sidecars last",
        ),
        pytest.param(
            _situation(_HELPED, _run(), _run("s"), _run("t"), termination=_GONE),
            (KillContainer("a", "a0", 7.0, "Stopping container a"), PreStop("t", "t0", 7.0, "Stopping container t")),
            id="but their hooks begin at once",
        ),
        pytest.param(
            _situation(_HELPED, _run(), _run("s"), _run("t"), busy=frozenset({"a", "t"}), termination=_GONE),
            (),
            id="which is under way",
        ),
        pytest.param(
            _situation(_HELPED, _exited(), _run("s"), _run("t"), pre_stopped=frozenset({"t0"}), **_FOR_4_SECONDS),
            (KillContainer("t", "t0", 3.0, "Stopping container t"),),
            id="they have what is left of the one grace period, the last started first",
        ),
        pytest.param(
            _situation(_HELPED, _run(), _run("s"), busy=frozenset({"a"}), **_FOR_7_SECONDS),
            (KillContainer("s", "s0", 0.0, "Stopping container s"),),
            id="and when it is over, nobody waits for anybody",
        ),
        pytest.param(_situation(None, _exited(), termination=_GONE), (StopSandbox("s0"),), id="then its sandbox"),
        pytest.param(
            _situation(_pod(status=PodStatus(phase="Failed"))), (StopSandbox("s0"),), id="failed is final"
        ),
        pytest.param(
            _situation(None, _run(attempt=3), _exited(attempt=2), _exited(attempt=1), _exited(attempt=0)),
            (RemoveContainer("a0"), RemoveContainer("a1")),
            id="only one dead run of a container is kept",
        ),
        pytest.param(
            _situation(None, _run(sandbox="s1"), sandboxes=(_sandbox("s1", attempt=1), _sandbox(ready=False))),
            (RemoveSandbox("s0"),),
            id="sandboxes that hold nothing are removed",
        ),
        pytest.param(
            _situation(_pod(ephemeral_containers=[EphemeralContainer(name="dbg")]), _run()),
            (StartContainer("dbg", 0),),
            id="ephemeral containers are started",
        ),
        pytest.param(
            _situation(_pod(ephemeral_containers=[EphemeralContainer(name="dbg")]), _run(), _exited("dbg")),
            (),
            id="once",
        ),
    ],
)  # fmt: skip
def test_actions(situation: Situation, expected: tuple[object, ...]) -> None:
    assert plan(situation).actions == expected


def test_back_off_is_said_and_ends() -> None:
    decided = plan(_situation(None, _exited(), crashes=_CRASHED_ONCE))
    message = "back-off 10s restarting failed container=a pod=p_d(u)"
    assert decided.waiting == {"a": Waiting("CrashLoopBackOff", message)}
    assert decided.again_at == NOW + timedelta(seconds=9)


def test_a_deadline_is_kept_in_mind() -> None:
    assert plan(_situation(_pod(active_deadline_seconds=60), _run())).again_at == NOW + timedelta(seconds=60)


def test_over_means_that_nothing_runs() -> None:
    assert plan(_situation(None, _exited(), termination=_GONE)).over
    assert not plan(_situation(None, _run(), termination=_GONE)).over
    assert plan(_situation(None, termination=_GONE, sandboxes=())) == Plan(over=True)


def test_a_sidecar_that_waits_for_its_turn_is_thought_of_when_the_time_is_over() -> None:
    assert plan(_situation(_HELPED, _run(), _run("s"), **_FOR_4_SECONDS)).again_at == NOW + timedelta(seconds=3)


def test_a_startup_probe_holds_the_next_init_container() -> None:
    sidecar = Container(name="s", image="x", restart_policy="Always", startup_probe=Probe())
    pod = _pod(init_containers=[sidecar])
    assert plan(_situation(pod, _run("s"))).actions == ()
    assert plan(_situation(pod, _run("s"), startup_passed=frozenset({"s0"}))).actions == (StartContainer("a", 0),)


@pytest.mark.parametrize(
    ("status", "runs", "expected"),
    [
        pytest.param(PodStatus(), (), 0, id="the first run"),
        pytest.param(PodStatus(), (_exited(attempt=4),), 5, id="after the last one known"),
        pytest.param(
            PodStatus(container_statuses=[ContainerStatus(name="a", container_id="containerd://x", restart_count=6)]),
            (),
            7,
            id="after the last one the API remembers",
        ),
    ],
)
def test_next_attempt(status: PodStatus, runs: tuple[Run, ...], expected: int) -> None:
    assert next_attempt(_situation(_pod(status=status), *runs), "a") == expected


def test_plans_repeat() -> None:
    situation = _situation(None, _exited())
    assert plan(situation) == plan(replace(situation))
