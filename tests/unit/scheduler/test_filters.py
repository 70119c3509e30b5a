"""Which nodes a pod can run on, and in which words it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from controlplane.api.core_v1 import Node, Pod
from controlplane.scheduler.filters import (
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from controlplane.scheduler.schedule import Fit, NoFit, schedule
from controlplane.scheduler.snapshot import PodInfo
from tests.fakes.scheduling import a_node, a_pod, a_snapshot

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def port(host_port: int, ip: str = "", protocol: str = "TCP") -> list[dict[str, Any]]:
    ports = [{"containerPort": 80, "hostPort": host_port, "hostIP": ip, "protocol": protocol}]
    return [{"name": "c", "image": "x", "ports": ports}]


def required(*expressions: dict[str, Any], fields: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    term = {"matchExpressions": list(expressions), "matchFields": list(fields)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def near(kind: str, app: str, key: str = "kubernetes.io/hostname") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def spread(app: str, skew: int, **more: Any) -> list[dict[str, Any]]:
    selector = {"matchLabels": {"app": app}}
    return [
        {
            "maxSkew": skew,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": selector,
            **more,
        }
    ]


@pytest.mark.parametrize(
    ("rule", "pod", "node", "there", "reasons"),
    [
        pytest.param(
            node_unschedulable,
            a_pod(),
            a_node("n", unschedulable=True),
            [],
            ["node(s) were unschedulable"],
            id="cordoned",
        ),
        pytest.param(
            node_unschedulable,
            a_pod(tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]),
            a_node("n", unschedulable=True),
            [],
            [],
            id="cordoned, but tolerated",
        ),
        pytest.param(
            node_name,
            a_pod(node="m"),
            a_node("n"),
            [],
            ["node(s) didn't match the requested node name"],
            id="another node named",
        ),
        pytest.param(
            taint_toleration,
            a_pod(),
            a_node("n", taints=[CONTROL_PLANE]),
            [],
            ["node(s) had untolerated taint(s)"],
            id="tainted",
        ),
        pytest.param(
            taint_toleration,
            a_pod(tolerations=[{"operator": "Exists"}]),
            a_node("n", taints=[CONTROL_PLANE]),
            [],
            [],
            id="tolerates all",
        ),
        pytest.param(
            taint_toleration,
            a_pod(tolerations=[{"key": "a", "value": "1"}]),
            a_node("n", taints=[{"key": "a", "value": "2", "effect": "NoExecute"}]),
            [],
            ["node(s) had untolerated taint(s)"],
            id="tolerates another value",
        ),
        pytest.param(
            taint_toleration,
            a_pod(),
            a_node("n", taints=[{"key": "a", "effect": "PreferNoSchedule"}]),
            [],
            [],
            id="preference does not keep off",
        ),
        pytest.param(
            node_affinity,
            a_pod(nodeSelector={"disk": "ssd"}),
            a_node("n"),
            [],
            ["node(s) didn't match Pod's node affinity/selector"],
            id="label missing",
        ),
        pytest.param(
            node_affinity,
            a_pod(nodeSelector={"disk": "ssd"}),
            a_node("n", labels={"disk": "ssd"}),
            [],
            [],
            id="label there",
        ),
        pytest.param(
            node_affinity,
            a_pod(affinity=required({"key": "cores", "operator": "Gt", "values": ["8"]})),
            a_node("n", labels={"cores": "16"}),
            [],
            [],
            id="label greater",
        ),
        pytest.param(
            node_affinity,
            a_pod(affinity=required(fields=[{"key": "metadata.name", "operator": "In", "values": ["n"]}])),
            a_node("n"),
            [],
            [],
            id="field",
        ),
        pytest.param(
            node_affinity,
            a_pod(affinity=required()),
            a_node("n"),
            [],
            ["node(s) didn't match Pod's node affinity/selector"],
            id="empty term selects nothing",
        ),
        pytest.param(
            node_ports,
            a_pod(containers=port(80)),
            a_node("n"),
            [a_pod("q", node="n", containers=port(80, "10.0.0.1"))],
            ["node(s) didn't have free ports for the requested pod ports"],
            id="port taken on one address, wanted on all",
        ),
        pytest.param(
            node_ports,
            a_pod(containers=port(80, "10.0.0.2")),
            a_node("n"),
            [a_pod("q", node="n", containers=port(80, "10.0.0.1"))],
            [],
            id="same port on another address",
        ),
        pytest.param(
            node_ports,
            a_pod(containers=port(80, protocol="UDP")),
            a_node("n"),
            [a_pod("q", node="n", containers=port(80))],
            [],
            id="same port of another protocol",
        ),
        pytest.param(
            node_resources_fit,
            a_pod(cpu="1500m"),
            a_node("n", cpu="2"),
            [a_pod("q", cpu="1", node="n")],
            ["Insufficient cpu"],
            id="cpu taken",
        ),
        pytest.param(
            node_resources_fit,
            a_pod(cpu="1"),
            a_node("n", cpu="2"),
            [a_pod("q", cpu="1", node="n")],
            [],
            id="cpu just enough",
        ),
        pytest.param(
            node_resources_fit,
            a_pod(cpu="8", memory="1Ti"),
            a_node("n", pods="1"),
            [a_pod("q", node="n")],
            ["Too many pods", "Insufficient cpu", "Insufficient memory"],
            id="everything short",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(affinity=near("podAntiAffinity", "db")),
            a_node("n"),
            [a_pod("q", node="n", labels={"app": "db"})],
            ["node(s) didn't match pod anti-affinity rules"],
            id="wants to be away",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(labels={"app": "web"}),
            a_node("n"),
            [a_pod("q", node="n", affinity=near("podAntiAffinity", "web"))],
            ["node(s) didn't satisfy existing pods anti-affinity rules"],
            id="others want it away",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(affinity=near("podAffinity", "db")),
            a_node("n"),
            [],
            ["node(s) didn't match pod affinity rules"],
            id="wants to be near, nobody there",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(affinity=near("podAffinity", "db"), labels={"app": "db"}),
            a_node("n"),
            [],
            [],
            id="first of its group",
        ),
        pytest.param(
            inter_pod_affinity,
            a_pod(affinity=near("podAffinity", "db")),
            a_node("n"),
            [a_pod("q", node="n", labels={"app": "db"})],
            [],
            id="near",
        ),
        pytest.param(
            pod_topology_spread,
            a_pod(labels={"app": "a"}, topologySpreadConstraints=spread("a", 1)),
            a_node("n"),
            [],
            ["node(s) didn't match pod topology spread constraints (missing required label)"],
            id="node in no zone",
        ),
        pytest.param(
            pod_topology_spread,
            a_pod(labels={"app": "a"}, topologySpreadConstraints=spread("a", 1, minDomains=2)),
            a_node("n", labels={"zone": "z"}),
            [a_pod("q", node="n", labels={"app": "a"})],
            ["node(s) didn't match pod topology spread constraints"],
            id="too few domains",
        ),
    ],
)
def test_rule(rule: Any, pod: Pod, node: Node, there: Sequence[Pod], reasons: list[str]) -> None:
    snapshot = a_snapshot([node], there)
    test = rule.prepare(PodInfo(pod), snapshot)
    rejection = test(snapshot.nodes[0]) if test else None
    assert (list(rejection.reasons) if rejection else []) == reasons


def test_hard_spread_fills_the_emptier_zone() -> None:
    nodes = [a_node("n1", labels={"zone": "a"}), a_node("n2", labels={"zone": "b"})]
    snapshot = a_snapshot(nodes, [a_pod("q", node="n1", labels={"app": "a"})])
    pod = a_pod(labels={"app": "a"}, topologySpreadConstraints=spread("a", 1))
    assert schedule(PodInfo(pod), snapshot, Random(0)) == Fit("n2", 2, 1)


def test_message_counts_reasons_and_says_whether_preemption_could_help() -> None:
    nodes = [a_node("m", taints=[CONTROL_PLANE]), a_node("n1", cpu="1"), a_node("n2", cpu="1")]
    snapshot = a_snapshot(nodes, [a_pod("q", cpu="1", node="n1"), a_pod("r", cpu="1", node="n2")])
    decision = schedule(PodInfo(a_pod(cpu="1")), snapshot, Random(0))
    assert decision == NoFit(
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: "
        "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
        frozenset({taint_toleration.NAME, node_resources_fit.NAME}),
    )


def test_no_nodes() -> None:
    decision = schedule(PodInfo(a_pod()), a_snapshot([]), Random(0))
    assert isinstance(decision, NoFit) and decision.message == "no nodes available to schedule pods"
