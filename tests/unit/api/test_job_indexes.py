"""The indexes of Indexed Jobs as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.job_indexes import IndexesError, count, overlap, parse


@pytest.mark.parametrize(
    ("text", "intervals"),
    [("", []), ("3", [(3, 3)]), ("0,2-4,9", [(0, 0), (2, 4), (9, 9)])],
)
def test_parse(text: str, intervals: list[tuple[int, int]]) -> None:
    assert parse(text, 10) == intervals
    assert count(intervals) == sum(last - first + 1 for first, last in intervals)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10", 'too large index: "10"'),
        ("3,1", "non-increasing order, previous: 3, current: 1"),
        ("4-2", "non-increasing order, previous: 4, current: 2"),
        ("a", 'cannot convert string to integer for index: "a"'),
        (
            "1-2-3",
            'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts '
            "separated by '-'",
        ),
    ],
)
def test_refusals(text: str, why: str) -> None:
    with pytest.raises(IndexesError) as error:
        parse(text, 10)
    assert str(error.value) == why


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)))
def test_overlap_is_the_first_shared_index(some: set[int], others: set[int]) -> None:
    texts = [",".join(map(str, sorted(indexes))) for indexes in (some, others)]
    assert overlap(parse(texts[0], 100), parse(texts[1], 100)) == min(some & others, default=None)
