"""Single objects watched for as long as a pod uses them, and tokens replaced in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from controlplane.api.core_v1 import ConfigMap, Pod, PodSpec
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.volumes.objects import Objects, ObjectsUnavailable, Reference
from nodeagent.volumes.tokens import Tokens, refresh_at
from tests.fakes.api import FakeApi

_REFERENCE = Reference(ConfigMap, "d", "m")


def _map(text: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="m", namespace="d"), data={"k": text})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def api(clock: ManualClock) -> FakeApi:
    return FakeApi(clock)


@pytest.fixture
async def objects(api: FakeApi, clock: ManualClock) -> AsyncIterator[Objects]:
    made = Objects(Client(api), clock)
    async with running(made.run()):
        await asyncio.sleep(0)
        yield made


async def _settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_changes_are_told_and_read(api: FakeApi, objects: Objects) -> None:
    changes: list[str] = []
    objects.use("pod", [_REFERENCE], lambda: changes.append("changed"))
    assert await objects.get(_REFERENCE) is None
    api.add(_map("one"))
    await _settle()
    found = await objects.get(_REFERENCE)
    assert found is not None and found.data == {"k": "one"}
    api.remove(ConfigMap, "m", "d")
    await _settle()
    assert await objects.get(_REFERENCE) is None
    assert changes == ["changed", "changed"]


async def test_only_the_named_object_is_asked_for(api: FakeApi, objects: Objects) -> None:
    objects.use("pod", [_REFERENCE], lambda: None)
    await objects.get(_REFERENCE)
    await _settle()
    assert {asked.query.get("fieldSelector") for asked in api.requests} == {"metadata.name=m"}


async def test_the_last_user_ends_the_watch(api: FakeApi, objects: Objects) -> None:
    for user in ("one", "two"):
        objects.use(user, [_REFERENCE], lambda: None)
    await objects.get(_REFERENCE)
    await _settle()
    assert api.watching == 1
    objects.release("one")
    await _settle()
    assert api.watching == 1
    objects.release("two")
    await _settle()
    assert api.watching == 0


async def test_an_unreachable_api_is_said_after_a_while(api: FakeApi, objects: Objects, clock: ManualClock) -> None:
    from controlplane.client.transport import Unreachable

    api.fail(Unreachable("no route"), times=100)
    objects.use("pod", [_REFERENCE], lambda: None)
    asking = asyncio.create_task(objects.get(_REFERENCE, patience=5))
    await clock.advance(6)
    with pytest.raises(ObjectsUnavailable, match="no route"):
        await asking


async def test_a_lost_watch_catches_up(api: FakeApi, objects: Objects, clock: ManualClock) -> None:
    api.add(_map("one"))
    objects.use("pod", [_REFERENCE], lambda: None)
    await objects.get(_REFERENCE)
    await _settle()
    api.break_watches()
    api.update(_map("two"))
    await clock.advance(2)
    await _settle()
    found = await objects.get(_REFERENCE)
    assert found is not None and found.data == {"k": "two"}


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        pytest.param(timedelta(hours=1), timedelta(minutes=48), id="at 80 % of its life"),
        pytest.param(timedelta(days=365), timedelta(hours=24), id="after a day at the latest"),
    ],
)
def test_when_a_token_is_replaced(clock: ManualClock, life: timedelta, expected: timedelta) -> None:
    assert refresh_at(clock.now(), clock.now() + life) == clock.now() + expected


async def test_a_token_is_minted_once_until_it_is_time(api: FakeApi, clock: ManualClock) -> None:
    tokens = Tokens(Client(api), clock)
    from controlplane.api.core_v1 import ServiceAccount

    api.add(ServiceAccount(metadata=ObjectMeta(name="default", namespace="d")))
    pod = Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u"), spec=PodSpec())
    first = await tokens.get(pod, "aud", 600)
    assert first.text == "token-of-default"
    asked = api.writes()[-1]
    assert asked.body["spec"] == {
        "audiences": ["aud"],
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"},
        "expirationSeconds": 600,
    }
