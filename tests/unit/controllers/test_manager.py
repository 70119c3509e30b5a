"""Which controllers run, as whom, and that none stops silently; the small parts they share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from controlplane.api.core_v1 import ConfigMap, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import Unauthorized
from controlplane.client.client import Client
from controlplane.client.lister import Lister
from controlplane.controllers import manager
from controlplane.controllers.accounts import AccountToken, AccountTransport
from controlplane.controllers.batches import Outcome, slow_start
from controlplane.controllers.expectations import Expectations
from controlplane.controllers.selection import ALIASES, UnknownController, missing, select
from controlplane.controllers.written import Written
from controlplane.kit.clock import ManualClock
from tests.unit.controllers.world import World

KNOWN = ["deployment-controller", "namespace-controller", "token-cleaner-controller"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(["*"], KNOWN[:2], id="all but those off by default"),
        pytest.param(["*", "tokencleaner"], KNOWN, id="and one of those"),
        pytest.param(["*", "-deployment"], KNOWN[1:2], id="but for one, by its old name"),
        pytest.param(["*", "-namespace-controller"], KNOWN[:1], id="or its new name"),
        pytest.param(["deployment"], KNOWN[:1], id="only one"),
        pytest.param(["-deployment", "deployment", "*"], KNOWN[1:2], id="the first mention counts"),
        pytest.param(["*", "-cronjob", "statefulset"], KNOWN[:2], id="names of what is not here are known"),
        pytest.param([], [], id="none"),
    ],
)
def test_select(wanted: Sequence[str], expected: list[str]) -> None:
    assert select(wanted, KNOWN) == expected


def test_a_misspelt_controller_is_refused() -> None:
    with pytest.raises(UnknownController, match="deploymnet"):
        select(["*", "-deploymnet"], KNOWN)


def test_what_is_asked_for_and_not_here_is_told() -> None:
    assert missing(["*", "cronjob", "-job"]) == ["cronjob"]


def test_every_controller_has_both_its_names() -> None:
    assert set(manager.CONTROLLERS) == set(ALIASES)


async def test_all_controllers_run_together_and_idle_quietly() -> None:
    world = World()
    controllers = manager.make(world.environment, manager.Settings(root_ca="PEM"))
    async with asyncio.timeout(20):
        running = asyncio.create_task(manager.run(world.environment, controllers))
        await world.settle(60)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert world.api.writes() == []


class Ends:
    async def run(self) -> None:
        return


class Fails:
    async def run(self) -> None:
        raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("controller", "failure"),
    [pytest.param(Ends(), manager.ControllerStopped, id="returns"), pytest.param(Fails(), RuntimeError, id="fails")],
)
async def test_a_controller_that_ends_takes_the_process_with_it(
    controller: manager.Controller, failure: type[Exception]
) -> None:
    world = World()
    with pytest.raises(ExceptionGroup) as raised:
        await manager.run(world.environment, {"deployment-controller": controller})
    assert isinstance(raised.value.exceptions[0], failure)


# Service accounts


async def test_a_controller_speaks_as_its_account_and_the_token_is_renewed_in_time() -> None:
    world = World()
    token = AccountToken(world.client, world.clock, "deployment-controller")
    client = Client(AccountTransport(world.api, token))
    for _ in range(3):
        await client.list(ConfigMap)
    assert [one.metadata.name for one in world.api.list(ServiceAccount)] == ["deployment-controller"]
    assert token_requests(world) == 2  # the first found no account
    await world.clock.advance(3600)
    await client.list(ConfigMap)
    assert token_requests(world) == 3


async def test_a_token_the_server_does_not_take_is_replaced_once() -> None:
    world = World()
    world.api.add(ServiceAccount(metadata=ObjectMeta(name="a", namespace="kube-system")))
    client = Client(AccountTransport(world.api, AccountToken(world.client, world.clock, "a")))
    world.api.fail(Unauthorized("no"), path="/configmaps")
    await client.list(ConfigMap)
    assert token_requests(world) == 2
    world.api.fail(Unauthorized("no"), path="/configmaps", times=2)
    with pytest.raises(Unauthorized):
        await client.list(ConfigMap)


def token_requests(world: World) -> int:
    return sum(asked.path.endswith("/token") for asked in world.api.requests)


# Shared parts


@pytest.mark.parametrize(
    ("count", "works", "tried", "skipped"),
    [
        pytest.param(0, 9, 0, 0, id="nothing to do"),
        pytest.param(10, 99, 10, 0, id="all succeed"),
        pytest.param(500, 0, 1, 499, id="the first is refused, so only one is tried"),
        pytest.param(500, 2, 3, 497, id="refused in the second batch"),
    ],
)
async def test_slow_start(count: int, works: int, tried: int, skipped: int) -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        if attempts > works:
            raise ValueError("quota")

    outcome = await slow_start(count, attempt)
    assert (attempts, outcome.skipped, outcome.succeeded) == (tried, skipped, min(tried, works))
    assert (outcome.failure is None) == (tried <= works)
    assert isinstance(outcome, Outcome)


async def test_expectations_are_met_or_given_up() -> None:
    clock = ManualClock()
    expectations: Expectations[str] = Expectations(clock)
    expectations.expect_creations("web", 2)
    expectations.creation_observed("web")
    assert not expectations.satisfied("web")
    expectations.creation_observed("web")
    assert expectations.satisfied("web")
    expectations.expect_deletions("web", ["a", "b"])
    for uid in ("a", "a"):
        expectations.deletion_observed("web", uid)
    assert not expectations.satisfied("web")
    await clock.advance(301)
    assert expectations.satisfied("web")


def a_version(version: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="a", namespace="default", uid="u", resource_version=version))


async def test_our_own_writes_are_no_news_unless_somebody_waits_for_them() -> None:
    clock, lister = ManualClock(), Lister[ConfigMap]()
    written: Written[str] = Written(lister, clock)
    written.record("work", a_version("7"))
    assert not written.is_news("work", a_version("7"))
    assert written.is_news("work", a_version("8"))
    lister.put(a_version("6"))
    assert written.unseen("work")
    assert written.is_news("work", a_version("7"))
    lister.put(a_version("7"))
    assert not written.unseen("work")

    written.deleted("work", a_version("7"))
    assert written.unseen("work")
    await clock.advance(31)
    assert not written.unseen("work")
