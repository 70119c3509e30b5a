"""The machine goes down: who is ended when, and what becomes of the lock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.kernel.dbus import BusFailure
from nodeagent.node.shutdown import CRITICAL, Round, Shutdown, plan_rounds


@pytest.mark.parametrize(
    ("total", "critical", "rounds"),
    [
        pytest.param(0, 0, (), id="not at all"),
        pytest.param(30, 0, (Round(0, 30),), id="all at once"),
        pytest.param(30, 10, (Round(0, 20), Round(CRITICAL, 10)), id="critical ones last"),
        pytest.param(10, 10, (Round(CRITICAL, 10),), id="everybody in the time of the critical ones"),
    ],
)
def test_plan_rounds(total: float, critical: float, rounds: tuple[Round, ...]) -> None:
    assert plan_rounds(total, critical) == rounds


@dataclass
class _World:
    """logind, pods and the node's status: what was done, in order."""

    longest: float = 5
    done: list[str] = field(default_factory=list)
    changes: asyncio.Queue[bool] = field(default_factory=asyncio.Queue)
    reachable: bool = True

    async def connect(self) -> _World:
        if not self.reachable:
            raise BusFailure("no bus")
        return self

    async def longest_delay(self) -> float:
        return self.longest

    async def allow_delay(self, seconds: float) -> None:
        self.longest = seconds
        self.done.append(f"allow {seconds:g}")

    async def hold(self) -> None:
        self.done.append("hold")

    def release(self) -> None:
        self.done.append("release")

    async def next_change(self) -> bool:
        return await self.changes.get()

    def close(self) -> None:
        self.done.append("close")

    def take_no_more(self, reason: str, message: str) -> None:
        self.done.append(f"refuse {reason}")

    def take_again(self) -> None:
        self.done.append("take again")

    async def shut_down(self, seconds: float, *, below: int | None = None) -> None:
        self.done.append(f"end below {below} in {seconds:g}")

    async def announce(self) -> None:
        self.done.append("announce")


async def test_ordinary_pods_end_before_critical_ones_and_the_machine_last() -> None:
    world, clock = _World(), ManualClock()
    shutdown = Shutdown(plan_rounds(30, 10), world.connect, world, world.announce, clock)
    async with running(shutdown.run()):
        await clock.advance(1)
        assert world.done == ["allow 30", "hold"]
        world.changes.put_nowait(True)
        await clock.advance(0)
        assert shutdown.under_way
        ends = [f"end below {CRITICAL} in 20", "end below None in 10"]
        assert world.done[2:] == ["refuse NodeShutdown", "announce", *ends, "release"]
        world.changes.put_nowait(False)
        await clock.advance(0)
        assert world.done[-2:] == ["take again", "hold"] and not shutdown.under_way


async def test_without_logind_it_is_tried_again() -> None:
    world, clock = _World(longest=60, reachable=False), ManualClock()
    async with running(Shutdown(plan_rounds(30, 0), world.connect, world, world.announce, clock).run()):
        await clock.advance(10)
        assert world.done == []
        world.reachable = True
        await clock.advance(30)
        assert world.done == ["hold"]
