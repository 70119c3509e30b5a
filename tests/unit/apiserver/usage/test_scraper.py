"""When nodes are read: while somebody asks, once for all who ask, and not again at once where nobody answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from controlplane.apiserver.messages import WebSocket
from controlplane.apiserver.node_dialer import NodeAddress, NodeAnswer, NodeUnreachable
from controlplane.apiserver.usage.scraper import FIRST_WINDOW, NodeScraper
from controlplane.kit.clock import ManualClock

NODES = {"n1": NodeAddress("10.0.0.1", 10250)}


@dataclass
class FakeNodes:
    """Nodes that count how often they are asked; `body` and `status` are what they answer, None not at all."""

    clock: ManualClock
    asked: int = 0
    status: int = 200
    body: str | None = ""
    tls: ssl.SSLContext | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def request(
        self, method: str, address: NodeAddress, target: str, *, body: bytes = b"", headers: Mapping[str, str]
    ) -> AsyncIterator[NodeAnswer]:
        assert (method, target) == ("GET", "/metrics/resource")
        self.asked += 1
        if self.body is None:
            raise NodeUnreachable("connection refused")
        text = self.body or f"node_cpu_usage_seconds_total {self.asked}\nnode_memory_working_set_bytes 5\n"
        yield NodeAnswer(self.status, {}, _chunks(text))

    async def websocket(self, address: NodeAddress, target: str, protocols: Sequence[str]) -> tuple[str, WebSocket]:
        raise AssertionError("nobody asks for that")


async def _chunks(text: str) -> AsyncIterator[bytes]:
    yield text[:10].encode()
    yield text[10:].encode()


@pytest.fixture
def nodes() -> FakeNodes:
    return FakeNodes(ManualClock())


async def ask(scraper: NodeScraper, clock: ManualClock) -> set[str]:
    """Return which nodes there are figures of."""
    asking = asyncio.create_task(scraper.readings(NODES))
    await clock.advance(FIRST_WINDOW)
    return set(await asking)


async def test_two_readings_for_the_first_question_then_one_for_each(nodes: FakeNodes) -> None:
    scraper, clock = NodeScraper(nodes, nodes.clock), nodes.clock
    asked = []
    for pause in (0, 5, 15, 15, 300):
        await clock.advance(pause)
        assert await ask(scraper, clock) == {"n1"}
        asked.append(nodes.asked)
    assert asked == [2, 2, 3, 4, 6]


async def test_whoever_asks_meanwhile_is_answered_with_the_same_readings(nodes: FakeNodes) -> None:
    scraper = NodeScraper(nodes, nodes.clock)
    asking = [asyncio.create_task(scraper.readings(NODES)) for _ in range(5)]
    await nodes.clock.advance(FIRST_WINDOW)
    found = await asyncio.gather(*asking)
    assert nodes.asked == 2
    assert all(one == found[0] and one for one in found)


async def test_who_gives_up_takes_nothing_away_from_the_others(nodes: FakeNodes) -> None:
    scraper = NodeScraper(nodes, nodes.clock)
    first, second = (asyncio.create_task(scraper.readings(NODES)) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await nodes.clock.advance(FIRST_WINDOW)
    await nodes.clock.advance(FIRST_WINDOW)
    assert set(await second) == {"n1"}
    assert nodes.asked == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, None, id="it does not answer"),
        pytest.param(503, "containerd is down", id="it is ill"),
        pytest.param(200, "<html>", id="it is something else"),
    ],
)
async def test_a_node_without_figures_is_left_out_until_it_has_some(
    nodes: FakeNodes, status: int, body: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    scraper, clock = NodeScraper(nodes, nodes.clock), nodes.clock
    nodes.status, nodes.body = status, body
    assert await ask(scraper, clock) == set()
    assert await ask(scraper, clock) == set()
    assert nodes.asked == 1  # nobody waits for it again so soon
    await clock.advance(15)
    assert await ask(scraper, clock) == set()
    assert [one.levelname for one in caplog.records] == ["WARNING"]  # lost is said once
    nodes.status, nodes.body = 200, ""
    await clock.advance(15)
    assert await ask(scraper, clock) == {"n1"}


async def test_nodes_nobody_asks_about_are_forgotten(nodes: FakeNodes) -> None:
    scraper, clock = NodeScraper(nodes, nodes.clock), nodes.clock
    await ask(scraper, clock)
    await clock.advance(601)
    assert await scraper.readings({}) == {}
    assert scraper._followed == {}
