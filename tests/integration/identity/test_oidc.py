"""An identity provider over HTTPS: its tokens are believed, its keys change, and what else is not believed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.elsewhere import Elsewhere
from tests.fakes.identity_provider import Key, Provider
from tests.integration.identity.conftest import Caller, calling


@pytest.fixture
def provider(there: Elsewhere) -> Provider:
    made = Provider(there.url, Key("RS256", "one"))
    there.answers.update(made.answers)
    return made


def flags(there: Elsewhere, directory: Path, **more: Any) -> dict[str, Any]:
    ca = directory / "provider-ca.crt"
    ca.write_text(there.ca)
    return {"oidc_issuer_url": there.url, "oidc_client_id": "my-cluster", "oidc_ca_file": str(ca)} | more


async def discovered(call: Caller, token: str) -> Any:
    """Return who a good token's bearer is, once the provider has been found."""
    for _ in range(1000):
        if (who := await call.whoami(token)) != 401:
            return who
        await asyncio.sleep(0.01)
    raise AssertionError("the provider was not found in 10 s")


async def test_a_user_of_the_provider(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    async with calling(tmp_path, **flags(there, tmp_path)) as call:
        who = await discovered(call, provider.token(jti="abc"))
        assert who == {
            "username": f"{there.url}#248289761001",
            "groups": ["system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=abc"]},
        }


async def test_names_groups_and_required_claims(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    given = flags(there, tmp_path, oidc_username_claim="email", oidc_groups_claim="roles", oidc_groups_prefix="oidc:",
                  oidc_required_claim=["hd=example.com"])  # fmt: skip
    jane = {"email": "jane@example.com", "roles": ["dev", "ops"], "hd": "example.com"}
    async with calling(tmp_path, **given) as call:
        who = await discovered(call, provider.token(**jane))
        assert who["username"] == "jane@example.com"
        assert who["groups"] == ["oidc:dev", "oidc:ops", "system:authenticated"]
        for wrong in ({"hd": "example.org"}, {"hd": None}, {"email_verified": False}, {"email": None}, {"roles": 7}):
            assert await call.whoami(provider.token(**(jane | wrong))) == 401, wrong


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "PS512", "ES256", "ES384", "ES512"])
async def test_signatures(there: Elsewhere, provider: Provider, tmp_path: Path, algorithm: str) -> None:
    key = Key(algorithm, "another")
    provider.keys = [key]
    async with calling(tmp_path, **flags(there, tmp_path, oidc_signing_algs=[algorithm])) as call:
        assert (await discovered(call, provider.token()))["username"].endswith("248289761001")
        token = provider.token(sub="other")
        assert await call.whoami(token[:-8] + ("AAAAAAAA" if token[-8:] != "AAAAAAAA" else "BBBBBBBB")) == 401


async def test_keys_change_and_old_ones_go(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    async with calling(tmp_path, **flags(there, tmp_path)) as call:
        await discovered(call, provider.token())
        old = provider.keys[0]
        provider.keys = [Key("RS256", "two")]
        who = await discovered(call, provider.token(sub="new"))
        assert who["username"].endswith("#new")
        assert await call.whoami(provider.token(old, sub="late")) == 401


async def test_what_is_not_believed(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    stranger = Key("RS256", "one")
    async with calling(tmp_path, **flags(there, tmp_path)) as call:
        await discovered(call, provider.token())
        for token in (
            provider.token(exp=1),
            provider.token(exp=None),
            provider.token(aud="another-cluster"),
            provider.token(aud=["another-cluster"]),
            provider.token(nbf=9_999_999_999),
            provider.token(stranger),
            provider.token(Key("ES256", "one")),
            provider.token(iss="https://elsewhere.example.com"),
            provider.keys[0].sign(
                {"iss": there.url, "aud": "my-cluster", "sub": "x", "exp": 9_999_999_999}, alg="none"
            ),
            "not.a.token",
        ):
            assert await call.whoami(token) == 401
        assert (await discovered(call, provider.token(aud=["another", "my-cluster"])))["username"]


def configuration(there: Elsewhere, **more: Any) -> str:
    mappings = {"username": {"claim": "sub", "prefix": "idp:"}, "groups": {"claim": "groups", "prefix": ""},
                "uid": {"claim": "uid"}}  # fmt: skip
    issuer = {"url": there.url, "certificateAuthority": there.ca, "audiences": ["my-cluster", "other"],
              "audienceMatchPolicy": "MatchAny"}  # fmt: skip
    rules = [{"claim": "hd", "requiredValue": "example.com"}]
    jwt = {"issuer": issuer, "claimMappings": mappings, "claimValidationRules": rules}
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return json.dumps({**kind, "jwt": [jwt], **more})


async def test_a_configuration_file(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "authentication.yaml"
    file.write_text(configuration(there, anonymous={"enabled": True, "conditions": [{"path": "/livez"}]}))
    async with calling(tmp_path, authentication_config=str(file)) as call:
        token = provider.token(uid="7", hd="example.com", groups="dev", aud="other")
        who = await discovered(call, token)
        assert (who["username"], who["uid"]) == ("idp:248289761001", "7")
        assert who["groups"] == ["dev", "system:authenticated"]
        assert await call.whoami(provider.token(uid="7")) == 401
        # strangers come no further than the path that is named
        assert (await call("/livez"))[0] == 200
        assert (await call("/readyz"))[0] == 401
        assert (await call("/api"))[0] == 401


async def test_a_token_review_knows_the_providers_users(there: Elsewhere, provider: Provider, tmp_path: Path) -> None:
    async with calling(tmp_path, **flags(there, tmp_path, authorization_mode=["AlwaysAllow"])) as call:
        token = provider.token()
        await discovered(call, token)
        for shown, expected in ((token, True), (provider.token(exp=1), False)):
            body = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": shown}}
            _, told = await call("/apis/authentication.k8s.io/v1/tokenreviews", token, body=body)
            assert told["status"].get("authenticated", False) is expected


async def test_a_provider_that_comes_late(there: Elsewhere, tmp_path: Path) -> None:
    provider = Provider(there.url, Key("RS256", "one"))
    async with calling(tmp_path, **flags(there, tmp_path)) as call:
        assert await call.whoami(provider.token()) == 401  # and the server serves
        assert (await call("/livez"))[0] == 200
