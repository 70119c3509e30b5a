"""Budgets that a controller keeps, and evictions that they allow and refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from controlplane.client.informer import Informers
from controlplane.controllers.disruption.controller import DisruptionController
from controlplane.controllers.environment import Environment
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from controlplane.testing import MemoryApi
from tests.integration.apiserver.conftest import Asker, Document
from tests.integration.apiserver.test_eviction import BUDGETS, PODS, a_pod, evict

MERGE = "application/merge-patch+json"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"


class Told:
    """A recorder that keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()

    def event(self, obj: Any, type_: str, reason: str, message: str) -> None:
        self.reasons.add(reason)


@pytest.fixture
async def events(api: MemoryApi) -> AsyncIterator[Told]:
    """The disruption controller, and what it tells."""
    client, clock, random, told = api.client(), SystemClock(), Random(1), Told()
    informers = Informers(client, clock, random)
    environment = Environment(
        client_for=lambda _: client,
        recorder_for=lambda *_: told,
        informers=informers,
        clock=clock,
        random=random,
        registry=CollectorRegistry(),
    )
    controller = DisruptionController(environment)
    async with running(informers.run(), controller.run()):
        yield told


async def until(ask: Asker, holds: Callable[[Document], bool]) -> Document:
    """Return a budget's status once it is as it should be."""
    status: Document = {}
    for _ in range(200):
        status = (await ask("GET", f"{BUDGETS}/b")).body.get("status", {})
        if holds(status):
            return status
        await asyncio.sleep(0.02)
    raise AssertionError(status)


async def a_budget(ask: Asker, **spec: Any) -> None:
    spec = {"selector": {"matchLabels": {"app": "web"}}, **spec}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
    assert (await ask("POST", BUDGETS, body)).status == 201


async def test_evictions_follow_what_is_healthy(ask: Asker, events: Told) -> None:
    await a_pod(ask, "a")
    await a_pod(ask, "b")
    await a_budget(ask, minAvailable=1)
    status = await until(ask, lambda status: status.get("disruptionsAllowed") == 1)
    assert {key: status[key] for key in ("currentHealthy", "desiredHealthy", "expectedPods", "observedGeneration")} == {
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 2,
        "observedGeneration": 1,
    }
    condition = status["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "DisruptionAllowed",
        "True",
        "SufficientPods",
    )
    assert (await evict(ask, "a")).status == 201
    await until(ask, lambda status: status["currentHealthy"] == 1 and "disruptedPods" not in status)
    refused = await evict(ask, "b")
    assert refused.status == 429
    assert refused.body["details"]["causes"][0]["message"] == (
        "The disruption budget b needs 1 healthy pods and has 1 currently"
    )
    await a_pod(ask, "c")
    await until(ask, lambda status: status["disruptionsAllowed"] == 1)
    assert (await evict(ask, "b")).status == 201
    assert events.reasons <= {"NoPods"}


def owned(kind: str, name: str, uid: str) -> Document:
    return {"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}]}}  # fmt: skip


def workload(kind: str, replicas: int) -> Document:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    if kind != "DaemonSet":
        spec["replicas"] = replicas  # type: ignore[assignment]
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


async def test_a_deployment_says_how_many_there_should_be(ask: Asker, events: Told) -> None:
    deployment = (await ask("POST", DEPLOYMENTS, workload("Deployment", 4))).body["metadata"]["uid"]
    replica_set = workload("ReplicaSet", 1)
    replica_set["metadata"] |= owned("Deployment", "web", deployment)["metadata"]
    made = (await ask("POST", REPLICA_SETS, replica_set)).body["metadata"]["uid"]
    await a_pod(ask, "a")
    await ask("PATCH", f"{PODS}/a", owned("ReplicaSet", "web", made), content_type=MERGE)
    await a_budget(ask, maxUnavailable="50%")
    status = await until(ask, lambda status: status.get("expectedPods") == 4)
    assert (status["desiredHealthy"], status["currentHealthy"], status["disruptionsAllowed"]) == (2, 1, 0)
    assert status["conditions"][0]["reason"] == "InsufficientPods"
    assert "CalculateExpectedPodCountFailed" not in events.reasons


async def test_what_has_no_scale_cannot_be_told(ask: Asker, events: Told) -> None:
    path = "/apis/apps/v1/namespaces/default/daemonsets"
    made = await ask("POST", path, workload("DaemonSet", 0))
    await a_pod(ask, "a")
    await ask("PATCH", f"{PODS}/a", owned("DaemonSet", "web", made.body["metadata"]["uid"]), content_type=MERGE)
    await a_budget(ask, maxUnavailable=1)
    status = await until(ask, lambda status: bool(status.get("conditions")))
    condition = status["conditions"][0]
    assert (condition["reason"], condition["message"]) == (
        "SyncFailed",
        "daemonsets.apps does not implement the scale subresource",
    )
    assert status["disruptionsAllowed"] == 0
    assert "CalculateExpectedPodCountFailed" in events.reasons


async def test_a_stateful_set_is_asked_too_and_loose_pods_are_told_of(ask: Asker, events: Told) -> None:
    made = await ask("POST", "/apis/apps/v1/namespaces/default/statefulsets", workload("StatefulSet", 3))
    await a_pod(ask, "a")
    await a_pod(ask, "loose")
    await ask("PATCH", f"{PODS}/a", owned("StatefulSet", "web", made.body["metadata"]["uid"]), content_type=MERGE)
    await a_budget(ask, maxUnavailable=2)
    status = await until(ask, lambda status: status.get("expectedPods") == 3)
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (1, 1)
    assert "UnmanagedPods" in events.reasons
