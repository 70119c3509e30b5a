"""Files that say who is believed and who decides take effect when they change, if they can be used."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from controlplane.api.status import Unauthorized
from controlplane.apiserver.remotes import Remotes
from controlplane.auth.interface import Credentials, User
from controlplane.cmd.authorities import authorities
from controlplane.cmd.tables import APISERVER
from controlplane.kit.clock import ManualClock
from controlplane.kit.explained import Explained
from controlplane.testing import MemoryApi, memory_api
from controlplane.testing.memory import default_settings

_RELOADS = "apiserver_authorization_config_controller_automatic_reloads_total"
EVE = User("eve", groups=("system:authenticated",))


@asynccontextmanager
async def served(clock: ManualClock, **flags: Any) -> AsyncIterator[MemoryApi]:
    remotes = Remotes(clock)
    chosen = authorities(APISERVER.defaults | {name.replace("_", "-"): value for name, value in flags.items()}, remotes)
    settings = default_settings()
    security = replace(
        settings.security,
        providers=chosen.providers,
        authorization_modes=chosen.modes,
        authorization_file=chosen.authorization_file,
    )
    async with memory_api(clock=clock, random=Random(7), settings=replace(settings, security=security)) as api:
        yield api
    await remotes.close()


def write(file: Path, kind: str, **content: Any) -> Path:
    file.write_text(json.dumps({"apiVersion": "apiserver.config.k8s.io/v1", "kind": kind, **content}))
    return file


def authorizers(*types: str) -> list[Any]:
    return [{"type": one, "name": one.lower()} for one in types]


async def test_authorizers_change(tmp_path: Path) -> None:
    clock = ManualClock()
    file = write(tmp_path / "a", "AuthorizationConfiguration", authorizers=authorizers("Node", "RBAC"))
    async with served(clock, authorization_config=str(file)) as api:

        async def status() -> int:
            return (await api.transport(EVE).request("GET", "/api/v1/secrets")).status

        assert await status() == 403
        write(file, "AuthorizationConfiguration", authorizers=authorizers("RBAC", "AlwaysAllow"))
        await clock.advance(60)
        assert await status() == 200
        write(file, "AuthorizationConfiguration", authorizers=authorizers("RBAC", "RBAC"))
        await clock.advance(60)
        assert await status() == 200  # what cannot be used changes nothing
        write(file, "AuthorizationConfiguration", authorizers=authorizers("RBAC"))
        await clock.advance(60)
        assert await status() == 403
        metrics = (await api.transport().request("GET", "/metrics")).body.decode()
        for outcome, times in (("success", "2.0"), ("failure", "1.0")):
            counted = [line for line in metrics.splitlines() if line.startswith(_RELOADS) and outcome in line]
            assert [line.rpartition(" ")[2] for line in counted] == [times]


async def test_where_strangers_are_let_in_changes(tmp_path: Path) -> None:
    clock, kind = ManualClock(), "AuthenticationConfiguration"
    file = write(tmp_path / "a", kind, anonymous={"enabled": True, "conditions": [{"path": "/livez"}]})
    async with served(clock, authentication_config=str(file)) as api:
        authenticator = api.server.security.authenticator

        async def let_in(path: str) -> bool:
            try:
                return (await authenticator.authenticate(Credentials(path=path))).name == "system:anonymous"
            except Unauthorized:
                return False

        assert (await let_in("/livez"), await let_in("/readyz")) == (True, False)
        write(file, kind, anonymous={"enabled": True})
        await clock.advance(60)
        assert await let_in("/readyz")
        write(file, kind, anonymous={"enabled": False})
        await clock.advance(60)
        assert not await let_in("/livez")
        write(file, kind, jwt=[])  # nothing said: as the flag has it
        await clock.advance(60)
        assert await let_in("/readyz")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"oidc_issuer_url": "https://i.example.com"}, "must be specified together"),
        ({"oidc_groups_claim": "groups"}, "need --oidc-issuer-url and --oidc-client-id"),
        ({"oidc_issuer_url": "http://i", "oidc_client_id": "x"}, "URL scheme must be https"),
        ({"oidc_issuer_url": "https://i", "oidc_client_id": "x", "oidc_required_claim": ["a"]}, "is not key=value"),
        ({"oidc_issuer_url": "https://i", "oidc_client_id": "x", "oidc_signing_algs": ["HS256"]},
         'unsupported signing alg: "HS256"'),
        ({"authorization_mode": ["RBAC", "Webhook"]}, "authorization config file not passed"),
        ({"authorization_mode": ["RBAC", "RBAC"]}, "named twice"),
        ({"authorization_webhook_config_file": "/x"}, "without mode Webhook"),
        ({"authorization_config": "FILE", "authorization_mode": ["RBAC"]}, "can not be specified when"),
        ({"authentication_config": "FILE", "oidc_client_id": "x"}, "mutually exclusive"),
        ({"authentication_config": "/nowhere"}, "cannot read /nowhere"),
        ({"authentication_token_webhook_config_file": "/nowhere"}, "cannot read /nowhere"),
        ({"authentication_token_webhook_config_file": "/x", "authentication_token_webhook_version": "v3"},
         "'v3' is not one of v1, v1beta1"),
    ],
)  # fmt: skip
def test_flags_that_do_not_go_together(tmp_path: Path, flags: dict[str, Any], why: str) -> None:
    file = write(tmp_path / "a", "AuthenticationConfiguration")
    given = {name.replace("_", "-"): str(file) if value == "FILE" else value for name, value in flags.items()}
    with pytest.raises(Explained) as refused:
        authorities(APISERVER.defaults | given, Remotes(ManualClock()))
    assert why in str(refused.value)
