"""Blocking calls by key: in turn under one key, side by side under several, and none that hangs holds others up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from controlplane.kit.clock import ManualClock
from nodeagent.kernel.thread import KeyedThreads
from tests.waiting import until


class Server:
    """Answers calls once it is told to."""

    def __init__(self) -> None:
        self.answers, self.asked = threading.Event(), 0

    def call(self) -> str:
        self.asked += 1
        self.answers.wait(30)
        return "answer"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.answers.set()


async def test_a_call_returns_or_raises() -> None:
    threads = KeyedThreads(ManualClock())
    assert await threads.run("pod", lambda text: f"got {text}", "it") == "got it"
    with pytest.raises(ZeroDivisionError):
        await threads.run("pod", lambda: 1 // 0)
    assert await threads.run("pod", lambda: "still works") == "still works"


async def test_calls_under_one_key_wait_for_each_other(server: Server) -> None:
    threads = KeyedThreads(ManualClock())
    calls = [asyncio.create_task(threads.run("pod", server.call)) for _ in range(2)]
    await until(lambda: server.asked)
    assert await threads.run("another", lambda: server.asked) == 1
    server.answers.set()
    assert await asyncio.gather(*calls) == ["answer", "answer"]


async def test_only_so_many_run_at_once_until_one_hangs(server: Server) -> None:
    clock = ManualClock()
    threads = KeyedThreads(clock, at_once=1, patience=10)
    hung = asyncio.create_task(threads.run("hung", server.call))
    await until(lambda: server.asked)
    other = asyncio.create_task(threads.run("other", lambda: "done"))
    await clock.advance(9)
    assert not other.done()
    await clock.advance(2)
    assert await other == "done"
    assert not hung.done()
    server.answers.set()
    assert await hung == "answer"


async def test_a_call_that_was_given_up_keeps_its_key(server: Server) -> None:
    threads = KeyedThreads(ManualClock(), at_once=1)
    given_up = asyncio.create_task(threads.run("pod", server.call))
    await until(lambda: server.asked)
    given_up.cancel()
    next_one = asyncio.create_task(threads.run("pod", lambda: "after it"))
    assert await threads.run("other", lambda: "its place is free") == "its place is free"
    assert not next_one.done()
    server.answers.set()
    assert await next_one == "after it"


async def test_who_gives_up_waiting_leaves_the_queue(server: Server) -> None:
    threads = KeyedThreads(ManualClock())
    first = asyncio.create_task(threads.run("pod", server.call))
    await until(lambda: server.asked)
    second = asyncio.create_task(threads.run("pod", server.call))
    await asyncio.sleep(0)
    second.cancel()
    server.answers.set()
    await first
    assert await threads.run("pod", lambda: server.asked) == 1
