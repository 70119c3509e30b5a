"""Schedules of CronJobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.cron import CronError, Schedule, parse


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        pytest.param("*/15 * * * *", "minutes", {0, 15, 30, 45}, id="steps"),
        pytest.param("5/20 * * * *", "minutes", {5, 25, 45}, id="steps from a start to the end"),
        pytest.param("10-20/5 * * * *", "minutes", {10, 15, 20}, id="steps of a range"),
        pytest.param("1,3,,5 * * * *", "minutes", {1, 3, 5}, id="lists, gaps in which are dropped"),
        pytest.param("0 0 1 jan-Mar *", "months", {1, 2, 3}, id="names of months"),
        pytest.param("0 0 * * MON-fri", "weekdays", {1, 2, 3, 4, 5}, id="names of days"),
        pytest.param("0 0 ? * ?", "days", set(range(1, 32)), id="a question mark is a star"),
        pytest.param("@daily", "hours", {0}, id="a word"),
        pytest.param("@weekly", "weekdays", {0}, id="another word"),
    ],
)
def test_fields(text: str, field: str, expected: set[int]) -> None:
    assert getattr(parse(text), field) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("@every 1h30m", 5400), ("@every 1.5h", 5400), ("@every 10ms", 1), ("@every 2500ms", 2), ("@every 0", 1)],
)
def test_every(text: str, seconds: int) -> None:
    assert parse(text).every == seconds


def test_which_days_are_stars() -> None:
    assert (parse("0 0 * * 1").any_day, parse("0 0 * * 1").any_weekday) == (True, False)
    assert not parse("0 0 */2 * *").any_day  # every second day is not any day


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("9-5 * * * *", "beginning of range (9) beyond end of range (5): 9-5"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
    ],
)
def test_refusals(text: str, why: str) -> None:
    with pytest.raises(CronError) as error:
        parse(text)
    assert str(error.value) == why


@given(st.text(alphabet="0123456789*/-,? @everyhourlymonfridTZ=", max_size=30))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    try:
        schedule = parse(text)
    except CronError:
        return
    assert isinstance(schedule, Schedule)


@given(
    st.tuples(
        st.sets(st.integers(0, 59), min_size=1),
        st.sets(st.integers(0, 23), min_size=1),
        st.sets(st.integers(1, 31), min_size=1),
        st.sets(st.integers(1, 12), min_size=1),
        st.sets(st.integers(0, 6), min_size=1),
    )
)
def test_lists_are_read_back(fields: tuple[set[int], ...]) -> None:
    text = " ".join(",".join(str(value) for value in sorted(field)) for field in fields)
    schedule = parse(text)
    found = (schedule.minutes, schedule.hours, schedule.days, schedule.months, schedule.weekdays)
    assert found == tuple(map(frozenset, fields))
