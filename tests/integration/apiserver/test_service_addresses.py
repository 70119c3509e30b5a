"""The addresses of Services as objects, and the range they are from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.integration.apiserver.conftest import Asker, Document

SERVICES = "/api/v1/namespaces/default/services"
ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"
CIDRS = "/apis/networking.k8s.io/v1/servicecidrs"
MERGE = "application/merge-patch+json"

_TURNS = 2000  # of the event loop, which is all that passes before an address follows


async def eventually(found: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(_TURNS):
        if result := await found():
            return result
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


def service(name: str = "web", **spec: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], **spec},
    }


async def test_addresses_come_and_go_with_services(ask: Asker) -> None:
    made = await ask("POST", SERVICES, service())
    address = made.body["spec"]["clusterIP"]

    async def shown() -> Document | None:
        told = await ask("GET", f"{ADDRESSES}/{address}")
        return told.body if told.status == 200 else None

    async def missing() -> bool:
        return await shown() is None

    found = await eventually(shown)
    assert found["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "web"}
    assert found["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    await ask("DELETE", f"{ADDRESSES}/{address}")

    async def back() -> bool:
        again = await shown()
        return again is not None and again["metadata"]["uid"] != found["metadata"]["uid"]

    await eventually(back)  # it is still in use
    await ask("DELETE", f"{SERVICES}/web")
    await eventually(missing)


async def test_the_address_of_the_api_is_one_of_them(ask: Asker) -> None:
    async def shown() -> bool:
        told = await ask("GET", f"{ADDRESSES}/10.96.0.1")
        return told.status == 200 and told.body["spec"]["parentRef"]["name"] == "kubernetes"

    await eventually(shown)


async def test_an_address_that_somebody_else_keeps_is_not_given(ask: Asker) -> None:
    kept = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": "10.96.0.77"},
        "spec": {"parentRef": {"group": "example.com", "resource": "appliances", "name": "printer"}},
    }
    assert (await ask("POST", ADDRESSES, kept)).status == 201

    async def refused() -> bool:
        told = await ask("POST", SERVICES, service(clusterIP="10.96.0.77"), dryRun="All")
        return told.status == 422 and "provided IP is already allocated" in told.message

    await eventually(refused)
    assert (await ask("GET", f"{ADDRESSES}/10.96.0.77")).status == 200  # nobody took it away
    await ask("DELETE", f"{ADDRESSES}/10.96.0.77")

    async def given() -> bool:
        return (await ask("POST", SERVICES, service(clusterIP="10.96.0.77"), dryRun="All")).status == 201

    await eventually(given)


async def test_the_range_is_shown_and_ready(ask: Asker) -> None:
    found = (await ask("GET", f"{CIDRS}/kubernetes")).body
    assert found["spec"]["cidrs"] == ["10.96.0.0/12"]
    (condition,) = found["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Ready", "True")
    manager = next(one for one in found["metadata"]["managedFields"] if one["operation"] == "Apply")
    assert (manager["manager"], manager["subresource"]) == ("kubernetes-service-cidr-controller", "status")
    status = {"status": {"conditions": []}}
    assert (await ask("PATCH", f"{CIDRS}/kubernetes", status, content_type=MERGE)).status == 200
    assert (await ask("GET", f"{CIDRS}/kubernetes")).body["status"]["conditions"]  # not by this door
