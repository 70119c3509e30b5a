"""HTTP servers for tests, and a dialer that finds them behind the addresses of a pod network."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from controlplane.apiserver.proxying.client import HttpDialer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class PodNetwork:
    """Which loopback port stands for which address of the cluster."""

    ports: dict[tuple[str, int], int] = field(default_factory=dict)

    def way(self, host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", self.ports.get((host, port), 1)  # nobody listens on port 1

    @asynccontextmanager
    async def serving(
        self, host: str, port: int, handler: Handler, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[None]:
        """Answer requests to host:port with `handler`."""
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            self.ports[host, port] = runner.addresses[0][1]
            yield
        finally:
            self.ports.pop((host, port), None)
            await runner.cleanup()

    @asynccontextmanager
    async def dialer(self) -> AsyncIterator[HttpDialer]:
        dialer = HttpDialer(self.way)
        try:
            yield dialer
        finally:
            await dialer.close()
