"""Which of the possible nodes is best."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Node, Pod, Service
from controlplane.api.pod_requests import pod_requests, scored_requests
from controlplane.scheduler.schedule import Fit, schedule
from controlplane.scheduler.scores import (
    balanced_allocation,
    image_locality,
    inter_pod_affinity,
    least_allocated,
    node_affinity,
    pod_topology_spread,
    taint_toleration,
)
from controlplane.scheduler.snapshot import PodInfo
from tests.fakes.scheduling import a_node, a_pod, a_snapshot

MI = 1024 * 1024

PREFERS_SSD = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 10, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}}
        ]
    }
}
PREFERS_DB = {
    "podAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 5,
                "podAffinityTerm": {
                    "labelSelector": {"matchLabels": {"app": "db"}},
                    "topologyKey": "kubernetes.io/hostname",
                },
            }
        ]
    }
}
WEB = from_document(
    {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}, Service
)


@pytest.mark.parametrize(
    ("rule", "pod", "nodes", "there", "expected"),
    [
        pytest.param(
            least_allocated,
            a_pod(cpu="1", memory="2Gi"),
            [a_node("a"), a_node("b")],
            [a_pod("q", cpu="2", memory="4Gi", node="b")],
            [75, 25],
            id="more left is better",
        ),
        pytest.param(
            balanced_allocation,
            a_pod(cpu="2", memory="4Gi"),
            [a_node("a"), a_node("b")],
            [a_pod("q", cpu="2", node="b")],
            [100, 75],
            id="equal shares are better",
        ),
        pytest.param(
            balanced_allocation, a_pod(), [a_node("a"), a_node("b")], [], None, id="nothing asked, nothing balanced"
        ),
        pytest.param(
            taint_toleration,
            a_pod(),
            [a_node("a", taints=[{"key": "x", "effect": "PreferNoSchedule"}]), a_node("b")],
            [],
            [0, 100],
            id="fewer disliked taints are better",
        ),
        pytest.param(
            node_affinity,
            a_pod(affinity=PREFERS_SSD),
            [a_node("a", labels={"disk": "ssd"}), a_node("b")],
            [],
            [100, 0],
            id="preferred label",
        ),
        pytest.param(
            image_locality,
            a_pod(),
            [a_node("a", images=[{"names": ["busybox:latest"], "sizeBytes": 1000 * MI}]), a_node("b")],
            [],
            [48, 0],
            id="large image already there, on half of the nodes",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(affinity=PREFERS_DB),
            [a_node("a"), a_node("b")],
            [a_pod("q", node="b", labels={"app": "db"})],
            [0, 100],
            id="near the database",
        ),
        pytest.param(
            pod_topology_spread,
            a_pod(owner="rs"),
            [a_node("a"), a_node("b")],
            [a_pod("q", owner="rs", node="a")],
            [66, 100],
            id="away from the same controller's",
        ),
        pytest.param(
            pod_topology_spread,
            a_pod(labels={"app": "web"}),
            [a_node("a"), a_node("b")],
            [a_pod("q", labels={"app": "web"}, node="b")],
            [100, 66],
            id="away from the same Service's",
        ),
        pytest.param(pod_topology_spread, a_pod(), [a_node("a")], [], None, id="belongs to nothing"),
    ],
)
def test_score(
    rule: Any, pod: Pod, nodes: Sequence[Node], there: Sequence[Pod], expected: Sequence[float] | None
) -> None:
    snapshot = a_snapshot(nodes, there, [WEB])
    scores = rule.score(PodInfo(pod), snapshot, snapshot.nodes)
    assert (list(scores) if scores is not None else None) == expected


def test_equal_nodes_are_drawn_by_lot() -> None:
    snapshot = a_snapshot([a_node("a"), a_node("b")])
    drawn = {schedule(PodInfo(a_pod()), snapshot, Random(seed)) for seed in range(20)}
    assert drawn == {Fit("a", 2, 2), Fit("b", 2, 2)}


def test_large_clusters_are_not_searched_to_the_end() -> None:
    snapshot = a_snapshot([a_node(f"n{number}") for number in range(1000)])
    decision = schedule(PodInfo(a_pod()), snapshot, Random(1))
    assert isinstance(decision, Fit) and decision.feasible == 420


def container(cpu: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "c", "image": "x", "resources": {"requests": {"cpu": cpu} if cpu else {}}, **more}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        pytest.param({"containers": [container("100m"), container("200m")]}, 300, id="containers add up"),
        pytest.param(
            {"initContainers": [container("1"), container("2")], "containers": [container("500m")]},
            2000,
            id="largest init container",
        ),
        pytest.param(
            {
                "initContainers": [container("300m", restartPolicy="Always"), container("1")],
                "containers": [container("500m")],
            },
            1300,
            id="sidecar beside a later init container",
        ),
        pytest.param(
            {
                "initContainers": [container("1"), container("300m", restartPolicy="Always")],
                "containers": [container("900m")],
            },
            1200,
            id="sidecar beside the containers",
        ),
        pytest.param({"containers": [container("100m")], "overhead": {"cpu": "50m"}}, 150, id="overhead"),
        pytest.param(
            {"containers": [container("100m")], "resources": {"requests": {"cpu": "2"}}},
            2000,
            id="said for the whole pod",
        ),
    ],
)
def test_requests(spec: dict[str, Any], cpu: int) -> None:
    assert pod_requests(a_pod(**spec).spec)["cpu"] == cpu


def test_scores_assume_something_for_containers_that_ask_for_nothing() -> None:
    assert scored_requests(a_pod().spec) == {"cpu": 100, "memory": 200 * MI}
    assert pod_requests(a_pod().spec) == {}
