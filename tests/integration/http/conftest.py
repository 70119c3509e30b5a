"""Every test of this room runs on both event loops, with and without TLS: the server's is uvloop, that of tests is not.

Their transports differ: in when they write, in what they do at the end of a connection, in how they are handed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from controlplane.apiserver.http_connection import Handle
from controlplane.apiserver.tls import server_context
from controlplane.kit.clock import SystemClock
from controlplane.pki.issue import Leaf, issue, new_authority
from tests.fakes.raw_http import RawCaller, echo, serving

AUTHORITY = new_authority("the CA", SystemClock().now())

Calling = Callable[..., AbstractAsyncContextManager[RawCaller]]


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Any]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Tls:
    """Both ends of it; the caller has a certificate."""

    def __init__(self, directory: Path):
        now = SystemClock().now()
        server = Leaf("server", (), ("localhost",), ("127.0.0.1",), ("server auth",))
        pairs = {"server": issue(server, AUTHORITY, now), "jane": issue(Leaf("jane"), AUTHORITY, now), "ca": AUTHORITY}
        for name, pair in pairs.items():
            (directory / f"{name}.crt").write_bytes(pair.certificate_pem)
            (directory / f"{name}.key").write_bytes(pair.key_pem)
        self.server = server_context(directory / "server.crt", directory / "server.key", directory / "ca.crt")
        self.client = ssl.create_default_context(cafile=str(directory / "ca.crt"))
        self.client.load_cert_chain(directory / "jane.crt", directory / "jane.key")


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def tls(request: pytest.FixtureRequest, tmp_path: Path) -> Tls | None:
    return Tls(tmp_path) if request.param else None


@pytest.fixture
def calling(tls: Tls | None) -> Calling:
    """Serve with a handler, and call."""

    @contextlib.asynccontextmanager
    async def call(handle: Handle = echo, drain: float = 0.2) -> AsyncIterator[RawCaller]:
        async with (
            serving(handle, tls and tls.server, drain=drain) as port,
            RawCaller.calling(port, tls and tls.client) as caller,
        ):
            yield caller

    return call
