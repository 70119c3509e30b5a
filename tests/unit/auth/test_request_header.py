"""Users that headers and WebSocket protocols name; which certificates vouch for them is tested over real TLS."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from controlplane.api.status import Unauthorized
from controlplane.auth.interface import User
from controlplane.auth.request_header import RequestHeaderSettings, Roots, roots_of, user_in
from controlplane.auth.websocket_token import PREFIX, token_in
from controlplane.pki.issue import new_authority

SETTINGS = RequestHeaderSettings(b"", username_headers=("X-Remote-User", "X-User"))


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([("X-Remote-Group", "dev")], None, id="a group without a user"),
        pytest.param([("X-Remote-User", " ")], None, id="blank"),
        pytest.param([("x-remote-user", "jane")], User("jane"), id="in any case"),
        pytest.param([("X-User", "joe"), ("X-Remote-User", "jane")], User("jane"), id="the first header set up"),
        pytest.param([("X-User", "joe")], User("joe"), id="or the next one"),
        pytest.param([("X-Remote-User", "j"), ("X-Remote-Uid", "1"), ("X-Remote-Group", "a"), ("X-Remote-Group", "b")],
                     User("j", "1", ("a", "b")), id="uid and groups"),
    ],
)  # fmt: skip
def test_user_in(headers: list[tuple[str, str]], user: User | None) -> None:
    assert user_in(CIMultiDict(headers), SETTINGS) == user


def test_more_of_a_user() -> None:
    headers = [("X-Remote-User", "j"), ("X-Remote-Extra-Acme.com%2FProject", "x"), ("X-Remote-Extra-A", "1"),
               ("x-remote-extra-a", "2")]  # fmt: skip
    user = user_in(CIMultiDict(headers), SETTINGS)
    assert user is not None
    assert user.extra == {"acme.com/project": ("x",), "a": ("1", "2")}


@given(st.text(min_size=1, max_size=20))
def test_a_token_is_found_whatever_is_in_it(token: str) -> None:
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    assert token_in(f"{PREFIX}{encoded}, v4.channel.k8s.io") == token


@pytest.mark.parametrize(
    "protocols",
    [
        pytest.param(f"{PREFIX}YQ", id="no other protocol"),
        pytest.param(f"{PREFIX}YQ, {PREFIX}Yg, x", id="two"),
        pytest.param(f"{PREFIX}Y!, x", id="not base64"),
        pytest.param(f"{PREFIX}_w, x", id="not UTF-8"),
    ],
)
def test_tokens_refused(protocols: str) -> None:
    with pytest.raises(Unauthorized):
        token_in(protocols)


def test_no_token() -> None:
    assert token_in("v5.channel.k8s.io, v4.channel.k8s.io") == ""


def test_a_new_authority_in_the_file_counts_at_once(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    old, new = new_authority("old", now), new_authority("new", now)
    file = tmp_path / "ca.crt"
    file.write_bytes(old.certificate_pem)
    roots = Roots(old.certificate_pem, file)
    (old_root,), (new_root,) = roots_of(old.certificate_pem), roots_of(new.certificate_pem)
    assert old_root in roots
    assert new_root not in roots
    file.write_bytes(new.certificate_pem)
    os.utime(file, (0, 0))
    assert new_root in roots
    assert old_root not in roots
    file.unlink()
    assert old_root not in roots
    assert new_root in roots
