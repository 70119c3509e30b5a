"""The words that kubectl's users know for how long ago something was, and for lists that are too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.meta_v1 import LabelSelector, LabelSelectorRequirement
from controlplane.apiserver.tables.texts import host_port, human_duration, selector, shortened

M, H, D, Y = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (2 * M, "2m"),
        (2 * M + 5, "2m5s"),
        (9 * M + 59, "9m59s"),
        (10 * M + 59, "10m"),
        (3 * H - 1, "179m"),
        (3 * H, "3h"),
        (7 * H + 59 * M, "7h59m"),
        (8 * H + 59 * M, "8h"),
        (48 * H - 1, "47h"),
        (2 * D, "2d"),
        (2 * D + H, "2d1h"),
        (8 * D + H, "8d"),
        (2 * Y - 1, "729d"),
        (2 * Y, "2y"),
        (2 * Y + 40 * D, "2y40d"),
        (8 * Y + 40 * D, "8y"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@given(st.floats(min_value=0, max_value=20 * Y))
def test_a_duration_never_promises_more_time_than_there_was(seconds: float) -> None:
    units = {"s": 1, "m": M, "h": H, "d": D, "y": Y}
    total, digits = 0, ""
    for character in human_duration(seconds):
        if character in units:
            total, digits = total + int(digits) * units[character], ""
        else:
            digits += character
    assert total <= seconds


@pytest.mark.parametrize(
    ("texts", "shown"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a,b,c"), (["a", "b", "c", "d", "e"], "a,b,c + 2 more...")],
)
def test_shortened(texts: list[str], shown: str) -> None:
    assert shortened(texts) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<none>"),
        (LabelSelector(), "<none>"),
        (LabelSelector(match_labels={"b": "2", "a": "1"}), "a=1,b=2"),
        (
            LabelSelector(
                match_labels={"z": "1"},
                match_expressions=[LabelSelectorRequirement(key="app", operator="In", values=["b", "a"])],
            ),
            "app in (a,b),z=1",
        ),
        (LabelSelector(match_expressions=[LabelSelectorRequirement(key="a", operator="Like")]), "<error>"),
    ],
)
def test_selector(value: LabelSelector | None, text: str) -> None:
    assert selector(value) == text


def test_host_port() -> None:
    assert [host_port("10.0.0.1", 80), host_port("fd00::1", 80)] == ["10.0.0.1:80", "[fd00::1]:80"]
