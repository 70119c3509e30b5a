"""Asks nodes for /metrics/resource while somebody asks us, and remembers the last two readings of each.

The first question of all is answered after two readings, two seconds apart. metrics-server, which scrapes whether or
not somebody asks, says in that state that it has nothing yet; here, where nothing is scraped until somebody asks, the
first caller would always get that, and every caller who comes once in a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from controlplane.apiserver.node_dialer import NodeAddress, NodeDialer, NodeUnreachable
from controlplane.apiserver.usage.exposition import Malformed, Reading, parse
from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

FRESH = 15.0  # seconds for which an answer is good: metrics-server's --metric-resolution
LONGEST_WINDOW = 60.0  # seconds over which an average still says what is used now
FIRST_WINDOW = 2.0  # seconds between the two readings of somebody's first question; agents may remember one for 1 s
_ANSWER = 10.0  # seconds for a node to answer: metrics-server's --kubelet-request-timeout
_FORGET = 600.0  # seconds after which nobody asks about a node any more
_AT_ONCE = 64  # nodes
_LONGEST_PAGE = 32 * 1024 * 1024  # bytes

Pair = tuple[Reading, Reading]
"""The earlier reading and the later one."""


class Step(Enum):
    """What a question needs of a node."""

    NOTHING = "what is there is the answer"
    ONE = "another reading"
    SECOND = "another reading, a little later: whoever asked before gave up after the first one"
    TWO = "two readings"


@dataclass(slots=True)
class _Followed:
    """What is remembered of a node; `asked` is when it was last read or did not answer, on the monotonic clock."""

    asked: float = float("-inf")
    earlier: Reading | None = None
    later: Reading | None = None
    failing: bool = False
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def readings(self) -> int:
        return (self.earlier is not None) + (self.later is not None)


def plan(age: float, readings: int) -> Step:
    """Decide how often to read a node that was last looked at `age` seconds ago, and of which there are `readings`.

    There are none if it did not answer then.
    """
    if readings == 1 and age < FIRST_WINDOW:
        return Step.SECOND
    if readings != 1 and age < FRESH:
        return Step.NOTHING
    return Step.ONE if readings and age <= LONGEST_WINDOW else Step.TWO


class NodeScraper:
    """Readings of nodes, by name."""

    def __init__(self, nodes: NodeDialer, clock: Clock):
        self._nodes, self._clock = nodes, clock
        self._followed: dict[str, _Followed] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def readings(self, nodes: Mapping[str, NodeAddress]) -> Mapping[str, Pair]:
        """Return two readings of each node that answers, made now or a moment ago."""
        self._forget()
        found = await asyncio.gather(*(self._pair(name, address) for name, address in nodes.items()))
        return {name: pair for name, pair in zip(nodes, found, strict=True) if pair is not None}

    def _forget(self) -> None:
        before = self._clock.monotonic() - _FORGET
        gone = [name for name, one in self._followed.items() if one.asked < before and not one.reading.locked()]
        for name in gone:
            del self._followed[name]

    async def _pair(self, name: str, address: NodeAddress) -> Pair | None:
        one = self._followed.setdefault(name, _Followed())
        async with one.reading:  # whoever asks meanwhile is answered with the same readings
            step = plan(self._clock.monotonic() - one.asked, one.readings)
            if step in (Step.ONE, Step.TWO):
                await self._read(name, address, one)
            if step is Step.SECOND or (step is Step.TWO and one.later is not None):
                await self._clock.sleep(FIRST_WINDOW)
                await self._read(name, address, one)
            return (one.earlier, one.later) if one.earlier is not None and one.later is not None else None

    async def _read(self, name: str, address: NodeAddress, one: _Followed) -> None:
        """Take in a new reading; a node that does not answer is forgotten until somebody asks again."""
        try:
            async with self._turn, asyncio.timeout(_ANSWER):
                reading = await self._scrape(address)
        except (NodeUnreachable, Malformed, TimeoutError) as error:
            if not one.failing:
                _log.warning("node %s tells nothing of what it uses: %s", name, error or "timed out")
            one.earlier, one.later, one.failing = None, None, True
        else:
            if one.failing:
                _log.info("node %s tells what it uses again", name)
            one.earlier, one.later, one.failing = one.later, reading, False
        one.asked = self._clock.monotonic()

    async def _scrape(self, address: NodeAddress) -> Reading:
        request = self._nodes.request("GET", address, "/metrics/resource", headers={"Accept": "text/plain"})
        async with request as answer:
            body = bytearray()
            async for chunk in answer.chunks:
                body += chunk
                if len(body) > _LONGEST_PAGE:
                    raise Malformed("the page does not end")
            if answer.status != 200:
                raise Malformed(f"it answers {answer.status}: {bytes(body[:200]).decode(errors='replace').strip()}")
        return parse(body.decode(errors="replace"), self._clock.now().timestamp())
