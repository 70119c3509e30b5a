"""Budgets: the numbers, the condition that says why, and where the number of pods there should be comes from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.base import IntOrString
from controlplane.api.core_v1 import Pod, PodCondition, PodStatus
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.api.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from controlplane.controllers.disruption.plan import (
    desired_healthy,
    disrupted,
    failed,
    needs_scale,
    no_target,
    stale_after,
    status,
)
from controlplane.kit.timestamps import format_time
from tests.unit.controllers.objects import NOW, ago


def a_pod(
    name: str = "p", *, ready: bool = True, going: bool = False, target: Any = None, phase: str = "Running"
) -> Pod:
    found = [PodCondition(type="Ready", status="True" if ready else "False")]
    return Pod(
        metadata=ObjectMeta(name=name, namespace="d", uid=f"u-{name}", deletion_timestamp=ago(1) if going else None),
        status=PodStatus(phase=phase, conditions=[*found, *([target] if target else [])]),
    )


def a_budget(
    minimum: IntOrString | None = None, maximum: IntOrString | None = None, noted: dict[str, str] | None = None
) -> PodDisruptionBudget:
    return PodDisruptionBudget(
        metadata=ObjectMeta(name="b", namespace="d", generation=3),
        spec=PodDisruptionBudgetSpec(
            min_available=minimum, max_unavailable=maximum, selector=LabelSelector(match_labels={"app": "web"})
        ),
        status=PodDisruptionBudgetStatus(disrupted_pods=noted or {}),
    )


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected", "desired", "scaled"),
    [
        (2, None, 5, 2, False),
        ("50%", None, 5, 3, True),
        (None, 1, 5, 4, True),
        (None, "30%", 5, 3, True),
        (None, 9, 5, 0, True),
        (None, None, 0, 0, False),
    ],
)
def test_how_many_have_to_stay(
    minimum: IntOrString | None, maximum: IntOrString | None, expected: int, desired: int, scaled: bool
) -> None:
    spec = a_budget(minimum, maximum).spec
    assert desired_healthy(spec, expected) == desired
    assert needs_scale(spec) is scaled


@pytest.mark.parametrize(
    ("pods", "expected", "going", "numbers"),
    [
        pytest.param([a_pod("a"), a_pod("b")], 2, {}, (2, 1, 1, "SufficientPods"), id="one to spare"),
        pytest.param([a_pod("a"), a_pod("b", ready=False)], 2, {}, (1, 1, 0, "InsufficientPods"), id="one not ready"),
        pytest.param([a_pod("a"), a_pod("b", going=True)], 2, {}, (1, 1, 0, "InsufficientPods"), id="one going"),
        pytest.param([a_pod("a"), a_pod("b")], 2, {"b": ago(1)}, (1, 1, 0, "InsufficientPods"), id="one let go"),
        pytest.param([], 0, {}, (0, 1, 0, "InsufficientPods"), id="none"),
    ],
)
def test_the_numbers(pods: list[Pod], expected: int, going: dict[str, str], numbers: tuple[int, int, int, str]) -> None:
    made = status(a_budget(1), pods, expected, going, NOW)
    reason = made.conditions[0].reason
    assert (made.current_healthy, made.desired_healthy, made.disruptions_allowed, reason) == numbers
    assert made.conditions[0].status == ("True" if numbers[2] else "False")
    assert (made.observed_generation, made.conditions[0].observed_generation, made.expected_pods) == (3, 3, expected)
    assert made.disrupted_pods == going


def test_without_pods_nothing_is_allowed() -> None:
    assert status(a_budget(0), [], 0, {}, NOW).disruptions_allowed == 0


def test_the_condition_says_since_when() -> None:
    first = status(a_budget(1), [a_pod("a"), a_pod("b")], 2, {}, NOW - timedelta(hours=1))
    budget = replace(a_budget(1), status=first)
    same = status(budget, [a_pod("a"), a_pod("b"), a_pod("c")], 3, {}, NOW)
    assert same.conditions[0].last_transition_time == first.conditions[0].last_transition_time
    other = status(budget, [], 0, {}, NOW)
    assert other.conditions[0].last_transition_time == format_time(NOW)


def test_of_what_cannot_be_told_nothing_is_allowed() -> None:
    told = failed(a_budget(1), "found no controllers", NOW)
    condition = told.conditions[0]
    assert told.disruptions_allowed == 0
    assert (condition.status, condition.reason, condition.message) == ("False", "SyncFailed", "found no controllers")


def test_pods_that_were_let_go_and_stay() -> None:
    noted = {"new": ago(20), "old": ago(121), "going": ago(20), "gone": ago(20)}
    found = disrupted(a_budget(1, None, noted), [a_pod("new"), a_pod("old"), a_pod("going", going=True)], NOW)
    assert found.pending == {"new": ago(20)}
    assert [pod.metadata.name for pod in found.stayed] == ["old"]
    assert found.recheck == pytest.approx(100, abs=1)


def target(seconds: int, reason: str = "EvictionByEvictionAPI", state: str = "True") -> PodCondition:
    return PodCondition(type="DisruptionTarget", status=state, reason=reason, last_transition_time=ago(seconds))


@pytest.mark.parametrize(
    ("pod", "after"),
    [
        (a_pod(), None),
        (a_pod(target=target(20)), 100),
        (a_pod(target=target(200)), 0),
        (a_pod(target=target(200), going=True), None),
        (a_pod(target=target(200), phase="Failed"), None),
        (a_pod(target=target(200, "TerminationByKubelet")), None),
        (a_pod(target=target(200, state="False")), None),
    ],
)
def test_targets_that_nobody_disrupts(pod: Pod, after: float | None) -> None:
    found = stale_after(pod, NOW)
    assert found is None if after is None else found == pytest.approx(after, abs=1)


def test_no_target_any_more() -> None:
    changed = no_target(a_pod(target=target(200)), NOW)
    assert [(one.type, one.status, one.reason) for one in changed.conditions] == [
        ("Ready", "True", ""),
        ("DisruptionTarget", "False", ""),
    ]
