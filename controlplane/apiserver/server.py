"""The API server put together: store, watch cache, storages, security, pipeline. `cmd` gives it sockets.

async with ApiServer.running(store, settings, clock, random) as server:
    async with HttpServer(server.pipeline.handle, tls).listening(host, port): ...
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from controlplane.admission.metrics import AdmissionMetrics
from controlplane.api.codec import encode
from controlplane.api.core_v1 import Namespace, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.networking_v1 import IPAddress
from controlplane.api.resources import RESOURCES
from controlplane.apiserver.aggregation.assembly import Aggregation, AggregationSettings
from controlplane.apiserver.aggregation.trust import TrustConfigMap, trust_data
from controlplane.apiserver.allocation import AddressRange, IpAddressKeeper, PortRange, ServiceAllocator
from controlplane.apiserver.audit import Auditor, AuditSettings
from controlplane.apiserver.audit.auditor import AuditMetrics
from controlplane.apiserver.authorization import WebhookMetrics
from controlplane.apiserver.backend import Backend
from controlplane.apiserver.bootstrap import Advertised, write_bootstrap_objects
from controlplane.apiserver.cached_object import opening
from controlplane.apiserver.catalog import Catalog, Key
from controlplane.apiserver.component_health import Components, Probe, components, probe_https
from controlplane.apiserver.conversions import stored_as
from controlplane.apiserver.customresources.controller import Definitions
from controlplane.apiserver.customresources.conversion import converter_of
from controlplane.apiserver.customresources.openapi import PublishedKinds
from controlplane.apiserver.customresources.serving import Materials as CustomMaterials
from controlplane.apiserver.discovery import CurrentDiscovery
from controlplane.apiserver.flowcontrol import FlowControl, dump, upkeep
from controlplane.apiserver.health import Health, ping
from controlplane.apiserver.loopback import LoopbackTransport
from controlplane.apiserver.messages import Request, Response
from controlplane.apiserver.metrics import ApiServerMetrics, StoreMetrics
from controlplane.apiserver.names import generate_uid
from controlplane.apiserver.node_dialer import PREFERRED_ADDRESSES, NodeDialer, NoNodes
from controlplane.apiserver.openapi import OpenApi
from controlplane.apiserver.pipeline import Limits, Page, Pipeline
from controlplane.apiserver.proxying.dialer import Dialer, Nowhere
from controlplane.apiserver.quota_ledger import StoredQuotas
from controlplane.apiserver.reader import CacheReader
from controlplane.apiserver.reload import Followed, Follower, ReloadMetrics
from controlplane.apiserver.security import Dynamic, Security, SecuritySettings, build
from controlplane.apiserver.service_resolver import Address, ServiceResolver
from controlplane.apiserver.storage import ResourceStorage, prefix_of
from controlplane.apiserver.strategies import strategy_for
from controlplane.apiserver.timed_store import TimedStore
from controlplane.apiserver.version import version_info
from controlplane.apiserver.virtual import VIRTUAL, openid
from controlplane.apiserver.watch_cache import ResourceCache, WatchCache
from controlplane.apiserver.webhooks.client import WebhookClient
from controlplane.apiserver.webhooks.served import ServedObjects
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.metrics import CONTENT_TYPE, new_registry, render
from controlplane.kit.tasks import running
from controlplane.kit.timestamps import format_time
from controlplane.store.damaged import DamagedStore
from controlplane.store.interface import Store, StoreError

if TYPE_CHECKING:
    from controlplane.apiserver.encryption import EncryptionSettings

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


class ApiServer:
    """Everything behind the pipeline."""

    def __init__(
        self,
        store: Store,
        settings: ServerSettings,
        clock: Clock,
        random: Random,
        nodes: NodeDialer,
        dialer: Dialer | None = None,
    ):
        self.settings, self._clock = settings, clock
        self.version = version_info()
        self.registry = new_registry(self.version.git_version)
        self._store: Store = TimedStore(store, clock, StoreMetrics(self.registry))
        self._background: list[Callable[[], Coroutine[Any, Any, None]]] = []  # what runs besides the watch cache
        if settings.encryption is not None:
            self._store = self._encrypted(settings.encryption)
        self.cache = WatchCache(self._store, clock, _caches())
        self.reader = CacheReader()
        self._started, self._stopping = False, False
        own = Address(settings.advertise_address, settings.secure_port)
        self.webhooks = WebhookClient(ServiceResolver(self.reader, random, own, to_endpoints=True))
        served = ServedObjects()
        quotas = StoredQuotas(clock)
        self.security = build(
            settings.security,
            self.reader,
            clock,
            random,
            new_uuid=partial(generate_uid, random),
            observer=WebhookMetrics(self.registry),
            dynamic=Dynamic(served, self.webhooks, AdmissionMetrics(self.registry), lambda: self._started),
            quotas=quotas,
            provide=self._provide_namespace,
        )
        self._background += self.security.background
        for followed in self.security.followed:
            self._follow(followed)
        storages = _storages(self._store, self.cache, settings)
        self.reader.attach(storages)
        quotas.attach(storages["", "v1", "resourcequotas"])
        self.catalog = Catalog(RESOURCES, storages.values())
        served.attach(self.catalog)
        self._allocator = ServiceAllocator(self.reader, settings.service_cidrs, settings.node_ports, random)
        storages["", "v1", "services"].allocator = self._allocator
        parts, dialer = components(settings.probe, self._store_answers), dialer or Nowhere()
        backend = _backend(clock, random, self.cache, self.catalog, self.security, nodes, parts, dialer, settings)
        self._aggregation = Aggregation(settings.aggregation, self.reader, dialer, random, self.registry, own)
        pages = self._pages(self.registry)
        limits = Limits(settings.max_reads, settings.max_writes, settings.request_timeout)
        metrics = ApiServerMetrics(self.registry)
        self.flow = self._flow_control()
        audit_metrics = AuditMetrics(self.registry)
        self.auditor = Auditor(settings.audit, clock, random, audit_metrics) if settings.audit else None
        aggregator = self._aggregation.aggregator
        self.pipeline = Pipeline(
            backend, self.security.authenticator, pages, metrics, random, limits, self.flow, self.auditor, aggregator
        )
        converter_for = partial(converter_of, client=self.webhooks, new_uid=partial(generate_uid, random))
        materials = CustomMaterials(self._store, self.cache, converter_for)
        self.definitions = Definitions(self.catalog, materials, self.client(), clock)

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
        server = cls(store, settings, clock, random, nodes or NoNodes(), dialer)
        await server.definitions.load()
        await server.cache.load()
        audited = server.auditor.running() if server.auditor is not None else nullcontext()
        background = [run() for run in (server.ip_addresses().run, server.definitions.run, *server._background)]
        async with audited, server.webhooks, running(server.cache.follow(), server.cache.tick(), *background):
            await server.cache.fresh()
            if not isinstance(store, DamagedStore):  # which takes no writes, and is there to be read
                await write_bootstrap_objects(server.client(), server.advertised(), format_time(clock.now()))
            trusted = trust_data(settings.security.client_ca, settings.security.request_headers)
            trust = TrustConfigMap(trusted, server.client(), clock)
            aggregating = running(
                server._aggregation.run(server.client(), clock, server.catalog.storages),
                trust.run(server.catalog.storages["", "v1", "configmaps"].cache),
            )
            async with server._flow_kept(), aggregating:
                server._started = True
                try:
                    yield server
                finally:
                    server.stop()

    def stop(self) -> None:
        """Say not ready, and end the watches, which would not end by themselves. Alive it stays until the end."""
        self._stopping = True
        self.cache.close()

    def client(self, user_agent: str = "kube-apiserver") -> Client:
        """Return a client of the server itself, who may do anything."""
        return Client(LoopbackTransport(self.pipeline.handle), user_agent=user_agent)

    async def _provide_namespace(self, name: str) -> None:
        await self.client().create(Namespace(metadata=ObjectMeta(name=name)))

    def _flow_kept(self) -> AbstractAsyncContextManager[None]:
        if self.flow is None:
            return nullcontext()
        client = self.client(upkeep.PRODUCER)
        return upkeep.kept(self.flow, client, self.reader, self.cache, self._clock)

    def _flow_control(self) -> FlowControl | None:
        total = self.settings.max_reads + self.settings.max_writes
        if not self.settings.priority_and_fairness or not total:
            return None

        def count(group: str, version: str, plural: str, namespace: str) -> int:
            storage = self.catalog.storages.get((group, version, plural))
            return storage.cache.count(f"{namespace}/" if namespace else "") if storage is not None else 0

        flow = FlowControl(self.reader, self._clock, total, count)
        self.registry.register(flow.metrics)
        return flow

    def ip_addresses(self) -> IpAddressKeeper:
        """Return what shows the addresses of Services as objects."""
        services, addresses = (self.reader.cache_of(type_) for type_ in (Service, IPAddress))
        reserved = self._allocator.reserved
        return IpAddressKeeper(self.reader, services, addresses, reserved, self.client(), self._clock)

    def advertised(self) -> Advertised:
        first = AddressRange(ipaddress.ip_network(self.settings.service_cidrs[0])).first
        settings = self.settings
        return Advertised(str(first), settings.advertise_address, settings.secure_port, settings.service_cidrs)

    def _encrypted(self, encryption: EncryptionSettings) -> Store:
        from controlplane.apiserver.encryption import EncryptedStore, Transformers  # who does not encrypt needs no NaCl

        transformers = Transformers(encryption.rules, self.registry, self._clock)
        if encryption.follow:
            self._follow(encryption.followed(transformers))
        return EncryptedStore(self._store, transformers)

    def _follow(self, followed: Followed) -> None:
        metrics = ReloadMetrics(self.registry, followed.controller, self.settings.advertise_address)
        self._background.append(Follower(followed, self._clock, metrics).run)

    def _pages(self, registry: CollectorRegistry) -> list[Page]:
        address = f"{self.settings.advertise_address}:{self.settings.secure_port}"
        discovery = CurrentDiscovery(self.catalog, address)
        documents = {
            "/version": Response(200, encode(self.version)),
            **{
                path: Response(200, document.body, document.content_type, {"Cache-Control": openid.CACHE_CONTROL})
                for path, document in self.security.public_documents.items()
            },
        }
        health = self._health()
        others = ("/metrics", "/openapi/v2", "/openapi/v3")
        fixed_paths = {*documents, *health.paths, *others}

        async def index(request: Request) -> Response | None:
            if request.path != "/":
                return None
            return Response(200, encode({"paths": sorted({*fixed_paths, *discovery.now.paths})}))

        async def fixed(request: Request) -> Response | None:
            known = documents.get(request.path.rstrip("/"))
            return (
                None if known is None else Response(known.status, known.body, known.content_type, dict(known.headers))
            )

        async def discovered(request: Request) -> Response | None:
            return discovery.now.answer(request)

        async def healthy(request: Request) -> Response | None:
            return await health.answer(request.path, request.query)

        async def metrics(request: Request) -> Response | None:
            return Response(200, render(registry), CONTENT_TYPE) if request.path == "/metrics" else None

        async def dumped(request: Request) -> Response | None:
            if self.flow is None:
                return None
            return dump.answer(self.flow, request.path, request.query, self._clock.now(), self._clock.monotonic())

        openapi = OpenApi(self.version.git_version, custom=PublishedKinds(self.catalog))
        everybodys = self._aggregation.merge(discovered, openapi.answer)
        return [index, fixed, *everybodys, healthy, metrics, dumped]

    def _health(self) -> Health:
        always = {"ping": ping, "log": ping, "etcd": self._store_answers}
        hooks = {"poststarthook/rbac/bootstrap-roles": self._has_started}
        if self.settings.priority_and_fairness:
            parts = ("config-consumer", "config-producer", "filter")
            hooks |= {f"poststarthook/priority-and-fairness-{part}": self._has_started for part in parts}
        return Health(
            {
                "livez": {**always, **hooks},
                "healthz": {**always, **hooks},
                "readyz": {**always, "informer-sync": self._has_started, **hooks, "shutdown": self._not_stopping},
            }
        )

    async def _store_answers(self) -> str:
        try:
            await self._store.revision()
        except StoreError as error:
            return str(error)
        return ""

    async def _has_started(self) -> str:
        return "" if self._started else "not finished"

    async def _not_stopping(self) -> str:
        return "process is shutting down" if self._stopping else ""


def _caches() -> list[ResourceCache]:
    """Return one cache a prefix, of bytes in the version that is stored there."""
    stored = {prefix_of(r): stored_as(r) for r in RESOURCES if r.stored}
    return [ResourceCache(prefix, opening(r.api_version, r.kind)) for prefix, r in stored.items()]


def _storages(store: Store, cache: WatchCache, settings: ServerSettings) -> dict[Key, ResourceStorage]:
    return {
        (r.group, r.version, r.plural): ResourceStorage(
            r, strategy_for(r), store, cache, ttl=settings.event_ttl if r.plural == "events" else 0
        )
        for r in RESOURCES
        if r.stored
    }


def _backend(
    clock: Clock,
    random: Random,
    cache: WatchCache,
    catalog: Catalog,
    security: Security,
    nodes: NodeDialer,
    parts: Components,
    dialer: Dialer,
    settings: ServerSettings,
) -> Backend:
    return Backend(
        clock=clock,
        random=random,
        cache=cache,
        catalog=catalog,
        admission=security.admission,
        authorizer=security.authorizer,
        virtual={key: virtual.make(security.dependencies) for key, virtual in VIRTUAL.items()},
        nodes=nodes,
        components=parts,
        dialer=dialer,
        node_address_types=settings.node_address_types,
        shortest_watch=settings.shortest_watch,
    )
