"""An API server over HTTPS that asks a server elsewhere who calls and what they may."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from controlplane.apiserver.remotes import Remotes
from controlplane.cmd.authorities import authorities
from controlplane.cmd.tables import APISERVER
from controlplane.kit.clock import SystemClock
from controlplane.testing import HttpsApi, https_api
from controlplane.testing.memory import default_settings
from tests.fakes.elsewhere import Elsewhere, elsewhere


@dataclass
class Caller:
    """Somebody who calls an API server with a token, or with nothing."""

    api: HttpsApi
    session: aiohttp.ClientSession

    async def __call__(self, path: str, token: str = "", *, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        method = "GET" if body is None else "POST"
        async with self.session.request(method, self.api.url + path, json=body, headers={**sent, **headers}) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def whoami(self, token: str) -> Any:
        body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
        status, review = await self("/apis/authentication.k8s.io/v1/selfsubjectreviews", token, body=body)
        return review["status"]["userInfo"] if status == 201 else status


@asynccontextmanager
async def calling(directory: Path, **flags: Any) -> AsyncIterator[Caller]:
    """Run an API server with these flags, as `controlplane apiserver` would."""
    clock = SystemClock()
    remotes = Remotes(clock)
    given = APISERVER.defaults | {name.replace("_", "-"): value for name, value in flags.items()}
    try:
        chosen = authorities(given, remotes)
        settings = default_settings()
        security = replace(
            settings.security,
            providers=chosen.providers,
            token_webhook=chosen.token_webhook,
            authorization_modes=chosen.modes,
            authorization_file=chosen.authorization_file,
        )
        async with https_api(directory, settings=replace(settings, security=security)) as api:
            connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(api.ca_file)))
            async with aiohttp.ClientSession(connector=connector) as session:
                yield Caller(api, session)
    finally:
        await remotes.close()


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path) as server:
        yield server
