"""Durations as Go reads them, and how long a request may take."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.status import BadRequest, Timeout
from controlplane.apiserver.deadline import Deadline, parse_duration, seconds_of
from controlplane.apiserver.messages import Query


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32s", 32.0), ("1h15m30.5s", 4530.5), ("-1.5h", -5400.0), ("+5s", 5.0), ("0", 0.0), ("-0", 0.0),
        ("100ms", 0.1), (".5s", 0.5), ("5.s", 5.0), ("1us", 1e-6), ("1µs", 1e-6), ("1ns", 1e-9),
    ],
)  # fmt: skip
def test_durations(text: str, expected: float) -> None:
    assert parse_duration(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", 'time: invalid duration ""'),
        ("soon", 'time: invalid duration "soon"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1s5", 'time: missing unit in duration "1s5"'),
        ("5 s", 'time: unknown unit " s" in duration "5 s"'),
        ("3x", 'time: unknown unit "x" in duration "3x"'),
        ("1.2.3s", 'time: missing unit in duration "1.2.3s"'),
        (".s", 'time: invalid duration ".s"'),
        ("--1s", 'time: invalid duration "--1s"'),
    ],
)
def test_what_is_no_duration(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^time: ") as error:
        parse_duration(text)
    assert str(error.value) == why


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        assert str(error).startswith("time: ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", 60.0, id="not said"),
        pytest.param("timeout=", 60.0, id="said nothing"),
        pytest.param("timeout=5s", 5.0, id="less"),
        pytest.param("timeout=5m", 60.0, id="more than is allowed"),
        pytest.param("timeout=0s", 60.0, id="as long as it takes"),
        pytest.param("timeout=-5s", 60.0, id="less than nothing"),
    ],
)
def test_seconds_of(query: str, expected: float) -> None:
    assert seconds_of(Query(query), 60.0) == expected


def test_a_timeout_that_cannot_be_read() -> None:
    with pytest.raises(BadRequest) as error:
        seconds_of(Query("timeout=1"), 60.0)
    why = 'invalid timeout specified in the request URL - time: missing unit in duration "1"'
    assert error.value.message == why


async def test_a_deadline_that_passes() -> None:
    with pytest.raises(Timeout, match="did not complete within the allotted timeout"), Deadline(0.01):
        await asyncio.Event().wait()
    await asyncio.sleep(0)  # nothing is left of the cancellation


async def test_a_deadline_that_is_met() -> None:
    with Deadline(0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)


async def test_no_deadline() -> None:
    with Deadline(None):
        await asyncio.sleep(0)


async def test_who_cancels_for_another_reason_is_heard() -> None:
    async def late() -> None:
        with Deadline(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(late())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_cancels_at_the_same_time_is_heard_too() -> None:
    async def late() -> None:
        with Deadline(0):
            asyncio.get_running_loop().call_later(0, task.cancel)
            await asyncio.Event().wait()

    task = asyncio.create_task(late())
    with pytest.raises(asyncio.CancelledError):
        await task
