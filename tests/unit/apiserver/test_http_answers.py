"""Heads as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.apiserver import http_answers
from controlplane.apiserver.http_answers import KEPT, LAST, OLD_KEPT, OLD_LAST, has_body, head, length_of, refused


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_answers.time, "time", lambda: 784111777.9)


DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"


def test_a_head() -> None:
    written = head(200, "text/plain", {"A": "b", "C": "\u20ac"}, length_of(200, 3) + LAST.header)
    assert written == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nA: b\r\nC: \xe2\x82\xac\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n" + DATE + b"\r\n"
    )


def test_who_is_passed_on_keeps_its_date() -> None:
    assert head(200, "a/b", {"Date": "then"}, "").count(b"Date: ") == 1


def test_a_status_that_nobody_knows() -> None:
    assert head(499, "a/b", {}, "").startswith(b"HTTP/1.1 499 \r\n")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "a\x01b", "a\x7fb", "\ud800"])
@pytest.mark.parametrize("place", ["a value", "a name", "the type"])
def test_no_header_can_write_another(value: str, place: str) -> None:
    headers = {"a value": {"A": value}, "a name": {value: "a"}, "the type": {}}[place]
    with pytest.raises(ValueError):
        head(200, value if place == "the type" else "a/b", headers, "")


@pytest.mark.parametrize("value", ["a\tb", "a\u00a0b", "a\u2028b", '299 - "x"', ""])
def test_what_may_be_in_a_header(value: str) -> None:
    assert f"A: {value}\r\n".encode() in head(200, "a/b", {"A": value}, "")


def test_refused() -> None:
    assert refused(400, "Bad Request") == (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 15\r\n"
        b"Connection: close\r\n" + DATE + b"\r\n400 Bad Request"
    )


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 200, True),
        ("POST", 404, True),
        ("HEAD", 200, False),
        ("GET", 204, False),
        ("GET", 304, False),
        ("GET", 101, False),
    ],
)
def test_has_body(method: str, status: int, expected: bool) -> None:
    assert has_body(method, status) is expected


@pytest.mark.parametrize(("manner", "last"), [(KEPT, LAST), (LAST, LAST), (OLD_KEPT, OLD_LAST), (OLD_LAST, OLD_LAST)])
def test_for_the_last_time(manner: Any, last: Any) -> None:
    assert manner.last is last
