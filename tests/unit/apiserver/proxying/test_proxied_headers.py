"""Which headers go on, which come back, and who a request is said to be from."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from controlplane.apiserver.messages import Peer, Query, Request
from controlplane.apiserver.proxying.headers import identity, is_upgrade, offered_protocols, passed_back, passed_on
from controlplane.apiserver.proxying.response_head import NotHttp, parse_head, render_request
from controlplane.auth.interface import User


async def nothing() -> bytes:
    return b""


def request(*headers: tuple[str, str]) -> Request:
    return Request("GET", "/", Query(""), CIMultiDict(headers), nothing, Peer(address="192.0.2.1"))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(("Accept", "x"), True, id="any header"),
        pytest.param(("Host", "x"), True, id="the host asked for"),
        pytest.param(("Authorization", "Bearer x"), False, id="a token"),
        pytest.param(("X-Remote-User", "root"), False, id="a user"),
        pytest.param(("x-remote-extra-a", "b"), False, id="more of a user"),
        pytest.param(("Impersonate-User", "root"), False, id="somebody else"),
        pytest.param(("Transfer-Encoding", "chunked"), False, id="of one connection"),
        pytest.param(("Keep-Alive", "5"), False, id="of one connection, too"),
    ],
)
def test_passed_on(sent: tuple[str, str], kept: bool) -> None:
    assert (passed_on(request(sent)).get(sent[0]) == sent[1]) == kept


def test_what_connection_names_stays_here() -> None:
    found = passed_on(request(("Connection", "close, X-Mine"), ("X-Mine", "1"), ("X-Yours", "2")))
    assert dict(found) == {"X-Yours": "2", "X-Forwarded-For": "192.0.2.1"}


def test_the_chain_of_proxies_grows() -> None:
    assert passed_on(request(("X-Forwarded-For", "198.51.100.7")))["X-Forwarded-For"] == "198.51.100.7, 192.0.2.1"


def test_an_upgrade_goes_on_without_the_token_in_it() -> None:
    bearer = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    asked = request(
        ("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Protocol", f"{bearer}, chat")
    )
    assert is_upgrade(asked.headers)
    found = passed_on(asked, upgrade=True)
    assert (found["Connection"], found["Upgrade"], found["Sec-WebSocket-Protocol"]) == ("Upgrade", "websocket", "chat")
    assert offered_protocols(asked.headers) == ["chat"]


def test_passed_back() -> None:
    headers = [
        ("Connection", "close"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Access-Control-Allow-Origin", "*"),
    ]
    assert passed_back(headers).getall("Set-Cookie") == ["a=1", "b=2"]
    assert set(passed_back(headers)) == {"Set-Cookie"}


def test_identity() -> None:
    user = User("jane", "42", ("dev", "ops"), {"acme.com/project": ("x", "y"), "näh": ("z",)})
    assert list(identity(user)) == [
        ("X-Remote-User", "jane"),
        ("X-Remote-Uid", "42"),
        ("X-Remote-Group", "dev"),
        ("X-Remote-Group", "ops"),
        ("X-Remote-Extra-acme.com%2Fproject", "x"),
        ("X-Remote-Extra-acme.com%2Fproject", "y"),
        ("X-Remote-Extra-n%C3%A4h", "z"),
    ]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x", 101, id="an upgrade"),
        pytest.param(b"HTTP/1.0 404", 404, id="no reason"),
        pytest.param(b"SSH-2.0-OpenSSH", None, id="not HTTP"),
        pytest.param(b"HTTP/1.1 abc", None, id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon", None, id="no header"),
    ],
)
def test_parse_head(head: bytes, status: int | None) -> None:
    if status is None:
        with pytest.raises(NotHttp):
            parse_head(head)
    else:
        assert parse_head(head).status == status


@given(st.binary(max_size=80))
def test_any_bytes_are_a_head_or_not_http(head: bytes) -> None:
    with suppress(NotHttp):
        assert 0 <= parse_head(head).status <= 999


def test_a_header_cannot_begin_another() -> None:
    with pytest.raises(ValueError, match="a header ends"):
        render_request("GET", "/", CIMultiDict({"A": "b\r\nX-Remote-User: root"}))
