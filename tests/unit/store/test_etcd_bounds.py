"""Ranges of bytes as ranges of text, and where --etcd-prefix puts keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.store.etcd.root import Root
from controlplane.store.etcd.server.bounds import Bounds, bounds, text_from

KEYS = st.text(min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("key", "range_end", "expected"),
    [
        pytest.param(b"/a", b"", Bounds("/a", "/a\0"), id="one key"),
        pytest.param(b"/a", b"/b", Bounds("/a", "/b"), id="before another"),
        pytest.param(b"/a", b"\0", Bounds("/a", None), id="to the last"),
        pytest.param(b"\0", b"\0", Bounds("\0", None), id="all"),
        pytest.param(b"/\x7f", b"/\x80", Bounds("/\x7f", "/\x80"), id="a bound within a character"),
        pytest.param(b"/a", b"/\xff", Bounds("/a", "0"), id="a bound behind all characters"),
        pytest.param(b"\xff", b"", Bounds("", ""), id="behind every text"),
        pytest.param(b"\xed\xa0\x80", b"\0", Bounds("\ue000", None), id="a surrogate"),
    ],
)
def test_bounds(key: bytes, range_end: bytes, expected: Bounds) -> None:
    assert bounds(key, range_end) == expected


@given(st.binary(max_size=6), KEYS)
def test_the_first_text_from_a_bound(bound: bytes, key: str) -> None:
    first = text_from(bound)
    assert (first is not None and key >= first) == (key.encode() >= bound)


@given(st.binary(min_size=1, max_size=4), st.binary(max_size=4), KEYS)
def test_a_range_of_text_holds_what_that_of_bytes_does(key: bytes, range_end: bytes, one: str) -> None:
    raw = one.encode()
    expected = raw == key if not range_end else raw >= key and (range_end == b"\0" or raw < range_end)
    within = bounds(key, range_end)
    assert within.holds(one) == expected
    if expected:
        assert one.startswith(within.prefix)


@pytest.mark.parametrize(
    ("prefix", "start_after", "expected"),
    [
        pytest.param("", "", (b"/blue/", b"/blue0"), id="everything of ours"),
        pytest.param("/", "", (b"/blue/", b"/blue0"), id="shorter than our prefix"),
        pytest.param("/registry/pods/", "", (b"/blue/pods/", b"/blue/pods0"), id="below"),
        pytest.param("/registry/pods/", "/registry/pods/a", (b"/blue/pods/a\0", b"/blue/pods0"), id="behind a key"),
    ],
)
def test_where_ranges_are(prefix: str, start_after: str, expected: tuple[bytes, bytes]) -> None:
    assert Root("/registry", "/blue").range(prefix, start_after) == expected


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (b"/blue/pods/a", "/registry/pods/a"),
        (b"/blueish/pods/a", None),
        (b"/red", None),
        (b"/blue/\xff", None),
    ],
)
def test_whose_keys_are(there: bytes, here: str | None) -> None:
    root = Root("/registry", "/blue")
    assert root.here(there) == here
    if here is not None:
        assert root.there(here) == there


def test_without_a_prefix_keys_are_what_they_are() -> None:
    assert Root().range("") == (b"\0", b"\0")
    assert Root().there("/a") == b"/a" and Root().here(b"/a") == "/a"


def test_a_key_that_has_no_place_there_is_refused() -> None:
    with pytest.raises(ValueError, match="/other is not below /registry"):
        Root("/registry", "/blue").there("/other")
