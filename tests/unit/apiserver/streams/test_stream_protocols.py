"""The names and framings of streams."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from controlplane.apiserver.messages import Query
from controlplane.apiserver.streams.protocols import (
    BASE64,
    SPDY_VERSIONS,
    V1,
    V4,
    V4_BASE64,
    V5,
    Channel,
    Framing,
    framing_of,
    negotiated,
    outcome,
)
from controlplane.apiserver.streams.spdy_channels import expected_channels


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        pytest.param([], "", id="none offered"),
        pytest.param([V5, V4], V5, id="the first one"),
        pytest.param(["x", BASE64], BASE64, id="the first that is known"),
        pytest.param(["x"], None, id="none that is known"),
    ],
)
def test_framing_of(offered: list[str], agreed: str | None) -> None:
    found = framing_of(offered)
    assert (found.protocol if found else None) == agreed


@pytest.mark.parametrize(
    ("headers", "agreed"),
    [
        pytest.param([V5, V4, V1], V4, id="kubectl's list"),
        pytest.param([f"{V5}, {V1}"], V1, id="in one header"),
        pytest.param([], "", id="nobody asked"),
        pytest.param(["v9"], "", id="nothing in common"),
    ],
)
def test_negotiated(headers: list[str], agreed: str) -> None:
    sent = CIMultiDict([("x-stream-protocol-version", one) for one in headers])
    assert negotiated(sent, SPDY_VERSIONS)[0] == agreed


@given(st.sampled_from([V1, V4, BASE64, V4_BASE64, V5]), st.sampled_from(list(Channel)), st.binary(max_size=50))
def test_what_is_framed_can_be_read(protocol: str, channel: Channel, data: bytes) -> None:
    framing = framing_of([protocol])
    assert framing is not None
    message = bytes([channel]) + data
    assert framing.decode(framing.encode(message)) == message
    assert not framing.text or framing.encode(message).isascii()


@given(st.binary(max_size=20))
def test_any_text_is_a_message_or_none(message: bytes) -> None:
    assert isinstance(Framing(BASE64, text=True).decode(message), bytes)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param({"status": "Success"}, b"", id="success"),
        pytest.param({"status": "Failure", "message": "exit 3"}, b"exit 3", id="failure"),
        pytest.param({"status": "Failure"}, b"", id="failure without words"),
    ],
)
def test_outcome(status: dict[str, str], words: bytes) -> None:
    told = json.dumps(status).encode()
    assert outcome(told, as_status=True) == told
    assert outcome(told, as_status=False) == words


@pytest.mark.parametrize(
    ("query", "protocol", "expected"),
    [
        pytest.param("stdout=1&stderr=true", V4, {"ERROR", "STDOUT", "STDERR"}, id="output"),
        pytest.param("stdin=1&stdout=1&stderr=1&tty=1", V4, {"ERROR", "STDIN", "STDOUT", "RESIZE"}, id="a terminal"),
        pytest.param(
            "stdin=1&stdout=1&tty=1", V1, {"ERROR", "STDIN", "STDOUT"}, id="an old terminal cannot be resized"
        ),
        pytest.param("stdin=false&stdout=1", V4, {"ERROR", "STDOUT"}, id="said and not meant"),
    ],
)
def test_expected_channels(query: str, protocol: str, expected: set[str]) -> None:
    assert {one.name for one in expected_channels(Query(query), protocol)} == expected
