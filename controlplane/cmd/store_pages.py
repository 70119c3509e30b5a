"""Health and metrics of `controlplane store`, under the names that etcd's have in dashboards and alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import Gauge

from controlplane.cmd.settings import SettingsError
from controlplane.kit.metrics import CONTENT_TYPE, new_registry, render
from controlplane.kit.serving import Page, health_pages, serve, server_context
from controlplane.store.etcd.server.replies import VERSION
from controlplane.store.interface import StoreError

if TYPE_CHECKING:
    from controlplane.store.etcd.tls import Identity
    from controlplane.store.interface import ServedStore


class StorePages:
    """What is asked of the store when somebody looks."""

    def __init__(self, store: ServedStore, problem: str):
        self._store, self._problem = store, problem
        self._registry = new_registry(VERSION)
        self._size = self._gauge("etcd_mvcc_db_total_size_in_bytes", "Bytes of the database.")
        self._revision = self._gauge("etcd_debugging_mvcc_current_revision", "The newest revision.")
        self._compacted = self._gauge("etcd_debugging_mvcc_compact_revision", "The history before is gone.")
        self._keys = self._gauge("etcd_debugging_mvcc_keys_total", "Keys that there are.")
        for name in ("etcd_server_has_leader", "etcd_server_is_leader"):
            self._gauge(name, "1: the only member always leads.").set(1)
        version = Gauge("etcd_server_version", "The protocol's version.", ["server_version"], registry=self._registry)
        version.labels(VERSION).set(1)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(name, help_, registry=self._registry)

    def routes(self) -> dict[str, Page]:
        return {
            "/metrics": self._metrics,
            "/health": self._health,
            **health_pages({"store": lambda: self._problem}, live={}),
        }

    async def _metrics(self, _: web.Request) -> web.Response:
        try:
            self._size.set(await self._store.size())
            self._revision.set(await self._store.revision())
            self._compacted.set(await self._store.compacted())
            page = await self._store.scan("", None, limit=1)
            self._keys.set(len(page.records) + page.remaining)
        except StoreError as error:
            return web.Response(text=f"{error}\n", status=503)
        return web.Response(body=render(self._registry), headers={"Content-Type": CONTENT_TYPE})

    async def _health(self, _: web.Request) -> web.Response:
        """Answer as etcd does."""
        if self._problem:
            return web.json_response({"health": "false", "reason": self._problem}, status=503)
        return web.json_response({"health": "true", "reason": ""})


@asynccontextmanager
async def store_pages(store: ServedStore, problem: str, urls: Sequence[str], identity: Identity) -> AsyncIterator[None]:
    """Serve the pages at URLs until the block ends. Raises Explained."""
    routes = StorePages(store, problem).routes()
    async with AsyncExitStack() as stack:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port is None:
                raise SettingsError(f"--listen-metrics-urls: {url!r} is not like http://127.0.0.1:2381")
            tls = None
            if parts.scheme == "https" and identity.certificate and identity.key:
                tls = server_context(identity.certificate, identity.key, identity.authority)
            await stack.enter_async_context(serve(routes, parts.hostname, parts.port, tls=tls))
        yield
