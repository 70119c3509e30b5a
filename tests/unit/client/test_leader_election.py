"""One leads, the others wait; nobody leads without having renewed in time."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from controlplane.api.coordination_v1 import Lease
from controlplane.client.client import Client
from controlplane.client.leader_election import LeaderElector, LeadershipLost
from controlplane.client.transport import Response
from controlplane.kit.clock import ManualClock
from tests.fakes.api import FakeApi


class Candidate:
    def __init__(self, api: FakeApi, clock: ManualClock, identity: str):
        self.leads = False
        self._elector = LeaderElector(Client(api), clock, Random(1), name="l", identity=identity)
        self.task = asyncio.ensure_future(self._elector.run(self._lead))

    async def _lead(self) -> None:
        self.leads = True
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def lease(api: FakeApi) -> tuple[str, int | None]:
    found = api.get(Lease, "l", "kube-system")
    assert found is not None
    return found.spec.holder_identity, found.spec.lease_transitions


async def test_first_leads_second_waits_and_takes_over_when_given_back() -> None:
    clock = ManualClock()
    api = FakeApi(clock)
    first = Candidate(api, clock, "a")
    await clock.advance(1)
    second = Candidate(api, clock, "b")
    await clock.advance(60)
    assert (first.leads, second.leads) == (True, False)
    assert lease(api) == ("a", 0)
    await first.stop()
    assert lease(api) == ("", 0)
    await clock.advance(3)  # no need to wait for the lease to run out
    assert second.leads and lease(api) == ("b", 1)
    await second.stop()


async def test_silent_holder_is_replaced_after_the_lease_ran_out() -> None:
    clock = ManualClock()
    api = FakeApi(clock)
    first = Candidate(api, clock, "a")
    await clock.advance(1)
    first.task.cancel()
    api.unreachable = True  # it dies without giving back
    await asyncio.gather(first.task, return_exceptions=True)
    api.unreachable = False
    second = Candidate(api, clock, "b")
    await clock.advance(14)
    assert not second.leads
    await clock.advance(4)
    assert second.leads
    await second.stop()


async def test_leader_that_cannot_renew_stops_before_another_may_lead() -> None:
    clock = ManualClock()
    api = FakeApi(clock)
    first = Candidate(api, clock, "a")
    await clock.advance(1)
    api.unreachable = True
    await clock.advance(12)
    assert not first.leads
    with pytest.raises(LeadershipLost, match="not renewed in time"):
        await first.task
    assert lease(api) == ("a", 0)


class SilentApi(FakeApi):
    """Takes requests and does not answer them while it is silent, as a machine does that lost its network."""

    silent = False

    async def request(self, *args: Any, **options: Any) -> Response:
        if self.silent:
            await asyncio.Event().wait()
        return await super().request(*args, **options)


async def test_a_request_that_is_lost_is_not_waited_for_until_it_is_too_late() -> None:
    clock = ManualClock()
    api = SilentApi(clock)
    first = Candidate(api, clock, "a")
    await clock.advance(1)
    api.silent = True
    await clock.advance(3)
    api.silent = False  # but what was asked meanwhile is never answered
    await clock.advance(12)
    assert first.leads
    api.silent = True
    await clock.advance(13)
    assert not first.leads
    with pytest.raises(LeadershipLost, match="not renewed in time"):
        await first.task


async def test_failure_of_what_leads_comes_out() -> None:
    clock = ManualClock()
    api = FakeApi(clock)

    async def broken() -> None:
        raise ValueError("a bug")

    elector = LeaderElector(Client(api), clock, Random(1), name="l", identity="a")
    with pytest.raises(ExceptionGroup) as caught:
        await elector.run(broken)
    assert caught.group_contains(ValueError, match="a bug")
    assert lease(api)[0] == ""


async def test_lost_server_is_told_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="controlplane.client.leader_election")
    clock = ManualClock()
    api = FakeApi(clock)
    api.unreachable = True
    candidate = Candidate(api, clock, "a")
    await clock.advance(20)
    api.unreachable = False
    await clock.advance(5)
    assert [record.levelname for record in caplog.records if "lost" in record.message] == ["WARNING"]
    assert sum("recovered" in record.message for record in caplog.records) == 1
    await candidate.stop()
