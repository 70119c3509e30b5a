"""The API server put together, part by part: each is made in the room it belongs to. `cmd` gives it sockets.

async with ApiServer.running(store, settings, clock, random) as server:
    async with HttpServer(server.pipeline.handle, tls).listening(host, port): ...

    store        timed, and sealed where there is an encryption configuration
    cache        what is in it, encoded; `reader` is how auth, admission and all others here read objects
    security     who calls, may they, what policy says
    catalog      what is served, each resource with its storage
    pipeline     what a request passes through

Whatever goes on besides answering requests is listed in `_background` and `_once_started`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from controlplane.admission.metrics import AdmissionMetrics
from controlplane.api.core_v1 import Namespace, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.networking_v1 import IPAddress
from controlplane.api.resources import RESOURCES, USAGE
from controlplane.apiserver.aggregation.assembly import Aggregation, AggregationSettings
from controlplane.apiserver.aggregation.trust import trust_data
from controlplane.apiserver.allocation import AddressRange, IpAddressKeeper, PortRange, ServiceAllocator
from controlplane.apiserver.audit import Auditor, AuditSettings
from controlplane.apiserver.audit.auditor import AuditMetrics
from controlplane.apiserver.authorization import WebhookMetrics
from controlplane.apiserver.backend import Backend
from controlplane.apiserver.bootstrap import Advertised, keep_own_service, write_bootstrap_objects
from controlplane.apiserver.catalog import Catalog, built_in_caches, built_in_storages
from controlplane.apiserver.component_health import Probe, components, probe_https
from controlplane.apiserver.customresources.controller import Definitions
from controlplane.apiserver.customresources.conversion import converter_of
from controlplane.apiserver.customresources.serving import Materials as CustomMaterials
from controlplane.apiserver.discovery import CurrentDiscovery
from controlplane.apiserver.flowcontrol import FlowControl, upkeep
from controlplane.apiserver.flowcontrol.estimate import counted_in
from controlplane.apiserver.health import Stage, server_health
from controlplane.apiserver.loopback import LoopbackTransport
from controlplane.apiserver.messages import Page
from controlplane.apiserver.metrics import ApiServerMetrics, StoreMetrics
from controlplane.apiserver.names import generate_uid
from controlplane.apiserver.node_dialer import PREFERRED_ADDRESSES, NodeDialer, NoNodes
from controlplane.apiserver.pages import (
    discovery_page,
    dump_page,
    fixed_documents,
    fixed_page,
    health_page,
    index_page,
    metrics_page,
    openapi_page,
)
from controlplane.apiserver.pipeline import Limits, Pipeline
from controlplane.apiserver.proxying.dialer import Dialer, Nowhere
from controlplane.apiserver.quota_ledger import StoredQuotas
from controlplane.apiserver.reader import CacheReader
from controlplane.apiserver.reload import Followed, Follower, ReloadMetrics
from controlplane.apiserver.security import Dynamic, Security, SecuritySettings, build
from controlplane.apiserver.service_resolver import Address, ServiceResolver
from controlplane.apiserver.timed_store import TimedStore
from controlplane.apiserver.usage.scraper import NodeScraper
from controlplane.apiserver.version import version_info
from controlplane.apiserver.virtual import VIRTUAL
from controlplane.apiserver.watch_cache import WatchCache
from controlplane.apiserver.webhooks.client import WebhookClient
from controlplane.apiserver.webhooks.served import ServedObjects
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.metrics import new_registry
from controlplane.kit.tasks import running
from controlplane.kit.timestamps import format_time
from controlplane.store.damaged import DamagedStore
from controlplane.store.interface import Store, StoreError

if TYPE_CHECKING:
    from controlplane.apiserver.encryption import EncryptionSettings  # who does not encrypt needs no NaCl

_NODE_PORTS = PortRange(30000, 32767)
_NOT_AGGREGATED = AggregationSettings()


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server needs to know besides who may use it."""

    security: SecuritySettings
    advertise_address: str = "127.0.0.1"
    secure_port: int = 6443
    service_cidrs: tuple[str, ...] = ("10.96.0.0/12",)
    node_ports: PortRange = _NODE_PORTS
    event_ttl: int = 3600  # seconds
    node_address_types: tuple[str, ...] = PREFERRED_ADDRESSES
    shortest_watch: int = 1800  # seconds
    max_reads: int = 400  # under way at once; 0: any number
    max_writes: int = 200
    priority_and_fairness: bool = True  # share max_reads + max_writes by priority, instead of counting them apart
    request_timeout: float = 60.0  # seconds
    audit: AuditSettings | None = None
    encryption: EncryptionSettings | None = None  # --encryption-provider-config; None: nothing is encrypted at rest
    probe: Probe = probe_https  # asks the other components how they are
    aggregation: AggregationSettings = _NOT_AGGREGATED

    @property
    def own(self) -> Address:
        """Where this server listens."""
        return Address(self.advertise_address, self.secure_port)

    @property
    def seats(self) -> int:
        """What priority and fairness shares; 0: there is none."""
        return self.max_reads + self.max_writes if self.priority_and_fairness else 0

    @property
    def advertised(self) -> Advertised:
        first = AddressRange(ipaddress.ip_network(self.service_cidrs[0])).first
        return Advertised(str(first), self.advertise_address, self.secure_port, self.service_cidrs)


class ApiServer:
    """Everything behind the pipeline."""

    def __init__(
        self, store: Store, settings: ServerSettings, clock: Clock, random: Random, nodes: NodeDialer, dialer: Dialer
    ):
        self.settings, self._clock, self._random = settings, clock, random
        self.version, self._stage = version_info(), Stage()
        self.registry = new_registry(self.version.git_version)
        self._store, followed = self._kept_in(store)
        self.cache, self.reader = WatchCache(self._store, clock, built_in_caches()), CacheReader()
        self.webhooks = WebhookClient(ServiceResolver(self.reader, random, settings.own, to_endpoints=True))
        served, quotas = ServedObjects(), StoredQuotas(clock)
        self.security = self._secured(served, quotas)
        self._followers = [self._follower(one) for one in (*followed, *self.security.followed)]
        self.catalog, self._allocator = self._filled()
        served.attach(self.catalog)
        quotas.attach(self.catalog.storages["", "v1", "resourcequotas"])
        self._aggregation = Aggregation(settings.aggregation, self.reader, dialer, random, self.registry, settings.own)
        self.flow = self._flow_control()
        audit_metrics = AuditMetrics(self.registry)
        self.auditor = Auditor(settings.audit, clock, random, audit_metrics) if settings.audit else None
        self.pipeline = Pipeline(
            self._backend(nodes, dialer),
            self.security.authenticator,
            self._pages(),
            ApiServerMetrics(self.registry),
            random,
            Limits(settings.max_reads, settings.max_writes, settings.request_timeout),
            self.flow,
            self.auditor,
            self._aggregation.aggregator,
        )
        self.definitions = self._custom_resources()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        store: Store,
        settings: ServerSettings,
        clock: Clock,
        random: Random,
        nodes: NodeDialer | None = None,
        dialer: Dialer | None = None,
    ) -> AsyncIterator[ApiServer]:
        """Make a server over a store, and keep it up to date with the store until the block ends."""
        server = cls(store, settings, clock, random, nodes or NoNodes(), dialer or Nowhere())
        await server.definitions.load()
        await server.cache.load()
        audited = server.auditor.running() if server.auditor is not None else nullcontext()
        async with audited, server.webhooks, running(*server._background()):
            await server.cache.fresh()
            if not isinstance(store, DamagedStore):  # which takes no writes, and is there to be read
                await write_bootstrap_objects(server.client(), settings.advertised, format_time(clock.now()))
            async with server._flow_kept(), running(*server._once_started()):
                server._stage.started = True
                try:
                    yield server
                finally:
                    server.stop()

    def stop(self) -> None:
        """Say not ready, and end the watches, which would not end by themselves."""
        self._stage.stopping = True
        self.cache.close()

    def client(self, user_agent: str = "kube-apiserver") -> Client:
        """Return a client of the server itself, who may do anything."""
        return Client(LoopbackTransport(self.pipeline.handle), user_agent=user_agent)

    async def _provide_namespace(self, name: str) -> None:
        await self.client().create(Namespace(metadata=ObjectMeta(name=name)))

    # --- what runs besides requests

    def _background(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs as long as the server does."""
        services, addresses = (self.reader.cache_of(type_) for type_ in (Service, IPAddress))
        shown = IpAddressKeeper(self.reader, services, addresses, self._allocator.reserved, self.client(), self._clock)
        others = (run() for run in self.security.background)
        followers = (one.run() for one in self._followers)
        return [self.cache.follow(), self.cache.tick(), shown.run(), self.definitions.run(), *others, *followers]

    def _once_started(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs as soon as the first objects are there."""
        security = self.settings.security
        trusted = trust_data(security.client_ca, security.request_headers)
        return [
            self._aggregation.run(self.client(), self._clock, self.catalog.storages, trusted),
            keep_own_service(self.client(), self.settings.advertised, self._clock),
        ]

    def _flow_kept(self) -> AbstractAsyncContextManager[None]:
        if self.flow is None:
            return nullcontext()
        client = self.client(upkeep.PRODUCER)
        return upkeep.kept(self.flow, client, self.reader, self.cache, self._clock)

    def _follower(self, followed: Followed) -> Follower:
        metrics = ReloadMetrics(self.registry, followed.controller, self.settings.advertise_address)
        return Follower(followed, self._clock, metrics)

    # --- the parts

    def _kept_in(self, store: Store) -> tuple[Store, Sequence[Followed]]:
        """Return the store as everything here uses it, and the files that say how it is sealed."""
        timed = TimedStore(store, self._clock, StoreMetrics(self.registry))
        encryption = self.settings.encryption
        return (timed, ()) if encryption is None else encryption.over(timed, self.registry, self._clock)

    def _secured(self, served: ServedObjects, quotas: StoredQuotas) -> Security:
        metrics = AdmissionMetrics(self.registry)
        return build(
            self.settings.security,
            self.reader,
            self._clock,
            self._random,
            new_uuid=partial(generate_uid, self._random),
            observer=WebhookMetrics(self.registry),
            dynamic=Dynamic(served, self.webhooks, metrics, lambda: self._stage.started),
            quotas=quotas,
            provide=self._provide_namespace,
        )

    def _filled(self) -> tuple[Catalog, ServiceAllocator]:
        """Return the catalog with what every server has in it, and who gives Services their addresses."""
        settings = self.settings
        storages = built_in_storages(self._store, self.cache, settings.event_ttl)
        self.reader.attach(storages)
        allocator = ServiceAllocator(
            self.reader, self.cache.fresh, settings.service_cidrs, settings.node_ports, self._random
        )
        storages["", "v1", "services"].allocator = allocator
        return Catalog((*RESOURCES, *USAGE), storages.values()), allocator

    def _flow_control(self) -> FlowControl | None:
        if not self.settings.seats:
            return None
        flow = FlowControl(self.reader, self._clock, self.settings.seats, counted_in(self.catalog))
        self.registry.register(flow.metrics)
        return flow

    def _backend(self, nodes: NodeDialer, dialer: Dialer) -> Backend:
        security, settings = self.security, self.settings
        return Backend(
            clock=self._clock,
            random=self._random,
            cache=self.cache,
            catalog=self.catalog,
            admission=security.admission,
            authorizer=security.authorizer,
            virtual={key: virtual.make(security.dependencies) for key, virtual in VIRTUAL.items()},
            nodes=nodes,
            components=components(settings.probe, self._store_answers),
            usage=NodeScraper(nodes, self._clock),
            dialer=dialer,
            node_address_types=settings.node_address_types,
            shortest_watch=settings.shortest_watch,
        )

    def _pages(self) -> list[Page]:
        discovery = CurrentDiscovery(self.catalog, f"{self.settings.advertise_address}:{self.settings.secure_port}")
        documents = fixed_documents(self.version, self.security.public_documents)
        health = server_health(self._store_answers, self._stage, fairness=self.settings.priority_and_fairness)
        openapi = openapi_page(self.version.git_version, self.catalog)
        return [
            index_page(documents, health, discovery),
            fixed_page(documents),
            *self._aggregation.merge(discovery_page(discovery), openapi),
            health_page(health),
            metrics_page(self.registry),
            dump_page(self.flow, self._clock),
        ]

    def _custom_resources(self) -> Definitions:
        new_uid = partial(generate_uid, self._random)
        converter_for = partial(converter_of, client=self.webhooks, new_uid=new_uid)
        materials = CustomMaterials(self._store, self.cache, converter_for)
        return Definitions(self.catalog, materials, self.client(), self._clock)

    async def _store_answers(self) -> str:
        try:
            await self._store.revision()
        except StoreError as error:
            return str(error)
        return ""
