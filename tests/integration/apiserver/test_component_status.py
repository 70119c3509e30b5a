"""How the components are: asked of themselves when somebody asks the API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from controlplane.apiserver.component_health import Health, probe_https
from controlplane.testing import memory_api
from controlplane.testing.memory import default_settings
from tests.integration.apiserver.conftest import Asker

PATH = "/api/v1/componentstatuses"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def only_the_scheduler(url: str) -> Health:
    return Health(True, "ok") if url == "https://127.0.0.1:10259/healthz" else Health(False, "gone")


@pytest.fixture
async def asking() -> AsyncIterator[Asker]:
    async with memory_api(settings=replace(default_settings(), probe=only_the_scheduler)) as api:
        yield Asker(api)


async def test_all_of_them(asking: Asker) -> None:
    told = await asking("GET", PATH)
    assert told.headers["Warning"] == '299 - "v1 ComponentStatus is deprecated in v1.19+"'
    assert {one["metadata"]["name"]: one["conditions"] for one in told.body["items"]} == {
        "controller-manager": [{"type": "Healthy", "status": "False", "message": "gone"}],
        "scheduler": [{"type": "Healthy", "status": "True", "message": "ok"}],
        "etcd-0": [{"type": "Healthy", "status": "True", "message": "ok"}],
    }


async def test_one_of_them(asking: Asker) -> None:
    assert (await asking("GET", f"{PATH}/scheduler")).body["metadata"]["name"] == "scheduler"
    assert (await asking("GET", f"{PATH}/kubelet")).status == 404
    assert (await asking("DELETE", f"{PATH}/scheduler")).status == 405
    shown = (await asking("GET", PATH, accept=TABLE, fieldSelector="metadata.name=scheduler")).body
    assert [row["cells"] for row in shown["rows"]] == [["scheduler", "Healthy", "ok", ""]]


async def test_nobody_there() -> None:
    health = await probe_https("https://127.0.0.1:1/healthz")
    assert health == Health(
        False, 'Get "https://127.0.0.1:1/healthz": dial tcp 127.0.0.1:1: connect: connection refused'
    )
