"""Every operation on every kind of the workload groups, in the order in which upstream's conformance suite asks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.apiserver.conftest import Asker, Document

MERGE = "application/merge-patch+json"
LABEL = {"special": "label"}

TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "busybox"}], "restartPolicy": "Never"}}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}}}
CONDITION = {
    "type": "Odd",
    "status": "True",
    "reason": "Test",
    "message": "m",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}

# apiVersion, kind, plural, is it in a namespace, name, content, a status
KINDS = [
    ("batch/v1", "Job", "jobs", True, "x", {"spec": {"template": TEMPLATE}}, {"active": 1}),
    (
        "batch/v1",
        "CronJob",
        "cronjobs",
        True,
        "x",
        {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}}},
        {"lastScheduleTime": "2026-01-01T00:00:00Z"},
    ),
    (
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        True,
        "x",
        {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, "targetCPUUtilizationPercentage": 5}},
        {"currentReplicas": 2, "desiredReplicas": 3, "currentCPUUtilizationPercentage": 7},
    ),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        True,
        "x",
        {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, "metrics": [CPU]}},
        {"currentReplicas": 2, "desiredReplicas": 3},
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        True,
        "x",
        {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        {"currentHealthy": 1, "conditions": [CONDITION]},
    ),
    (
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        True,
        "x",
        {"spec": {"defaultBackend": BACKEND}},
        {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}},
    ),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True, "x", {"spec": {"podSelector": {}}}, None),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        "ingressclasses",
        False,
        "x",
        {"spec": {"controller": "example.com/a"}},
        None,
    ),
    (
        "networking.k8s.io/v1",
        "IPAddress",
        "ipaddresses",
        False,
        "192.168.1.1",
        {"spec": {"parentRef": {"resource": "services", "namespace": "foo", "name": "bar"}}},
        None,
    ),
    (
        "networking.k8s.io/v1",
        "ServiceCIDR",
        "servicecidrs",
        False,
        "x",
        {"spec": {"cidrs": ["10.10.0.0/24"]}},
        {"conditions": [CONDITION]},
    ),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", False, "x", {"value": 7}, None),
    ("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", False, "x", {"handler": "runsc"}, None),
]


def includes(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and includes(whole[name], one) for name, one in part.items()
        )
    if isinstance(part, list):
        return len(whole) == len(part) and all(includes(*pair) for pair in zip(whole, part, strict=True))
    return bool(whole == part)


@pytest.mark.parametrize(
    ("api_version", "kind", "plural", "namespaced", "name", "content", "status"),
    KINDS,
    ids=[f"{one[1]}.{one[0]}" for one in KINDS],
)
async def test_operations(
    ask: Asker,
    api_version: str,
    kind: str,
    plural: str,
    namespaced: bool,
    name: str,
    content: Document,
    status: Document | None,
) -> None:
    everywhere = f"/apis/{api_version}/{plural}"
    path = f"/apis/{api_version}/namespaces/default/{plural}" if namespaced else everywhere
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": LABEL}, **content}
    made = await ask("POST", path, {**body, "status": status} if status else body)
    assert made.status == 201, made.body
    assert includes(made.body, content)
    assert not status or not includes(made.body.get("status"), status)  # a new object has none of it
    assert (await ask("GET", f"{path}/{name}")).body == made.body
    listed = await ask("GET", everywhere, labelSelector="special=label")
    assert [one["metadata"]["name"] for one in listed.body["items"]] == [name]
    patched = await ask("PATCH", f"{path}/{name}", {"metadata": {"annotations": {"p": "1"}}}, content_type=MERGE)
    assert patched.status == 200, patched.body
    assert patched.body["metadata"].get("generation") == made.body["metadata"].get("generation")
    changed = {**patched.body, "metadata": {**patched.body["metadata"], "annotations": {"u": "1"}}}
    updated = await ask("PUT", f"{path}/{name}", changed)
    assert (updated.status, updated.body["metadata"]["annotations"]) == (200, {"u": "1"}), updated.body
    if status:
        told = await ask("PATCH", f"{path}/{name}/status", {"status": status, "spec": None}, content_type=MERGE)
        assert told.status == 200, told.body
        assert includes(told.body["status"], status)
        assert includes(told.body, content)  # by that door the status alone is written
        # v1 autoscalers show an amount of the CPU that nobody has measured as "0", and so it is from then on.
        again = await ask("PUT", f"{path}/{name}/status", told.body)
        same = await ask("PUT", f"{path}/{name}/status", again.body)
        assert same.body["metadata"]["resourceVersion"] == again.body["metadata"]["resourceVersion"]
    stale = await ask("PUT", f"{path}/{name}", made.body)
    assert (stale.status, stale.reason) == (409, "Conflict")
    assert (await ask("DELETE", f"{path}/{name}", propagationPolicy="Background")).status == 200
    assert (await ask("GET", f"{path}/{name}")).status == 404
    await ask("POST", path, body)
    assert (await ask("DELETE", path, labelSelector="special=label", propagationPolicy="Background")).status == 200
    assert (await ask("GET", everywhere, labelSelector="special=label")).body["items"] == []


async def test_a_deleted_job_leaves_its_pods_unless_told_otherwise(ask: Asker) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"template": TEMPLATE}}
    await ask("POST", path, body)
    told = await ask("DELETE", f"{path}/x")
    assert told.body["metadata"]["finalizers"] == ["orphan"]


async def test_names_made_up_for_jobs_are_in_their_labels(ask: Asker) -> None:
    path = "/apis/batch/v1/namespaces/default/jobs"
    metadata = {"generateName": "x-"}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": TEMPLATE}}
    made = (await ask("POST", path, body)).body
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == made["metadata"]["name"]
    assert labels["batch.kubernetes.io/controller-uid"] == made["metadata"]["uid"]
    assert made["metadata"]["labels"] == labels
