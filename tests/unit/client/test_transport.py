"""Over a real socket: lines of any length, being told to wait, and what a broken connection is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from controlplane.api.core_v1 import ConfigMap
from controlplane.api.status import NotFound, ServiceUnavailable
from controlplane.client.client import Client
from controlplane.client.metrics import RestClientMetrics
from controlplane.client.transport import HttpTransport, Unreachable
from controlplane.kit.clock import ManualClock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def a_server(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_stream_cuts_lines_wherever_the_chunks_end() -> None:
    long = b"x" * 300_000

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for chunk in (b"one\ntw", b"o\n\n", long, b"\nunfinished"):
            await answer.write(chunk)
        return answer

    async with (
        a_server(handler) as url,
        HttpTransport(url, ManualClock()) as transport,
        transport.stream("GET", "/") as lines,
    ):
        assert [line async for line in lines] == [b"one", b"two", long]


async def test_streams_leave_requests_their_connections() -> None:
    """A controller watches every custom resource there is: however many, it still writes."""

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"begun\n")
        if request.path == "/watched":
            await asyncio.Event().wait()
        return answer

    async with (
        a_server(handler) as url,
        HttpTransport(url, ManualClock(), connections=1, timeout=5) as transport,
        transport.stream("GET", "/watched"),
        transport.stream("GET", "/watched"),
    ):
        assert (await transport.request("GET", "/")).body == b"begun\n"


async def test_connection_that_breaks_in_a_stream_is_unreachable() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"one\n")
        assert request.transport is not None
        request.transport.abort()
        return answer

    seen = []
    async with a_server(handler) as url, HttpTransport(url, ManualClock()) as transport:
        with pytest.raises(Unreachable):
            async with transport.stream("GET", "/") as lines:
                async for line in lines:
                    seen.append(line)  # noqa: PERF401 - what came before the break counts
    assert seen == [b"one"]


async def test_nobody_listens() -> None:
    async with HttpTransport("http://127.0.0.1:1", ManualClock()) as transport:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/healthz: "):
            await transport.request("GET", "/healthz")


async def test_told_to_wait_it_waits_and_asks_again() -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": "3"}) if asked < 3 else web.Response(text="{}")

    clock = ManualClock()
    async with a_server(handler) as url, HttpTransport(url, clock) as transport:
        asking = asyncio.create_task(transport.request("GET", "/"))
        while not asking.done():
            await asyncio.sleep(0.005)
            await clock.advance(1)
        assert (await asking).status == 200
        assert clock.monotonic() >= 6 and asked == 3


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        pytest.param(
            404,
            b'{"kind":"Status","reason":"NotFound","code":404,"message":"configmaps \\"a\\" not found"}',
            NotFound,
            'configmaps "a" not found',
            id="a Status",
        ),
        pytest.param(503, b"no backend", ServiceUnavailable, "no backend", id="a proxy's words"),
        pytest.param(404, b"", NotFound, "status 404", id="nothing"),
        pytest.param(404, b'{"kind":"Pod"}', NotFound, "Pod", id="something else entirely"),
    ],
)
async def test_failures(status: int, body: bytes, error: type[Exception], message: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with a_server(handler) as url, HttpTransport(url, ManualClock()) as transport:
        with pytest.raises(error, match=message):
            await Client(transport).get(ConfigMap, "a", "default")


async def test_query_token_and_metrics() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"data": {**request.query, "auth": request.headers.get("Authorization", "")}})

    registry = CollectorRegistry()
    async with (
        a_server(handler) as url,
        HttpTransport(url, ManualClock(), token=lambda: "t", metrics=RestClientMetrics(registry)) as transport,
    ):
        answer = await transport.request("GET", "/x", query=[("labelSelector", "a=b,c in (d, e)"), ("q", "ä&/")])
        assert b'"labelSelector": "a=b,c in (d, e)"' in answer.body and b'"auth": "Bearer t"' in answer.body
        host = url.removeprefix("http://")
        labels = {"code": "200", "host": host, "method": "GET"}
        assert registry.get_sample_value("rest_client_requests_total", labels) == 1
