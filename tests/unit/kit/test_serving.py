"""Health to everybody, everything else to whom the guard lets in."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from controlplane.client.client import Client
from controlplane.client.delegated import DelegatedGuard
from controlplane.kit.clock import ManualClock
from controlplane.kit.explained import Explained
from controlplane.kit.serving import Caller, follow_certificate, health_pages, metrics_page, serve
from controlplane.pki.issue import new_authority
from tests.fakes.api import FakeApi


def an_api(clock: ManualClock) -> FakeApi:
    api = FakeApi(clock)
    api.users = {"good": {"username": "prometheus", "groups": ["system:authenticated"]}}
    api.allows = lambda spec: spec["user"] == "prometheus"
    return api


@pytest.mark.parametrize(
    ("path", "token", "status", "text"),
    [
        pytest.param("/healthz", "", 200, "ok", id="health needs no name"),
        pytest.param("/readyz?verbose", "", 500, "[-]informer-sync failed: pods", id="not ready, and why"),
        pytest.param("/livez", "", 200, "ok", id="alive"),
        pytest.param("/metrics", "", 403, 'User "system:anonymous" cannot get path "/metrics"', id="anonymous"),
        pytest.param("/metrics", "bad", 401, "Unauthorized", id="unknown token"),
        pytest.param("/metrics", "good", 200, "things_total 1.0", id="allowed"),
    ],
)
async def test_pages(path: str, token: str, status: int, text: str) -> None:
    registry, clock = CollectorRegistry(), ManualClock()
    Counter("things", "Things.", registry=registry).inc()
    pages = health_pages({}) | {"/readyz": health_pages({"informer-sync": lambda: "pods"})["/readyz"]}
    guard = DelegatedGuard(Client(an_api(clock)), clock)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        serve({"/metrics": metrics_page(registry), **pages}, "127.0.0.1", 0, tls=None, guard=guard) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer,
    ):
        assert answer.status == status
        assert text in await answer.text()


async def test_taken_port_is_explained() -> None:
    async with serve({}, "127.0.0.1", 0, tls=None) as port:
        with pytest.raises(Explained, match="cannot listen"):
            async with serve({}, "127.0.0.1", port, tls=None):
                pass


async def test_answers_are_kept_for_ten_seconds_and_failures_never() -> None:
    clock = ManualClock()
    api = an_api(clock)
    guard = DelegatedGuard(Client(api), clock)
    caller = Caller(token="good")
    api.unreachable = True
    refusal = await guard.refuse(caller, "GET", "/metrics")
    assert refusal is not None and refusal.status == 503
    api.unreachable = False
    assert await guard.refuse(caller, "GET", "/metrics") is None
    asked = len(api.requests)
    assert await guard.refuse(caller, "GET", "/metrics") is None
    assert len(api.requests) == asked
    api.users.clear()
    await clock.advance(11)
    refusal = await guard.refuse(caller, "GET", "/metrics")
    assert refusal is not None and refusal.status == 401


async def test_verified_certificate_speaks_for_itself() -> None:
    clock = ManualClock()
    guard = DelegatedGuard(Client(an_api(clock)), clock)
    user = await guard.authenticate(Caller(common_name="admin", organizations=("system:masters",)))
    assert user is not None
    assert (user.username, user.groups) == ("admin", ["system:masters", "system:authenticated"])


class Recording(ssl.SSLContext):
    loads = 0

    def load_cert_chain(self, *files: Any) -> None:  # type: ignore[override]
        super().load_cert_chain(*files)
        self.loads += 1


async def test_a_replaced_certificate_is_followed_and_a_broken_one_ends_nothing(tmp_path: Path) -> None:
    clock, context = ManualClock(), Recording(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def replace(minute: int, content: bytes = b"") -> None:
        pair = new_authority("test", datetime(2026, 1, 1, tzinfo=UTC))
        key.write_bytes(pair.key_pem)
        certificate.write_bytes(content or pair.certificate_pem)
        os.utime(certificate, (minute, minute))

    replace(0)
    following = asyncio.ensure_future(follow_certificate(context, certificate, key, clock))
    await clock.advance(61)
    assert context.loads == 0
    replace(1)
    await clock.advance(61)
    assert context.loads == 1
    replace(2, b"half a certificate")
    await clock.advance(61)
    certificate.unlink()
    await clock.advance(61)
    assert context.loads == 1 and not following.done()
    replace(3)
    await clock.advance(61)
    assert context.loads == 2
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
