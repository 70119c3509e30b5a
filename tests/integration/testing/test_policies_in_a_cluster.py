"""Quotas and disruption budgets with all controllers and kubectl: what they allow, refuse and let go."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from controlplane.api.apps_v1 import ReplicaSet
from controlplane.api.core_v1 import Node, NodeCondition, NodeStatus, Pod, PodCondition, PodStatus, ResourceQuota
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.policy_v1 import PodDisruptionBudget
from controlplane.api.status import Conflict, NotFound
from controlplane.testing import Cluster
from tests.integration.testing.test_cluster import KUBECTL, kubectl
from tests.waiting import until_blocking


def used(cluster: Cluster, namespace: str) -> dict[str, Any]:
    return dict(cluster.run(lambda client: client.get(ResourceQuota, "q", namespace)).status.used)


def test_a_quota_stops_a_deployment_and_gives_back(cluster: Cluster, namespace: str) -> None:
    hard = "--hard=pods=2,count/replicasets.apps=5,secrets=1,services=1"
    kubectl(cluster, "create", "quota", "q", hard, "-n", namespace)
    until_blocking(lambda: used(cluster, namespace).keys() == {"pods", "count/replicasets.apps", "secrets", "services"})
    kubectl(cluster, "create", "deployment", "web", "--image=nginx", "--replicas=3", "-n", namespace)

    def stopped() -> bool:
        found = cluster.run(lambda client: client.list(ReplicaSet, namespace)).items
        return any(
            "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" in condition.message
            for one in found
            for condition in one.status.conditions
            if condition.type == "ReplicaFailure"
        )

    until_blocking(stopped)
    assert used(cluster, namespace) | {"secrets": 0, "services": 0} == {
        "pods": "2", "count/replicasets.apps": "1", "secrets": 0, "services": 0
    }  # fmt: skip
    described = kubectl(cluster, "describe", "quota", "q", "-n", namespace)
    assert ["pods", "2", "2"] in [line.split() for line in described.splitlines()]
    kubectl(cluster, "delete", "deployment", "web", "-n", namespace)
    until_blocking(
        lambda: (used(cluster, namespace)["pods"], used(cluster, namespace)["count/replicasets.apps"]) == ("0", "0")
    )


def a_node(name: str) -> Node:
    ready = NodeCondition(type="Ready", status="True", reason="KubeletReady")
    room: dict[str, Any] = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    status = NodeStatus(conditions=[ready], capacity=room, allocatable=room)
    return Node(metadata=ObjectMeta(name=name, labels={"kubernetes.io/hostname": name}), status=status)


def act_as_node_agents(cluster: Cluster, namespace: str) -> None:
    """Start what is bound, and end what is told to end."""

    async def once(client: Any) -> None:
        for pod in (await client.list(Pod, namespace)).items:
            with suppress(Conflict, NotFound):  # it changed meanwhile: the next look sees
                if pod.metadata.deletion_timestamp:
                    await client.delete(Pod, pod.metadata.name, namespace, grace_period_seconds=0)
                elif pod.spec.node_name and pod.status.phase != "Running":
                    status = PodStatus(phase="Running", conditions=[PodCondition(type="Ready", status="True")])
                    await client.update(replace(pod, status=status), subresource="status")

    cluster.run(once)


def test_a_drain_ends(cluster: Cluster, namespace: str) -> None:
    cluster.run(lambda client: client.create(a_node("one")))
    kubectl(cluster, "create", "deployment", "web", "--image=nginx", "--replicas=2", "-n", namespace)
    kubectl(cluster, "create", "pdb", "web", "--selector=app=web", "--max-unavailable=1", "-n", namespace)

    def allowed() -> bool:
        act_as_node_agents(cluster, namespace)
        budget = cluster.run(lambda client: client.get(PodDisruptionBudget, "web", namespace))
        return (budget.status.expected_pods, budget.status.disruptions_allowed) == (2, 1)

    until_blocking(allowed)
    cluster.run(lambda client: client.create(a_node("two")))
    drain = [KUBECTL, "drain", "one", "--timeout=25s"]
    with subprocess.Popen(drain, env=cluster.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as drained:
        until_blocking(lambda: act_as_node_agents(cluster, namespace) or drained.poll() is not None, 30)
        said = drained.stdout.read().decode() if drained.stdout else ""
    assert drained.returncode == 0, said
    assert "node/one drained" in said
    assert said.count("evicting pod") > 2, said  # the second one had to wait until the first was replaced
    assert "would violate the pod's disruption budget" in said
    pods = json.loads(kubectl(cluster, "get", "pods", "-n", namespace, "-o", "json"))["items"]
    assert {pod["spec"].get("nodeName") for pod in pods} == {"two"}
