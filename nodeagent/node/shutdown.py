"""Lets pods end before their machine does: ordinary ones first, critical ones at last.

logind says that the machine goes down ──► no new pods, the node is not ready
    ──► each round: end its pods, for at most its time ──► let the machine go
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from controlplane.kit.clock import Clock
from nodeagent.kernel.dbus import BusFailure

log = logging.getLogger(__name__)

CRITICAL = 2_000_000_000  # the priority from which pods are ended last
MESSAGE = "node is shutting down"
_AGAIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Round:
    """The pods of at least this priority, and below the next round's, have so many seconds."""

    priority: int
    seconds: float


def plan_rounds(total: float, critical: float) -> tuple[Round, ...]:
    """Divide the grace period of a shutdown, of which `critical` seconds are for critical pods; () is none at all."""
    rounds = (Round(0, total - critical), Round(CRITICAL, critical))
    return tuple(one for one in rounds if one.seconds > 0)


class Door(Protocol):
    """What there has to be of logind."""

    async def longest_delay(self) -> float: ...
    async def allow_delay(self, seconds: float) -> None: ...
    async def hold(self) -> None: ...
    def release(self) -> None: ...
    async def next_change(self) -> bool: ...
    def close(self) -> None: ...


class Pods(Protocol):
    """What there has to be of the node's pods."""

    def take_no_more(self, reason: str, message: str) -> None: ...
    def take_again(self) -> None: ...
    async def shut_down(self, seconds: float, *, below: int | None = None) -> None: ...


class Shutdown:
    """Waits for the machine to go down, and sees its pods off."""

    def __init__(
        self,
        rounds: Sequence[Round],
        connect: Callable[[], Awaitable[Door]],
        pods: Pods,
        announce: Callable[[], Awaitable[None]],  # writes the node's status
        clock: Clock,
    ):
        self._rounds, self._connect, self._pods, self._announce, self._clock = rounds, connect, pods, announce, clock
        self.under_way = False

    async def run(self) -> None:
        """Work until cancelled. Without logind a shutdown waits for nobody: that is said, and tried again."""
        failing = False
        while True:
            try:
                door = await self._connect()
                try:
                    await self._allow(door)
                    await door.hold()
                    failing = False
                    while True:
                        await self._changed(door, going_down=await door.next_change())
                finally:
                    door.close()
            except (BusFailure, OSError) as error:
                if not failing:
                    log.warning("a shutdown of this machine will not wait for its pods, trying on: %s", error)
                failing = True
            await self._clock.sleep(_AGAIN_SECONDS)

    async def _allow(self, door: Door) -> None:
        wanted = sum(one.seconds for one in self._rounds)
        if await door.longest_delay() >= wanted:
            return
        await door.allow_delay(wanted)
        await self._clock.sleep(1)  # it reads its configuration in its own time
        allowed = await door.longest_delay()
        if allowed < wanted:
            log.warning(
                "logind delays a shutdown for %g s at most, not for the %g s that are configured", allowed, wanted
            )

    async def _changed(self, door: Door, *, going_down: bool) -> None:
        self.under_way = going_down
        if not going_down:
            log.info("the shutdown was called off")
            self._pods.take_again()
            await door.hold()
            return
        log.info("the machine goes down: ending its pods")
        self._pods.take_no_more("NodeShutdown", "Pod was rejected as the node is shutting down.")
        await self._announce()
        for one, following in zip(self._rounds, [*self._rounds[1:], None], strict=True):
            await self._pods.shut_down(one.seconds, below=following.priority if following else None)
        door.release()
