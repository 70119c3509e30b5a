"""Evictions, and the disruption budgets that allow or refuse them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.apiserver.conftest import Asker, Document, pod

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
MERGE = "application/merge-patch+json"
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def ready(status: str = "True") -> list[Document]:
    return [{"type": "Ready", "status": status}]


async def a_pod(ask: Asker, name: str = "web", *, phase: str = "Running", is_ready: str = "True") -> None:
    body = pod()
    body["metadata"] = {"name": name, "labels": {"app": "web"}}
    body["spec"]["nodeName"] = "node-1"
    made = await ask("POST", PODS, body)
    assert made.status == 201, made.body
    status = {"status": {"phase": phase, "conditions": ready(is_ready)}}
    told = await ask("PATCH", f"{PODS}/{name}/status", status, content_type=MERGE)
    assert told.status == 200, told.body


async def a_budget(ask: Asker, name: str = "web", *, spec: Document | None = None, **status: Any) -> None:
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}, **(spec or {})},
    }
    made = await ask("POST", BUDGETS, body)
    assert made.status == 201, made.body
    assert made.body["metadata"]["generation"] == 1
    if status:
        wanted = {"status": {"observedGeneration": 1, **status}}
        told = await ask("PATCH", f"{BUDGETS}/{name}/status", wanted, content_type=MERGE)
        assert told.status == 200, told.body


async def evict(ask: Asker, name: str = "web", **query: str) -> Any:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    return await ask("POST", f"{PODS}/{name}/eviction", body, **query)


async def is_ending(ask: Asker, name: str = "web") -> bool:
    told = await ask("GET", f"{PODS}/{name}")
    return told.status == 404 or "deletionTimestamp" in told.body["metadata"]


async def test_without_a_budget_a_pod_goes_and_says_why(ask: Asker) -> None:
    await a_pod(ask)
    told = await evict(ask)
    assert (told.status, told.body["status"]) == (201, "Success")
    left = (await ask("GET", f"{PODS}/web")).body
    assert "deletionTimestamp" in left["metadata"]
    condition = next(one for one in left["status"]["conditions"] if one["type"] == "DisruptionTarget")
    assert (condition["reason"], condition["message"]) == ("EvictionByEvictionAPI", "Eviction API: evicting")


async def test_a_budget_that_nobody_has_looked_at_refuses(ask: Asker) -> None:
    await a_pod(ask)
    await a_budget(ask)
    told = await evict(ask)
    assert (told.status, told.reason, told.message) == (429, "TooManyRequests", REFUSED)
    assert told.body["details"]["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget web is still being processed by the server."}
    ]
    assert told.body["details"]["retryAfterSeconds"] == 10
    assert told.headers["Retry-After"] == "10"
    assert not await is_ending(ask)


async def test_an_eviction_is_spent_in_the_budget(ask: Asker) -> None:
    await a_pod(ask, "web")
    await a_pod(ask, "web-2")
    await a_budget(ask, disruptionsAllowed=1, currentHealthy=2, desiredHealthy=1, expectedPods=2)
    assert (await evict(ask)).status == 201
    status = (await ask("GET", f"{BUDGETS}/web")).body["status"]
    assert status["disruptionsAllowed"] == 0
    assert status["disruptedPods"].keys() == {"web"}
    assert [(one["type"], one["status"], one["reason"]) for one in status["conditions"]] == [
        ("DisruptionAllowed", "False", "InsufficientPods")
    ]
    refused = await evict(ask, "web-2")
    assert refused.status == 429
    assert "Retry-After" not in refused.headers
    assert refused.body["details"]["causes"][0]["message"] == (
        "The disruption budget web does not allow evicting pods currently"
    )
    assert not await is_ending(ask, "web-2")


async def test_of_many_who_evict_at_once_only_as_many_as_allowed_succeed(ask: Asker) -> None:
    names = [f"web-{number}" for number in range(8)]
    for name in names:
        await a_pod(ask, name)
    await a_budget(ask, disruptionsAllowed=3, currentHealthy=8, desiredHealthy=5, expectedPods=8)
    told = await asyncio.gather(*(evict(ask, name) for name in names))
    assert sorted(one.status for one in told) == [201] * 3 + [429] * 5
    assert len((await ask("GET", f"{BUDGETS}/web")).body["status"]["disruptedPods"]) == 3


async def test_a_dry_run_spends_nothing(ask: Asker) -> None:
    await a_pod(ask)
    await a_budget(ask, disruptionsAllowed=1, currentHealthy=1, desiredHealthy=0)
    assert (await evict(ask, dryRun="All")).status == 201
    assert (await ask("GET", f"{BUDGETS}/web")).body["status"]["disruptionsAllowed"] == 1
    assert not await is_ending(ask)


@pytest.mark.parametrize(
    ("phase", "is_ready", "spec", "status", "code"),
    [
        pytest.param("Pending", "False", {}, {}, 201, id="pods that have not begun are not asked for"),
        pytest.param("Failed", "False", {}, {}, 201, id="nor are those that have ended"),
        pytest.param(
            "Running",
            "False",
            {},
            {"currentHealthy": 2, "desiredHealthy": 2},
            201,
            id="not ready, and enough others are",
        ),
        pytest.param(
            "Running", "False", {}, {"currentHealthy": 1, "desiredHealthy": 2}, 429, id="not ready, too few are"
        ),
        pytest.param(
            "Running",
            "False",
            {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
            {"currentHealthy": 1, "desiredHealthy": 2},
            201,
            id="not ready, and that does not matter",
        ),
        pytest.param("Running", "True", {}, {"currentHealthy": 2, "desiredHealthy": 2}, 429, id="ready"),
    ],
)
async def test_which_pods_a_budget_protects(
    ask: Asker, phase: str, is_ready: str, spec: Document, status: Document, code: int
) -> None:
    await a_pod(ask, phase=phase, is_ready=is_ready)
    await a_budget(ask, spec=spec, **status)
    assert (await evict(ask)).status == code
    assert await is_ending(ask) is (code == 201)


async def test_two_budgets_are_a_mistake(ask: Asker) -> None:
    await a_pod(ask)
    await a_budget(ask, "a", disruptionsAllowed=1)
    await a_budget(ask, "b", disruptionsAllowed=1)
    told = await evict(ask)
    assert told.status == 500
    assert told.message.startswith("This pod has more than one PodDisruptionBudget")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(
            {"currentHealthy": 1, "desiredHealthy": 2},
            "The disruption budget web needs 2 healthy pods and has 1 currently",
            id="too few",
        ),
        pytest.param(
            {
                "conditions": [
                    {
                        "type": "DisruptionAllowed",
                        "status": "False",
                        "reason": "SyncFailed",
                        "message": "no scale",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    }
                ]
            },
            "The disruption budget web does not allow evicting pods currently because it failed sync: no scale",
            id="the controller does not know",
        ),
    ],
)
async def test_why_not(ask: Asker, status: Document, message: str) -> None:
    await a_pod(ask)
    await a_budget(ask, **status)
    assert (await evict(ask)).body["details"]["causes"][0]["message"] == message


async def test_a_named_version_must_be_the_pod_s(ask: Asker) -> None:
    await a_pod(ask)
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "web"},
        "deleteOptions": {"preconditions": {"resourceVersion": "1"}},
    }
    assert (await ask("POST", f"{PODS}/web/eviction", body)).status == 409
    assert not await is_ending(ask)


async def test_the_name_is_said_twice(ask: Asker) -> None:
    await a_pod(ask)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}
    told = await ask("POST", f"{PODS}/web/eviction", body)
    assert (told.status, told.message) == (400, "name in URL does not match name in Eviction object")
