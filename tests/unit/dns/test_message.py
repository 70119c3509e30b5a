"""The DNS wire format."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeagent.dns.message import (
    Answer,
    BadMessage,
    Query,
    Question,
    Record,
    Type,
    decode_name,
    decode_query,
    encode_name,
    encode_query,
    encode_response,
    minimum_ttl,
)

labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
names = st.lists(labels, max_size=4).map(tuple).filter(lambda name: sum(len(label) + 1 for label in name) < 254)


@given(names)
def test_a_name_survives_the_wire(name: tuple[str, ...]) -> None:
    encoded = encode_name(name)
    assert decode_name(encoded, 0) == (name, len(encoded))


@given(names, st.integers(0, 65535), st.integers(0, 65535))
def test_a_query_survives_the_wire(name: tuple[str, ...], id_: int, type_: int) -> None:
    query = decode_query(encode_query(id_, Question(name, type_)))
    assert (query.id, query.question) == (id_, Question(name, type_))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for parse in (decode_query, minimum_ttl):
        try:
            parse(data)
        except (BadMessage, struct.error) as error:
            assert isinstance(error, BadMessage), "only the parser's own word for it"


def test_a_compression_loop_is_refused() -> None:
    with pytest.raises(BadMessage):
        decode_name(b"\xc0\x00", 0)


@given(st.integers(1, 40), st.integers(512, 1232))
def test_a_response_never_exceeds_its_limit(count: int, limit: int) -> None:
    name = ("web", "default", "svc", "cluster", "local")
    query = Query(7, Question(name, Type.A), True)
    records = [Record(name, Type.A, 5, bytes(4)) for _ in range(count)]
    response = encode_response(query, Answer(records=records), limit)
    whole = len(encode_response(query, Answer(records=records)))
    truncated = bool(response[2] & 0x02)
    assert len(response) <= limit
    assert truncated == (whole > limit)


def test_the_smallest_ttl_counts() -> None:
    query = Query(7, Question(("a",), Type.A), True, edns=True)
    records = [Record(("a",), Type.A, ttl, bytes(4)) for ttl in (300, 30, 60)]
    assert minimum_ttl(encode_response(query, Answer(records=records))) == 30
