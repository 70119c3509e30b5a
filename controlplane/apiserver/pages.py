"""What is answered at paths that are no resource's, besides discovery: the first page that knows a path.

/                     index_page      every path there is
/version, /openid …   fixed_page      documents that stay as they are
/openapi …            openapi_page    the documents of OpenAPI
/livez, /readyz …     health_page
/metrics              metrics_page
/debug/api_…          dump_page       what priority and fairness is doing
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from controlplane.api.codec import encode
from controlplane.api.version import Info
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.discovery import CurrentDiscovery
from controlplane.apiserver.flowcontrol import FlowControl, dump
from controlplane.apiserver.health import Health
from controlplane.apiserver.messages import Page, Request, Response
from controlplane.apiserver.virtual import openid
from controlplane.kit.clock import Clock
from controlplane.kit.metrics import CONTENT_TYPE, render

if TYPE_CHECKING:
    from controlplane.apiserver.openapi.documents import OpenApi

_OTHERS = ("/metrics", "/openapi/v2", "/openapi/v3")


def fixed_documents(version: Info, public: Mapping[str, openid.PublicDocument]) -> Mapping[str, Response]:
    """Return the documents that stay as they are, by path."""
    caching = {"Cache-Control": openid.CACHE_CONTROL}
    told = {path: Response(200, one.body, one.content_type, caching) for path, one in public.items()}
    return {"/version": Response(200, encode(version)), **told}


def index_page(documents: Iterable[str], health: Health, discovery: CurrentDiscovery) -> Page:
    fixed_paths = {*documents, *health.paths, *_OTHERS}

    async def index(request: Request) -> Response | None:
        if request.path != "/":
            return None
        return Response(200, encode({"paths": sorted({*fixed_paths, *discovery.now.paths})}))

    return index


def fixed_page(documents: Mapping[str, Response]) -> Page:
    async def fixed(request: Request) -> Response | None:
        known = documents.get(request.path.rstrip("/"))
        return None if known is None else Response(known.status, known.body, known.content_type, dict(known.headers))

    return fixed


def discovery_page(discovery: CurrentDiscovery) -> Page:
    async def discovered(request: Request) -> Response | None:
        return discovery.now.answer(request)

    return discovered


def openapi_page(version: str, catalog: Catalog) -> Page:
    """Return the page of OpenAPI's documents, which is put together when somebody first asks for one."""

    @cache
    def documents() -> OpenApi:
        from controlplane.apiserver.customresources.openapi import PublishedKinds
        from controlplane.apiserver.openapi.documents import OpenApi

        return OpenApi(version, custom=PublishedKinds(catalog))

    async def described(request: Request) -> Response | None:
        return await documents().answer(request) if request.path.startswith("/openapi/") else None

    return described


def health_page(health: Health) -> Page:
    async def healthy(request: Request) -> Response | None:
        return await health.answer(request.path, request.query)

    return healthy


def metrics_page(registry: CollectorRegistry) -> Page:
    async def metrics(request: Request) -> Response | None:
        return Response(200, render(registry), CONTENT_TYPE) if request.path == "/metrics" else None

    return metrics


def dump_page(flow: FlowControl | None, clock: Clock) -> Page:
    async def dumped(request: Request) -> Response | None:
        if flow is None:
            return None
        return dump.answer(flow, request.path, request.query, clock.now(), clock.monotonic())

    return dumped
