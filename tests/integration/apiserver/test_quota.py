"""Quotas as clients meet them: charged before a write, told in the sentence that refuses, given back when counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from controlplane.client.informer import Informers
from controlplane.controllers.environment import Environment
from controlplane.controllers.resourcequota.controller import ResourceQuotaController
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from controlplane.testing import MemoryApi
from tests.integration.apiserver.conftest import Asker, Document, config_map, pod

QUOTAS = "/api/v1/namespaces/default/resourcequotas"
PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = "/api/v1/namespaces/default/services"
MERGE = "application/merge-patch+json"


@pytest.fixture
async def counting(api: MemoryApi) -> AsyncIterator[None]:
    """The resourcequota controller."""
    client, clock, random = api.client(), SystemClock(), Random(1)
    informers = Informers(client, clock, random)
    environment = Environment(
        client_for=lambda _: client,
        recorder_for=lambda *_: None,  # type: ignore[arg-type, return-value]
        informers=informers,
        clock=clock,
        random=random,
        registry=CollectorRegistry(),
    )
    async with running(informers.run(), ResourceQuotaController(environment).run()):
        yield


def quota(name: str = "q", **spec: Any) -> Document:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}


async def a_quota(ask: Asker, name: str = "q", **spec: Any) -> None:
    made = await ask("POST", QUOTAS, quota(name, **spec))
    assert made.status == 201, made.body
    await until(ask, lambda status: status.get("hard", {}).keys() == spec["hard"].keys(), name)


async def until(ask: Asker, holds: Any, name: str = "q") -> Document:
    """Return a quota's status once it is as it should be."""
    status: Document = {}
    for _ in range(200):
        status = (await ask("GET", f"{QUOTAS}/{name}")).body.get("status", {})
        if holds(status):
            return status
        await asyncio.sleep(0.02)
    raise AssertionError(status)


def asking(name: str, **resources: Any) -> Document:
    made = pod(name)
    made["spec"]["containers"][0]["resources"] = resources
    return made


@pytest.mark.usefixtures("counting")
async def test_what_is_there_already_counts_and_what_goes_is_given_back(ask: Asker) -> None:
    await ask("POST", PODS, asking("old", requests={"cpu": "100m"}, limits={"cpu": "0.2"}))
    await a_quota(ask, hard={"pods": 2, "requests.cpu": "0.5", "limits.cpu": "1", "count/pods": "5"})
    assert await until(ask, lambda status: True) == {
        "hard": {"pods": "2", "requests.cpu": "500m", "limits.cpu": "1", "count/pods": "5"},
        "used": {"pods": "1", "requests.cpu": "100m", "limits.cpu": "200m", "count/pods": "1"},
    }
    await ask("DELETE", f"{PODS}/old", gracePeriodSeconds="0")
    await until(ask, lambda status: status["used"]["pods"] == "0" and status["used"]["limits.cpu"] == "0")


@pytest.mark.usefixtures("counting")
async def test_the_sentences(ask: Asker) -> None:
    await a_quota(ask, hard={"requests.cpu": "1", "limits.memory": "1Gi", "pods": "3"})
    refused = await ask("POST", PODS, pod("silent"))
    assert (refused.status, refused.reason, refused.message) == (
        403,
        "Forbidden",
        'pods "silent" is forbidden: failed quota: q: must specify limits.memory for: main; requests.cpu for: main',
    )
    fits = await ask("POST", PODS, asking("a", requests={"cpu": "750m"}, limits={"cpu": 1, "memory": "100Mi"}))
    assert fits.status == 201, fits.body
    refused = await ask("POST", PODS, asking("b", requests={"cpu": "0.5"}, limits={"cpu": 1, "memory": "1Gi"}))
    assert refused.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=500m, '
        "used: limits.memory=100Mi,requests.cpu=750m, limited: limits.memory=1Gi,requests.cpu=1"
    )
    used = (await ask("GET", f"{QUOTAS}/q")).body["status"]["used"]
    assert used == {"requests.cpu": "750m", "limits.memory": "100Mi", "pods": "1"}


async def test_a_quota_that_nobody_has_counted_limits_nothing_yet(ask: Asker) -> None:
    await ask("POST", QUOTAS, quota(hard={"pods": "0"}))
    assert (await ask("POST", PODS, pod())).status == 201
    await ask("PATCH", f"{QUOTAS}/q/status", {"status": {"hard": {"pods": "9"}}}, content_type=MERGE)
    await ask("GET", f"{QUOTAS}/q")  # admission reads the cache, which is no older than what was answered from it
    refused = await ask("POST", PODS, pod("b"))
    assert refused.message == 'pods "b" is forbidden: status unknown for quota: q, resources: pods'


@pytest.mark.usefixtures("counting")
async def test_many_at_once_never_use_more_than_there_is(ask: Asker) -> None:
    await a_quota(ask, "few", hard={"configmaps": "25"})
    await a_quota(ask, "fewer", hard={"count/configmaps": "20"})
    before = int((await ask("GET", f"{QUOTAS}/fewer")).body["status"]["used"]["count/configmaps"])
    told = await asyncio.gather(*(ask("POST", CONFIG_MAPS, config_map(f"cm-{n}")) for n in range(60)))
    assert sorted({one.status for one in told}) == [201, 403]
    assert sum(one.status == 201 for one in told) == 20 - before
    assert len((await ask("GET", CONFIG_MAPS)).body["items"]) == 20
    assert (await ask("GET", f"{QUOTAS}/fewer")).body["status"]["used"] == {"count/configmaps": "20"}


@pytest.mark.usefixtures("counting")
async def test_a_dry_run_is_checked_and_not_charged(ask: Asker) -> None:
    await a_quota(ask, hard={"count/pods": "1"})
    assert (await ask("POST", PODS, pod("a"), dryRun="All")).status == 201
    assert (await ask("POST", PODS, pod("a"))).status == 201
    assert (await ask("POST", PODS, pod("b"), dryRun="All")).status == 403


@pytest.mark.usefixtures("counting")
async def test_an_update_is_charged_for_what_it_adds(ask: Asker) -> None:
    await a_quota(ask, hard={"services": "5", "services.nodeports": "2"})
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]},
    }
    assert (await ask("POST", SERVICES, body)).status == 201
    told = await ask("PATCH", f"{SERVICES}/web", {"spec": {"type": "NodePort"}}, content_type=MERGE)
    assert told.status == 200, told.body
    used = (await ask("GET", f"{QUOTAS}/q")).body["status"]["used"]
    assert used["services.nodeports"] == "2"
    ports = {"spec": {"ports": [{"name": name, "port": port} for name, port in zip("abc", (80, 81, 82), strict=True)]}}
    refused = await ask("PATCH", f"{SERVICES}/web", ports, content_type=MERGE)
    assert refused.message == (
        'services "web" is forbidden: exceeded quota: q, requested: services.nodeports=1, '
        "used: services.nodeports=2, limited: services.nodeports=2"
    )
    await ask("PATCH", f"{SERVICES}/web", {"spec": {"type": "ClusterIP"}}, content_type=MERGE)
    await until(ask, lambda status: status["used"]["services.nodeports"] == "0")


@pytest.mark.usefixtures("counting")
async def test_scopes_choose_the_pods(ask: Asker) -> None:
    await a_quota(ask, "best", hard={"pods": "5"}, scopes=["BestEffort"])
    await a_quota(ask, "ending", hard={"pods": "5"}, scopes=["Terminating", "NotBestEffort"])
    ending = asking("ending", requests={"cpu": "1m"})
    ending["spec"]["activeDeadlineSeconds"] = 60
    for one in (pod("best"), ending, asking("other", requests={"cpu": "1m"})):
        assert (await ask("POST", PODS, one)).status == 201
    for name in ("best", "ending"):
        assert (await ask("GET", f"{QUOTAS}/{name}")).body["status"]["used"] == {"pods": "1"}


WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def widget(name: str) -> Document:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}}


@pytest.mark.usefixtures("counting")
async def test_custom_resources_are_counted(ask: Asker) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    made = await ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    assert made.status == 201, made.body
    for _ in range(200):
        if (await ask("POST", WIDGETS, widget("a"))).status == 201:
            break
        await asyncio.sleep(0.02)
    await a_quota(ask, hard={"count/widgets.example.com": "2"})
    await until(ask, lambda status: status.get("used") == {"count/widgets.example.com": "1"})
    assert (await ask("POST", WIDGETS, widget("b"))).status == 201
    refused = await ask("POST", WIDGETS, widget("c"))
    assert refused.message == (
        'widgets.example.com "c" is forbidden: exceeded quota: q, requested: count/widgets.example.com=1, '
        "used: count/widgets.example.com=2, limited: count/widgets.example.com=2"
    )
    await ask("DELETE", f"{WIDGETS}/a")
    await until(ask, lambda status: status["used"] == {"count/widgets.example.com": "1"})
