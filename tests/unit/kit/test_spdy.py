"""SPDY framing: what one end encodes, the other end reads, however the bytes are cut."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.kit.spdy import DICTIONARY, Data, Frame, Framer, GoAway, Ping, Reset, SpdyError, SynReply, SynStream

_NUMBERS = st.integers(1, 2**31 - 1)
_HEADERS = st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5)
_FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(SynStream, _NUMBERS, _HEADERS, st.booleans()),
    st.builds(SynReply, _NUMBERS, _HEADERS, st.booleans()),
    st.builds(Data, _NUMBERS, st.binary(max_size=300), st.booleans()),
    st.builds(Reset, _NUMBERS, st.integers(1, 11)),
    st.builds(Ping, _NUMBERS),
    st.builds(GoAway, _NUMBERS, st.integers(0, 2)),
)


def test_dictionary_is_the_specifications() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@given(st.lists(_FRAMES, max_size=8), st.integers(1, 50))
def test_frames_survive_any_cut(frames: list[Frame], step: int) -> None:
    sender, receiver = Framer(), Framer()
    wire = b"".join(sender.encode(frame) for frame in frames)
    read = [frame for start in range(0, len(wire), step) for frame in receiver.feed(wire[start : start + step])]
    assert read == frames


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\x80\x02\x00\x01\x00\x00\x00\x00", id="version 2"),
        pytest.param(b"\x80\x03\x00\x01\x00\x00\x00\x02ab", id="too short to open a stream"),
        pytest.param(b"\x80\x03\x00\x02\x00\x00\x00\x08\x00\x00\x00\x01junk", id="headers that are not zlib"),
    ],
)
def test_malformed_frames_are_refused(wire: bytes) -> None:
    with pytest.raises(SpdyError):
        list(Framer().feed(wire))


def test_headers_that_grow_without_end_are_refused() -> None:
    bomb = Framer().encode(SynStream(1, {"a": "x" * 10_000_000}))
    assert len(bomb) < 20_000
    with pytest.raises(SpdyError, match="too long"):
        list(Framer().feed(bomb))


def test_unknown_control_frames_are_dropped() -> None:
    settings, ping = b"\x80\x03\x00\x04\x00\x00\x00\x04\x00\x00\x00\x00", Ping(2)
    assert list(Framer().feed(settings + Framer().encode(ping))) == [ping]
