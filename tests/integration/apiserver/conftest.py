"""An API server in this process, and a short way to ask it something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest

from controlplane.apiserver.loopback import SYSTEM
from controlplane.auth.interface import User
from controlplane.testing import MemoryApi, memory_api

Document = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """An answer: its status, its decoded body and its headers."""

    status: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))


@dataclass(frozen=True)
class Asker:
    """Sends requests straight into the pipeline."""

    api: MemoryApi

    async def __call__(
        self,
        method: str,
        path: str,
        body: Document | bytes | None = None,
        *,
        user: User = SYSTEM,
        content_type: str = "application/json",
        accept: str = "application/json",
        **query: str,
    ) -> Told:
        path, _, inline = path.partition("?")
        pairs = [tuple(pair.split("=", 1)) for pair in inline.split("&") if pair] + list(query.items())
        sent = msgspec.json.encode(body) if isinstance(body, dict | list) else body
        answer = await self.api.transport(user).request(
            method, path, query=pairs, body=sent, content_type=content_type, headers={"Accept": accept}
        )
        try:
            told = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            told = answer.body.decode()
        return Told(answer.status, told, answer.headers)


@pytest.fixture
async def api() -> AsyncIterator[MemoryApi]:
    async with memory_api(random=Random(7)) as running:
        yield running


@pytest.fixture
def ask(api: MemoryApi) -> Asker:
    return Asker(api)


def pod(name: str = "web", **metadata: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata} if name else metadata,
        "spec": {"containers": [{"name": "main", "image": "nginx"}]},
    }


def config_map(name: str = "cm", data: dict[str, str] | None = None, **metadata: Any) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata} if name else metadata,
        "data": data or {"key": "value"},
    }
