"""Certificates and tokens that are too old, meant for somebody else, or made up: 401, whatever they ask for."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from controlplane.auth import jwt
from controlplane.pki.issue import Leaf, new_key
from controlplane.testing import HttpsApi
from controlplane.testing.memory import default_settings
from tests.fakes.served import Caller, served

NAMESPACES = "/api/v1/namespaces"
ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/robot"
SETTINGS = default_settings()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsApi]:
    with served(tmp_path_factory.mktemp("api"), SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def robot(ask: Caller) -> dict[str, Any]:
    """Return the claims of a good token."""
    assert ask("POST", ACCOUNT.rpartition("/")[0], {"metadata": {"name": "robot"}}).status == 201
    return claims_of(token(ask))


def token(ask: Caller, **spec: Any) -> str:
    return str(ask("POST", f"{ACCOUNT}/token", {"spec": spec}).body["status"]["token"])


def claims_of(text: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(text.split(".")[1] + "=="))
    return claims


def test_good_ones_are_believed(api: HttpsApi, ask: Caller, robot: dict[str, Any]) -> None:
    told = Caller(api, token=token(ask))("GET", NAMESPACES)
    assert (told.status, 'User "system:serviceaccount:default:robot" cannot list' in told.message) == (403, True)
    assert Caller(api, token=jwt.sign(robot, SETTINGS.security.signing_key))("GET", NAMESPACES).status == 403
    assert Caller(api)("GET", NAMESPACES).message.count('User "system:anonymous"') == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"exp": 1_700_000_000}, id="expired"),
        pytest.param({"nbf": 4_000_000_000}, id="not yet"),
        pytest.param({"aud": ["vault"]}, id="for somebody else"),
        pytest.param({"iss": "https://example.com"}, id="from somebody else"),
        pytest.param({"sub": "system:serviceaccount:kube-system:robot"}, id="about somebody else"),
        pytest.param({"exp": "soon"}, id="a date that is none"),
        pytest.param({"kubernetes.io": None}, id="about nobody"),
    ],
)
def test_tokens(api: HttpsApi, robot: dict[str, Any], change: dict[str, Any]) -> None:
    told = Caller(api, token=jwt.sign(robot | change, SETTINGS.security.signing_key))("GET", NAMESPACES)
    assert (told.status, told.reason, told.message) == (401, "Unauthorized", "Unauthorized")


def test_a_token_of_another_key(api: HttpsApi, robot: dict[str, Any]) -> None:
    forged = jwt.sign(robot, jwt.SigningKey.of(new_key()))
    assert Caller(api, token=forged)("GET", NAMESPACES).status == 401


@pytest.mark.parametrize("text", ["x", "a.b.c", "....", "abcdef.0123456789abcdef", "\u00e9", "a" * 20_000])
def test_no_tokens(api: HttpsApi, text: str) -> None:
    assert Caller(api, token=text)("GET", NAMESPACES).status == 401


def test_a_token_dies_with_its_account(api: HttpsApi, ask: Caller) -> None:
    accounts = ACCOUNT.rpartition("/")[0]
    ask("POST", accounts, {"metadata": {"name": "brief"}})
    told = ask("POST", f"{accounts}/brief/token", {"spec": {}})
    brief = Caller(api, token=told.body["status"]["token"])
    assert brief("GET", NAMESPACES).status == 403
    ask("DELETE", f"{accounts}/brief")
    assert brief("GET", NAMESPACES).status == 401


@pytest.mark.parametrize("seconds", [1, 599, 2**33])
def test_lives_nobody_gets(ask: Caller, robot: dict[str, Any], seconds: int) -> None:
    told = ask("POST", f"{ACCOUNT}/token", {"spec": {"expirationSeconds": seconds}})
    assert (told.status, told.causes) == (422, ["spec.expirationSeconds"])


def test_an_expired_certificate(api: HttpsApi) -> None:
    old = Caller(api, Leaf("admin", ("system:masters",)), born=api.clock.now() - timedelta(days=3000))
    told = old("GET", NAMESPACES)
    assert (told.status, told.message) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Authorization": "Basic YTpi"}, id="a password"),
        pytest.param({"Authorization": "Bearer"}, id="a bearer of nothing"),
        pytest.param({"Authorization": "Bearer a b"}, id="two tokens"),
    ],
)
def test_headers(api: HttpsApi, headers: dict[str, str]) -> None:
    assert Caller(api)("GET", NAMESPACES, headers=headers).status in (401, 403)


def test_impersonation_is_a_right(api: HttpsApi) -> None:
    jane = Caller(api, Leaf("jane"))
    told = jane("GET", NAMESPACES, headers={"Impersonate-User": "admin"})
    assert (told.status, 'cannot impersonate resource "users"' in told.message) == (403, True)
