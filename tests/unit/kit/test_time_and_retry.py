"""Clocks, back-offs and the service manager's protocol."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import ManualClock
from controlplane.kit.files import write_atomically
from controlplane.kit.systemd import Notifier
from controlplane.kit.timestamps import format_micro_time, format_time, parse_time
from controlplane.kit.waiting import happens_within


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock, woken = ManualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(sleeper(seconds))
        await clock.advance(2.5)
        assert woken == [(1, 1.0), (2, 2.0)]
        assert clock.monotonic() == 2.5
        await clock.advance(1)
    assert woken[-1] == (3, 3.0)


async def test_a_sleeper_that_sleeps_again_within_one_advance() -> None:
    clock, ticks = ManualClock(), []

    async def ticker() -> None:
        for _ in range(3):
            await clock.sleep(10)
            ticks.append(clock.monotonic())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ticker())
        await clock.advance(60)
    assert ticks == [10, 20, 30]


@pytest.mark.parametrize(("set_after", "expected", "at"), [(1.0, True, 1.0), (5.0, False, 2.0)])
async def test_happens_within(set_after: float, expected: bool, at: float) -> None:
    clock, event = ManualClock(), asyncio.Event()

    async def setter() -> None:
        await clock.sleep(set_after)
        event.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(setter())
        waiting = tasks.create_task(happens_within(event, 2.0, clock))
        await clock.advance(at)
        assert waiting.done() and waiting.result() is expected
        await clock.advance(10)


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        pytest.param(Backoff(0.2, 7.0), [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 7.0, 7.0], id="the node lease's"),
        pytest.param(Backoff(10, 300), [10, 20, 40, 80, 160, 300, 300, 300], id="a crashing container's"),
    ],
)
def test_backoff(backoff: Backoff, expected: list[float]) -> None:
    assert [backoff.delay(attempt) for attempt in range(8)] == pytest.approx(expected)


def test_jitter_only_adds_and_never_more_than_its_share() -> None:
    backoff = Backoff(1.0, 10.0, jitter=0.5)
    delays = [backoff.delay(0, Random(seed)) for seed in range(100)]
    assert min(delays) >= 1.0 and max(delays) <= 1.5 and len(set(delays)) > 90


def test_a_key_that_fails_for_days_does_not_overflow() -> None:
    assert Backoff(0.005, 1000).delay(100_000) == 1000


def test_timestamps() -> None:
    moment = datetime(2026, 11, 21, 6, 30, 0, 123456, UTC)
    assert format_time(moment) == "2026-11-21T06:30:00Z"
    assert format_micro_time(moment) == "2026-11-21T06:30:00.123456Z"
    assert parse_time("2026-11-21T07:30:00.123456+01:00") == moment
    with pytest.raises(ValueError, match="time zone"):
        parse_time("2026-11-21T06:30:00")


def test_the_service_manager_hears_us(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        Notifier({"NOTIFY_SOCKET": str(path)}).ready("serving")
        assert manager.recv(100) == b"READY=1\nSTATUS=serving"


async def test_the_watchdog_is_fed_three_times_a_period(tmp_path: Path) -> None:
    path, clock = tmp_path / "notify", ManualClock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"})
        feeding = asyncio.create_task(notifier.keep_alive(clock))
        await clock.advance(29)
        feeding.cancel()
        assert [manager.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_a_silent_manager_costs_nothing() -> None:
    Notifier({}).ready("nobody listens")  # must not raise


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    for content in (b"one", b"two"):
        write_atomically(path, content, 0o600)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (content, 0o600)
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]
