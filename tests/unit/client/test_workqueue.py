"""A key is worked on once at a time, soon or when its time comes."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from controlplane.client.metrics import WorkQueueMetrics
from controlplane.client.reconcile import Reconciler
from controlplane.client.transport import Unreachable
from controlplane.client.workqueue import ShutDown, WorkQueue
from controlplane.kit.clock import ManualClock


async def test_same_key_added_twice_is_worked_on_once() -> None:
    queue: WorkQueue[str] = WorkQueue("q", ManualClock())
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_key_added_while_in_work_waits_until_done() -> None:
    queue: WorkQueue[str] = WorkQueue("q", ManualClock())
    queue.add("a")
    await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"


async def test_delayed_keys_come_at_the_earliest_time_given() -> None:
    clock = ManualClock()
    queue: WorkQueue[str] = WorkQueue("q", clock)
    timing = asyncio.create_task(queue.keep_time())
    queue.add_after("late", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 2)
    await clock.advance(1.9)
    assert len(queue) == 0
    await clock.advance(0.2)
    assert await queue.get() == "a"
    queue.done("a")
    await clock.advance(5)
    assert len(queue) == 0  # the later time of "a" no longer counts
    await clock.advance(3)
    assert await queue.get() == "late"
    timing.cancel()


async def test_shut_down_ends_every_getter_after_the_last_key() -> None:
    queue: WorkQueue[str] = WorkQueue("q", ManualClock())
    getters = [asyncio.create_task(queue.get()) for _ in range(3)]
    queue.add("a")
    queue.shut_down()
    results = await asyncio.gather(*getters, return_exceptions=True)
    assert results[0] == "a"
    assert [type(result) for result in results[1:]] == [ShutDown, ShutDown]


async def test_failures_are_retried_ever_later_and_forgotten_on_success() -> None:
    clock, attempts = ManualClock(), []
    queue: WorkQueue[str] = WorkQueue("q", clock)

    async def reconcile(key: str) -> float | None:
        attempts.append(round(clock.monotonic(), 3))
        if len(attempts) < 4:
            raise ValueError("not yet")
        return None

    running = asyncio.create_task(Reconciler("r", reconcile, queue).run())
    queue.add("a")
    await clock.advance(1)
    running.cancel()
    assert attempts == pytest.approx([0.0, 0.005, 0.015, 0.035])
    assert queue.failures("a") == 0


async def test_what_is_wrong_is_said_once_until_it_changes_or_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="controlplane.client.reconcile")
    clock, wrong = ManualClock(), ["quota", "quota", "quota", "gone", "gone", ""]
    queue: WorkQueue[str] = WorkQueue("q", clock)

    async def reconcile(key: str) -> None:
        if problem := wrong.pop(0):
            raise Unreachable(problem)

    running = asyncio.create_task(Reconciler("r", reconcile, queue).run())
    queue.add("a")
    await clock.advance(1)
    running.cancel()
    assert [record.message for record in caplog.records] == [
        "r: a: again later: quota",
        "r: a: again later: gone",
        "r: a: recovered",
    ]


async def test_returned_seconds_mean_again_after() -> None:
    clock, times = ManualClock(), []
    queue: WorkQueue[str] = WorkQueue("q", clock)

    async def reconcile(key: str) -> float:
        times.append(clock.monotonic())
        return 10.0

    running = asyncio.create_task(Reconciler("r", reconcile, queue).run())
    queue.add("a")
    await clock.advance(25)
    running.cancel()
    assert times == [0.0, 10.0, 20.0]


async def test_one_key_is_never_worked_on_twice_at_once() -> None:
    clock, under_way, seen = ManualClock(), set(), []
    queue: WorkQueue[str] = WorkQueue("q", clock)

    async def reconcile(key: str) -> None:
        assert key not in under_way
        under_way.add(key)
        await clock.sleep(1)
        under_way.discard(key)
        seen.append(key)

    running = asyncio.create_task(Reconciler("r", reconcile, queue, workers=3).run())
    queue.add("a")
    await clock.advance(0.5)
    queue.add("a")
    queue.add("b")
    await clock.advance(5)
    running.cancel()
    assert sorted(seen) == ["a", "a", "b"]


async def test_metrics_carry_the_queue_name() -> None:
    clock, registry = ManualClock(), CollectorRegistry()
    queue: WorkQueue[str] = WorkQueue("deployment", clock, metrics=WorkQueueMetrics(registry))
    queue.add("a")
    assert registry.get_sample_value("workqueue_depth", {"name": "deployment"}) == 1
    await queue.get()
    await clock.advance(3)
    assert registry.get_sample_value("workqueue_unfinished_work_seconds", {"name": "deployment"}) == 3
    queue.done("a")
    assert registry.get_sample_value("workqueue_adds_total", {"name": "deployment"}) == 1
    assert registry.get_sample_value("workqueue_work_duration_seconds_sum", {"name": "deployment"}) == 3
