"""How many pods a ReplicaSet creates, whom it deletes, and what its status says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.apps_v1 import ReplicaSet, ReplicaSetCondition
from controlplane.api.core_v1 import ContainerStatus, Pod
from controlplane.api.selectors import label_selector
from controlplane.controllers.ownership import claim
from controlplane.controllers.replicaset.plan import BURST, Plan, plan, render_pod
from controlplane.controllers.replicaset.ranking import deletion_order
from controlplane.controllers.replicaset.status import Failure, next_look, status
from tests.unit.controllers.objects import LABELS, NOW, a_pod, a_replica_set, ago


def pods(count: int) -> list[Pod]:
    return [a_pod(f"p{number:03}") for number in range(count)]


@pytest.mark.parametrize(
    ("replicas", "active", "create", "delete"),
    [
        pytest.param(3, 1, 2, 0, id="creates what is missing"),
        pytest.param(2, 2, 0, 0, id="nothing to do"),
        pytest.param(0, 0, 0, 0, id="nothing wanted, nothing running"),
        pytest.param(1, 3, 0, 2, id="deletes what is too much"),
        pytest.param(0, 3, 0, 3, id="all go"),
        pytest.param(2000, 0, BURST, 0, id="no more than a burst at once"),
    ],
)
def test_plan_counts(replicas: int, active: int, create: int, delete: int) -> None:
    decided = plan(a_replica_set(replicas=replicas), pods(active), pods(active), NOW)
    assert (decided.create, len(decided.delete)) == (create, delete)


def test_absent_replicas_mean_one() -> None:
    one = a_replica_set()
    assert plan(replace(one, spec=replace(one.spec, replicas=None)), [], [], NOW) == Plan(create=1)


def restarted(name: str, count: int) -> Pod:
    pod = a_pod(name)
    return replace(pod, status=replace(pod.status, container_statuses=[ContainerStatus(name="c", restart_count=count)]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(a_pod("a", node=""), a_pod("b", phase="Pending", ready=False), id="not on a node"),
        pytest.param(a_pod("a", phase="Pending"), a_pod("b", phase="Unknown", ready=False), id="pending"),
        pytest.param(a_pod("a", phase="Unknown"), a_pod("b", ready=False), id="unknown"),
        pytest.param(a_pod("a", ready=False), a_pod("b", ready_for=1), id="not ready"),
        pytest.param(
            a_pod("a", annotations={"controller.kubernetes.io/pod-deletion-cost": "-5"}), a_pod("b", ready_for=1),
            id="cheaper to lose",
        ),
        pytest.param(a_pod("a", ready_for=5), a_pod("b", ready_for=500), id="ready for a shorter time"),
        pytest.param(restarted("a", 4), restarted("b", 1), id="restarted more often"),
        pytest.param(a_pod("a", age=150), a_pod("b", age=15000), id="younger"),
        pytest.param(a_pod("a", ready_for=100), a_pod("b", ready_for=99), id="times alike: by UID"),
    ],
)  # fmt: skip
def test_who_is_deleted_first(first: Pod, second: Pod) -> None:
    assert deletion_order([second, first], [], NOW) == [first, second]


def test_the_crowded_node_gives_first() -> None:
    here, there = a_pod("z", node="crowded"), a_pod("a", node="lonely")
    sibling = a_pod("of-another-replica-set", node="crowded")
    assert deletion_order([there, here], [here, there, sibling], NOW) == [here, there]


def test_a_deletion_cost_that_is_no_number_counts_as_nothing() -> None:
    odd = a_pod("a", annotations={"controller.kubernetes.io/pod-deletion-cost": "cheap"})
    assert deletion_order([a_pod("b"), odd], [], NOW)[0] == odd


def test_a_pod_is_the_template_with_an_owner() -> None:
    replica_set = a_replica_set("web-5c4b")
    pod = render_pod(replica_set, replica_set)
    assert pod.metadata.generate_name == "web-5c4b-"
    assert pod.metadata.labels == LABELS
    assert [(one.kind, one.controller, one.block_owner_deletion) for one in pod.metadata.owner_references] == [
        ("ReplicaSet", True, True)
    ]
    assert pod.spec == replica_set.spec.template.spec


def test_status_counts() -> None:
    replica_set = a_replica_set(generation=4)
    replica_set = replace(replica_set, spec=replace(replica_set.spec, min_ready_seconds=50))
    seen = [
        a_pod("available", ready_for=60),
        a_pod("ready", ready_for=10),
        a_pod("waiting", ready=False, labels={"other": "label"}),
        a_pod("going", deletion_timestamp=ago(1)),
        a_pod("ended", phase="Succeeded"),
    ]
    found = status(replica_set, seen, None, NOW)
    assert (found.replicas, found.fully_labeled_replicas, found.ready_replicas, found.available_replicas) == (
        3,
        2,
        2,
        1,
    )
    assert (found.terminating_replicas, found.observed_generation) == (1, 4)


def test_a_failure_is_said_and_taken_back() -> None:
    replica_set = a_replica_set()
    failed = status(replica_set, [], Failure("FailedCreate", ValueError("exceeded quota")), NOW)
    assert failed.conditions == [
        ReplicaSetCondition(
            type="ReplicaFailure", status="True", reason="FailedCreate", message="exceeded quota",
            last_transition_time=ago(0),
        )
    ]  # fmt: skip
    assert status(replace(replica_set, status=failed), [], None, NOW).conditions == []


@pytest.mark.parametrize(
    ("min_ready", "ready_for", "expected"),
    [
        pytest.param(0, [1], None, id="nothing to wait for"),
        pytest.param(30, [10, 25], 5.01, id="the next one that becomes available"),
        pytest.param(30, [40], None, id="all are"),
    ],
)
def test_when_to_look_again(min_ready: int, ready_for: list[int], expected: float | None) -> None:
    one = a_replica_set()
    one = replace(one, spec=replace(one.spec, min_ready_seconds=min_ready))
    assert next_look(one, [a_pod(str(age), ready_for=age) for age in ready_for], NOW) == expected


def owned(name: str, owner: ReplicaSet | None, **more: Any) -> Pod:
    return a_pod(name, owner=owner, **more)


MINE, OTHER = a_replica_set("mine"), a_replica_set("other")


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(owned("p", MINE), "keep", id="mine and selected"),
        pytest.param(owned("p", MINE, labels={}), "release", id="mine but no longer selected"),
        pytest.param(owned("p", None), "adopt", id="nobody's and selected"),
        pytest.param(owned("p", None, deletion_timestamp=ago(1)), "", id="nobody's and going away"),
        pytest.param(owned("p", None, labels={}), "", id="nobody's and not selected"),
        pytest.param(owned("p", OTHER), "", id="somebody else's"),
    ],
)
def test_claim(pod: Pod, expected: str) -> None:
    result = claim(MINE, label_selector(MINE.spec.selector), [pod])
    assert {name: getattr(result, name) for name in ("keep", "adopt", "release") if getattr(result, name)} == (
        {expected: (pod,)} if expected else {}
    )


def test_an_owner_that_goes_away_neither_adopts_nor_releases() -> None:
    leaving = replace(MINE, metadata=replace(MINE.metadata, deletion_timestamp=ago(1)))
    result = claim(leaving, label_selector(MINE.spec.selector), [owned("a", None), owned("b", MINE, labels={})])
    assert (result.adopt, result.release) == ((), ())
