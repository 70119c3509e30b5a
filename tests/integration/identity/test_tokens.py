"""Service account tokens over HTTPS: how long, for which account, and those that live in Secrets."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from controlplane.apiserver.server import ServerSettings
from controlplane.auth import jwt
from controlplane.auth.service_account import Lifetimes
from controlplane.controllers import manager
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from controlplane.testing import memory_api
from controlplane.testing.memory import default_settings
from tests.integration.apiserver.conftest import Asker, Told

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SECRETS = "/api/v1/namespaces/default/secrets"


@asynccontextmanager
async def asking(settings: ServerSettings | None = None) -> AsyncIterator[Asker]:
    async with memory_api(random=Random(7), settings=settings) as api:
        ask = Asker(api)
        await ask("POST", ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}})
        yield ask


async def request(ask: Asker, **more: Any) -> Told:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"} | more
    return await ask("POST", f"{ACCOUNTS}/web/token", body)


def with_lifetimes(lifetimes: Lifetimes) -> ServerSettings:
    settings = default_settings()
    return replace(settings, security=replace(settings.security, lifetimes=lifetimes))


async def test_tokens_are_no_longer_good_than_allowed() -> None:
    async with asking(with_lifetimes(Lifetimes(longest=7200))) as ask:
        told = await request(ask, spec={"expirationSeconds": 86400})
        assert told.status == 201, told
        assert told.body["spec"]["expirationSeconds"] == 7200
        assert told.headers["Warning"] == ('299 - "requested expiration of 86400 seconds shortened to 7200 seconds"')
        claims = jwt.unverified_claims(told.body["status"]["token"])
        assert abs(claims["exp"] - time.time() - 7200) < 60
        assert "Warning" not in (await request(ask, spec={"expirationSeconds": 3600})).headers


async def test_a_token_is_for_the_account_of_that_uid() -> None:
    async with asking() as ask:
        uid = (await ask("GET", f"{ACCOUNTS}/web")).body["metadata"]["uid"]
        assert (await request(ask, metadata={"uid": uid})).status == 201
        told = await request(ask, metadata={"uid": "another"})
        assert (told.status, told.message) == (
            409,
            'Operation cannot be fulfilled on serviceaccounts "web": the UID in the token request (another) does not '
            f"match the UID of the service account ({uid})",
        )


async def told_who(ask: Asker, token: str) -> Any:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    return (await ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)).body["status"]


async def test_a_token_secret_from_its_making_to_its_end() -> None:
    settings, clock = default_settings(), SystemClock()
    wanted = manager.Settings(
        controllers=("serviceaccount-token-controller",), root_ca="the CA", token_key=settings.security.signing_key
    )
    async with asking(settings) as ask:
        client = ask.api.client()
        work = manager.run_all(
            client, lambda _: client, wanted, clock=clock, random=Random(1), registry=CollectorRegistry()
        )
        async with running(work):
            metadata = {"name": "web-token", "annotations": {"kubernetes.io/service-account.name": "web"}}
            body = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
            await ask("POST", SECRETS, {**body, "metadata": metadata})
            secret = await eventually(ask, lambda told: told.status == 200 and "token" in told.body.get("data", {}))
            assert base64.b64decode(secret.body["data"]["ca.crt"]) == b"the CA"
            token = base64.b64decode(secret.body["data"]["token"]).decode()
            status = await told_who(ask, token)
            assert status["user"]["username"] == "system:serviceaccount:default:web"
            await ask("DELETE", f"{ACCOUNTS}/web")
            await eventually(ask, lambda told: told.status == 404)
            assert not (await told_who(ask, token)).get("authenticated")


async def eventually(ask: Asker, good: Any) -> Told:
    """Return the Secret once it is as expected."""
    for _ in range(1000):
        if good(told := await ask("GET", f"{SECRETS}/web-token")):
            return told
        await ask.api.server._clock.sleep(0.01)
    raise AssertionError(f"the Secret stayed {told}")
