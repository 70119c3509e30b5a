"""The parts of aggregation put together: what `server.py` needs of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from prometheus_client import CollectorRegistry

from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.reader import ObjectReader
from controlplane.apiserver.aggregation.aggregator import Aggregator
from controlplane.apiserver.aggregation.controller import AggregationController, Caches
from controlplane.apiserver.aggregation.discovery import MergedDiscovery
from controlplane.apiserver.aggregation.metrics import AvailabilityMetrics
from controlplane.apiserver.aggregation.openapi import MergedOpenApi
from controlplane.apiserver.aggregation.priorities import Order
from controlplane.apiserver.aggregation.remote import Caller, Contexts, FrontProxy
from controlplane.apiserver.aggregation.trust import TrustConfigMap
from controlplane.apiserver.messages import Page
from controlplane.apiserver.proxying.dialer import Dialer
from controlplane.apiserver.service_resolver import Address, ServiceResolver
from controlplane.apiserver.storage import ResourceStorage
from controlplane.client.client import Client
from controlplane.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class AggregationSettings:
    """The flags that concern other servers."""

    front_proxy: FrontProxy = field(default_factory=FrontProxy)
    to_endpoints: bool = False  # --enable-aggregator-routing
    reject_redirects: bool = True  # --aggregator-reject-forwarding-redirect


class Aggregation:
    """Everything that concerns other servers."""

    def __init__(
        self,
        settings: AggregationSettings,
        reader: ObjectReader,
        dialer: Dialer,
        random: Random,
        registry: CollectorRegistry,
        own: Address,
    ):
        self._reader = reader
        self.resolve = ServiceResolver(reader, random, own, to_endpoints=settings.to_endpoints)
        self._caller = Caller(dialer, self.resolve)
        self._contexts = Contexts(settings.front_proxy)
        self._metrics = AvailabilityMetrics(registry)
        self.aggregator = Aggregator(dialer, self._caller, reject_redirects=settings.reject_redirects)

    def merge(self, discovery: Page, openapi: Page) -> tuple[Page, Page]:
        """Return the pages that answer for all servers, made of those that answer for this one."""
        self._discovery = MergedDiscovery(discovery, lambda: Order.of(self._reader.list(APIService)))
        self._openapi = MergedOpenApi(openapi, self._caller)
        return self._discovery.answer, self._openapi.answer

    async def run(
        self,
        client: Client,
        clock: Clock,
        storages: Mapping[tuple[str, str, str], ResourceStorage],
        trusted: Mapping[str, str],
    ) -> None:
        """Keep APIServices true, and what extension servers have to know, until the server stops."""
        trust = TrustConfigMap(trusted, client, clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(trust.run(storages["", "v1", "configmaps"].cache))
            tasks.create_task(self._follow(client, clock, storages))

    async def _follow(
        self, client: Client, clock: Clock, storages: Mapping[tuple[str, str, str], ResourceStorage]
    ) -> None:
        controller = AggregationController(
            self._reader,
            client,
            clock,
            self.aggregator,
            self._caller,
            self._contexts,
            self._discovery,
            self._openapi,
            self._metrics,
        )
        await controller.run(
            Caches(
                storages["apiregistration.k8s.io", "v1", "apiservices"].cache,
                storages["", "v1", "services"].cache,
                storages["discovery.k8s.io", "v1", "endpointslices"].cache,
                storages["apiextensions.k8s.io", "v1", "customresourcedefinitions"].cache,
            )
        )
