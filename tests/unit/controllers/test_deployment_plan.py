"""One look at a Deployment: sizes, revisions, conditions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.api.apps_v1 import Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus
from controlplane.controllers import conditions
from controlplane.controllers.deployment.fenceposts import max_surge, max_unavailable
from controlplane.controllers.deployment.fleet import Fleet, size, total_available, total_size
from controlplane.controllers.deployment.history import annotations_of_new, outdated
from controlplane.controllers.deployment.plan import plan
from controlplane.controllers.deployment.rolling import rolling_step
from controlplane.controllers.deployment.status import condition
from controlplane.controllers.deployment.template_hash import template_hash
from tests.unit.controllers.objects import NOW, a_deployment, a_replica_set, a_template, ago

PREFIX = "deployment.kubernetes.io/"


def a_set(name: str, replicas: int, available: int | None = None, *, image: str = "nginx:0", age: float = 100,
          sized_for: tuple[int, int] | None = None, revision: int = 1) -> ReplicaSet:  # fmt: skip
    notes = {f"{PREFIX}revision": str(revision)}
    if sized_for:
        notes |= {f"{PREFIX}desired-replicas": str(sized_for[0]), f"{PREFIX}max-replicas": str(sized_for[1])}
    one = a_replica_set(name, replicas, image=image, annotations=notes, creation_timestamp=ago(age))
    there = replicas if available is None else available
    return replace(one, status=ReplicaSetStatus(replicas=replicas, ready_replicas=there, available_replicas=there))


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="surge rounds up, unavailable down"),
        pytest.param(1, "25%", "25%", (1, 0), id="a single replica surges"),
        pytest.param(4, 0, 0, (0, 1), id="both zero would never move"),
        pytest.param(2, 0, "10%", (0, 1), id="both round to zero"),
        pytest.param(2, 0, 5, (0, 2), id="no more can be missing than are wanted"),
        pytest.param(0, "25%", "25%", (0, 0), id="scaled to zero"),
    ],
)
def test_fenceposts(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    deployment = a_deployment(replicas=replicas, surge=surge, unavailable=unavailable)
    assert (max_surge(deployment), max_unavailable(deployment)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param((4, 4), (0, 0), {"new": 1}, id="grows by the surge"),
        pytest.param((4, 4), (1, 0), {"old": 3}, id="then the old one shrinks by what may be missing"),
        pytest.param((4, 4), (1, 1), {"old": 2}, id="and further once new ones are available"),
        pytest.param((3, 3), (2, 0), {}, id="and no further while new ones are not"),
        pytest.param((4, 1), (1, 0), {"old": 3}, id="old ones that serve nobody go first"),
        pytest.param((0, 0), (6, 6), {"new": 4}, id="too large a new one shrinks"),
        pytest.param((0, 0), (4, 4), {}, id="done"),
    ],
)
def test_rolling_step(old: tuple[int, int], new: tuple[int, int], expected: dict[str, int]) -> None:
    deployment = a_deployment(replicas=4, surge=1, unavailable=1)
    fleet = Fleet(a_set("new", *new, image="nginx:1"), (a_set("old", *old),))
    assert rolling_step(deployment, fleet) == expected


@settings(max_examples=60, deadline=None)
@given(
    replicas=st.integers(1, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    random=st.randoms(use_true_random=False),
)
def test_a_rollout_ends_and_never_breaks_its_limits(replicas: int, surge: int, unavailable: int, random: Any) -> None:
    deployment = a_deployment(replicas=replicas, surge=surge, unavailable=unavailable)
    fleet = Fleet(a_set("new", 0, image="nginx:1"), (a_set("old", replicas),))
    for step in range(80):
        fleet = fleet.sized(deployment, rolling_step(deployment, fleet))
        assert total_size(fleet.all) <= replicas + max_surge(deployment)
        slow = step < 15  # at first pods become available when they like, then all do
        fleet = fleet.with_changed({one.metadata.name: later(one, random if slow else None) for one in fleet.all})
        assert total_available(fleet.all) >= replicas - max_unavailable(deployment)
        assert fleet.new is not None
        if (size(fleet.new), total_size(fleet.old)) == (replicas, 0):
            return
    pytest.fail("the rollout does not end")


def later(one: ReplicaSet, random: Any) -> ReplicaSet:
    """Return the ReplicaSet some time later: with more pods available, or with all."""
    before = min(one.status.available_replicas or 0, size(one))
    now = random.randint(before, size(one)) if random is not None else size(one)
    return replace(one, status=replace(one.status, available_replicas=now))


@pytest.mark.parametrize(
    ("replicas", "sizes", "expected"),
    [
        pytest.param(20, (8, 5), {"old": 14, "new": 9}, id="grows in proportion"),
        pytest.param(5, (8, 5), {"old": 4, "new": 3}, id="shrinks in proportion"),
        pytest.param(0, (8, 5), {"old": 0, "new": 0}, id="to nothing"),
    ],
)
def test_scaling_in_the_middle_of_a_rollout(replicas: int, sizes: tuple[int, int], expected: dict[str, int]) -> None:
    deployment = a_deployment(replicas=replicas, surge="25%" if replicas == 5 else 3, unavailable=2)
    deployment = replace(deployment, status=DeploymentStatus(replicas=sum(sizes)))
    old, new = sizes
    sets = [a_set("old", old, sized_for=(10, 13)), a_set("new", new, image="nginx:1", sized_for=(10, 13), age=50)]
    decided = plan(deployment, sets, NOW)
    assert {one.after.metadata.name: one.after.spec.replicas for one in decided.change} == expected


def test_the_first_look_creates_the_replica_set_at_once_and_in_full() -> None:
    decided = plan(a_deployment(replicas=3, annotations={"team": "a"}), [], NOW)
    made = decided.create
    assert made is not None
    hash_ = made.metadata.labels["pod-template-hash"]
    assert (made.metadata.name, made.spec.replicas, decided.revision) == (f"web-{hash_}", 3, "1")
    assert made.metadata.annotations == {
        "team": "a", f"{PREFIX}revision": "1", f"{PREFIX}desired-replicas": "3", f"{PREFIX}max-replicas": "4",
    }  # fmt: skip
    assert made.spec.selector is not None
    assert made.spec.selector.match_labels["pod-template-hash"] == hash_
    assert made.spec.template.metadata.labels["pod-template-hash"] == hash_
    assert reasons(decided.status) == {"Available": "MinimumReplicasUnavailable", "Progressing": "NewReplicaSetCreated"}
    assert decided.status.unavailable_replicas == 3


def test_a_template_seen_before_gets_a_new_revision_instead_of_a_new_replica_set() -> None:
    sets = [a_set("back", 0, image="nginx:1", revision=1, age=200), a_set("current", 3, image="nginx:2", revision=2)]
    decided = plan(a_deployment(replicas=3, image="nginx:1"), sets, NOW)
    assert (decided.create, decided.revision) == (None, "3")
    back = next(one.after for one in decided.change if one.after.metadata.name == "back")
    assert back.metadata.annotations[f"{PREFIX}revision-history"] == "1"
    assert back.spec.replicas == 1


def test_recreate_waits_for_the_last_old_pod() -> None:
    deployment = a_deployment(replicas=2, strategy="Recreate")
    shrink = plan(deployment, [a_set("old", 2)], NOW, old_pods_running=True)
    assert [(one.after.metadata.name, one.after.spec.replicas) for one in shrink.change] == [("old", 0)]
    emptied = [a_set("old", 0)]
    waiting = plan(deployment, emptied, NOW, old_pods_running=True)
    assert (waiting.create, waiting.change) == (None, ())
    made = plan(deployment, emptied, NOW).create
    assert made is not None and made.spec.replicas == 2


def test_paused_scales_but_does_not_roll() -> None:
    decided = plan(a_deployment(replicas=5, paused=True), [a_set("old", 3, sized_for=(3, 4))], NOW)
    assert decided.create is None
    assert [one.after.spec.replicas for one in decided.change] == [5]
    assert reasons(decided.status)["Progressing"] == "DeploymentPaused"


def reasons(status: DeploymentStatus) -> dict[str, str]:
    return {one.type: one.reason for one in status.conditions}


def progressing(deployment: Deployment, reason: str, *, seconds_ago: float, status: str = "True") -> Deployment:
    moment = NOW - timedelta(seconds=seconds_ago)
    found = [condition("Progressing", status, reason, "", moment)]
    return replace(deployment, status=replace(deployment.status, conditions=found))


@pytest.mark.parametrize(
    ("available", "before", "seconds_ago", "expected"),
    [
        pytest.param(3, "ReplicaSetUpdated", 5, "NewReplicaSetAvailable", id="arrives"),
        pytest.param(1, "NewReplicaSetCreated", 5, "ReplicaSetUpdated", id="moves"),
        pytest.param(0, "ReplicaSetUpdated", 599, "ReplicaSetUpdated", id="has a little time left"),
        pytest.param(0, "ReplicaSetUpdated", 601, "ProgressDeadlineExceeded", id="is stuck"),
        pytest.param(0, "ProgressDeadlineExceeded", 5, "ProgressDeadlineExceeded", id="stays stuck"),
        pytest.param(1, "ProgressDeadlineExceeded", 5, "ReplicaSetUpdated", id="moves again"),
        pytest.param(0, "DeploymentPaused", 5, "DeploymentResumed", id="is resumed"),
        pytest.param(2, "NewReplicaSetAvailable", 9999, "NewReplicaSetAvailable", id="a pod lost later is no rollout"),
    ],
)
def test_progress(available: int, before: str, seconds_ago: float, expected: str) -> None:
    deployment = progressing(a_deployment(replicas=3), before, seconds_ago=seconds_ago)
    if before != "ReplicaSetUpdated" or available == 0:
        known = DeploymentStatus(replicas=3, updated_replicas=3, conditions=deployment.status.conditions)
        deployment = replace(deployment, status=known)
    new = a_set("new", 3, available, image="nginx:1", sized_for=(3, 4))
    decided = plan(deployment, [new], NOW)
    assert reasons(decided.status)["Progressing"] == expected


def test_a_deadline_is_looked_at_when_it_passes() -> None:
    deployment = progressing(a_deployment(replicas=3), "ReplicaSetUpdated", seconds_ago=100)
    known = DeploymentStatus(replicas=3, updated_replicas=3, conditions=deployment.status.conditions)
    decided = plan(replace(deployment, status=known), [a_set("new", 3, 0, image="nginx:1", sized_for=(3, 4))], NOW)
    assert decided.look_again_after == 501


def test_failures_of_the_new_replica_set_are_passed_on() -> None:
    from controlplane.api.apps_v1 import ReplicaSetCondition

    new = a_set("new", 3, 0, image="nginx:1", sized_for=(3, 4))
    failure = ReplicaSetCondition(type="ReplicaFailure", status="True", reason="FailedCreate", message="quota")
    decided = plan(a_deployment(), [replace(new, status=replace(new.status, conditions=[failure]))], NOW)
    found = conditions.find(decided.status.conditions, "ReplicaFailure")
    assert found is not None and (found.reason, found.message) == ("FailedCreate", "quota")


def test_old_replica_sets_beyond_the_limit_go_oldest_revision_first() -> None:
    old = [a_set(f"r{number}", 0, revision=number) for number in (3, 1, 2)] + [a_set("busy", 1, revision=0)]
    gone = outdated(a_deployment(revision_history_limit=1), old)
    assert [one.metadata.name for one in gone] == ["r1", "r2"]


def test_annotations_of_the_user_and_none_of_ours_are_handed_down() -> None:
    deployment = a_deployment(annotations={"team": "a", f"{PREFIX}revision": "7",
                                           "kubectl.kubernetes.io/last-applied-configuration": "{}"})  # fmt: skip
    assert annotations_of_new(deployment, {}, 2) == {"team": "a", f"{PREFIX}revision": "2"}


def test_the_hash_depends_on_the_template_and_on_collisions_only() -> None:
    one, other = a_template("nginx:1"), a_template("nginx:2")
    assert template_hash(one, None) == template_hash(a_template("nginx:1"), None)
    assert len({template_hash(one, None), template_hash(one, 1), template_hash(other, None)}) == 3
    assert set(template_hash(one, None)) <= set("bcdfghjklmnpqrstvwxz2456789")
