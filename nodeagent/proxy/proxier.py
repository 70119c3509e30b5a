"""The service proxy as a component: follows Services and EndpointSlices, loads rules, repairs what somebody flushed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime

from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.client.informer import Informer
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.conntrack import ConntrackFailure, delete_udp
from nodeagent.kernel.iptables import Iptables, IptablesFailure
from nodeagent.kernel.thread import KernelThread
from nodeagent.proxy import delta
from nodeagent.proxy.endpoints import SERVICE_LABEL, endpoints_of, usable
from nodeagent.proxy.metrics import ProxyMetrics
from nodeagent.proxy.render import JUMPS, SERVICES, NodeView, Ruleset, ServiceRules, render, render_service
from nodeagent.proxy.service_ports import PortName, service_ports
from nodeagent.proxy.stale import Known, stale_flows

log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0  # how long flushed rules stay away at most
RETRY = Backoff(first=0.1, cap=10.0)
CHANGE_TIME = "endpoints.kubernetes.io/last-change-trigger-time"

ServiceKey = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """What the administrator may choose."""

    node_name: str
    view: NodeView = field(default_factory=NodeView)
    answered_here: frozenset[str] = frozenset()  # ClusterIPs that this node answers itself


class Proxier:
    """Keeps the rules of one IP version in step with the API until cancelled.

    Only services that changed are rendered again, and only chains that differ are loaded; everything that changes
    while a load is under way becomes one next load.
    """

    def __init__(
        self,
        settings: ProxySettings,
        services: Informer[Service],
        slices: Informer[EndpointSlice],
        kernel: KernelThread,
        iptables: Iptables,
        metrics: ProxyMetrics,
        clock: Clock,
    ):
        self._settings, self._services, self._slices = settings, services, slices
        self._kernel, self._iptables, self._metrics, self._clock = kernel, iptables, metrics, clock
        self._started = clock.now()
        self._dirty: set[ServiceKey] = set()
        self._trigger_times: list[str] = []
        self._changed = asyncio.Event()
        self._known: dict[PortName, Known] = {}
        self._rules: dict[PortName, ServiceRules] = {}
        self._loaded: Ruleset | None = None
        self._loaded_from: dict[PortName, Known] = {}
        self.healthy_at = clock.monotonic()  # when the rules were last known to be right
        services.on_change(self._service_changed)
        slices.on_change(self._slice_changed)

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        if old is not None and new is not None and old.spec == new.spec and old.status == new.status:
            return
        self._metrics.service_changes.inc()
        for one in (old, new):
            if one is not None:
                self._mark((one.metadata.namespace, one.metadata.name))

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        if old is not None and new is not None and old.endpoints == new.endpoints and old.ports == new.ports:
            return
        self._metrics.endpoint_changes.inc()
        for one in (old, new):
            if one is not None and one.metadata.labels.get(SERVICE_LABEL):
                self._mark((one.metadata.namespace, one.metadata.labels[SERVICE_LABEL]))
        if new is not None and (old is None or _change_time(old) != _change_time(new)):
            self._trigger_times.append(_change_time(new))

    def _mark(self, key: ServiceKey) -> None:
        self._dirty.add(key)
        self._metrics.last_queued.set(self._clock.now().timestamp())
        self._changed.set()

    async def run(self) -> None:
        await self._services.synced()
        await self._slices.synced()
        while True:
            await self._sync_until_done()
            if not await happens_within(self._changed, CHECK_SECONDS, self._clock):
                await self._check()

    async def _sync_until_done(self) -> None:
        for failures, delay in enumerate(RETRY.delays()):
            try:
                await self.sync()
            except IptablesFailure as failure:
                self._metrics.failures.inc()
                self._loaded = None  # we do not know what is there any more: next time, everything
                if not failures:
                    log.error("cannot load the service rules, trying on: %s", failure)
                await self._clock.sleep(delay)
                continue
            if failures:
                log.info("service rules loaded after %d failures", failures)
            return

    async def sync(self) -> None:
        """Load what changed since the last time. Raises IptablesFailure; the kernel then has what it had."""
        self._changed.clear()
        started = self._clock.monotonic()
        dirty, self._dirty = self._dirty, set()
        times, self._trigger_times = self._trigger_times, []
        for key in dirty:
            self._refresh(key)
        if not dirty and self._loaded is not None:
            return
        wanted, known = render(self._rules), dict(self._known)
        written = await self._kernel.run(self._load, wanted)
        self._loaded = wanted
        before, self._loaded_from = self._loaded_from, known
        await self._forget_flows(before, known)
        self._note(wanted, written, started, times)

    def _refresh(self, key: ServiceKey) -> None:
        """Render the ports of one service again."""
        namespace, service_name = key
        version = self._settings.view.ip_version
        for name in [name for name in self._known if (name.namespace, name.service) == key]:
            del self._known[name], self._rules[name]
        service = self._services.lister.get(namespace, service_name)
        if service is None:
            return
        ports = service_ports(service, version, self._settings.answered_here)
        slices = self._slices.lister.by_index(SERVICE_INDEX, f"{namespace}/{service_name}")
        endpoints = endpoints_of(slices, self._settings.node_name, version)
        for name, port in ports.items():
            known = Known(port, usable(port, endpoints.get(name, ())))
            self._known[name] = known
            self._rules[name] = render_service(name, port, known.endpoints, self._settings.view)

    def _load(self, wanted: Ruleset) -> delta.Delta:
        """Runs in the kernel thread."""
        if self._loaded is None:
            present = {table: self._iptables.chains(table) for table, _ in wanted.tables()}
            change = delta.whole(wanted, present)
        else:
            change = delta.between(wanted, self._loaded)
        if change.text:
            self._iptables.restore(change.text)
        if self._loaded is None:
            self._iptables.ensure_jumps(JUMPS)
        return change

    async def _check(self) -> None:
        """Look whether the rules are still there; a table that was flushed, or cannot be read, is loaded whole."""
        try:
            if self._loaded is not None and await self._kernel.run(self._intact, self._loaded):
                self.healthy_at = self._clock.monotonic()
                return
            log.warning("somebody changed the service rules: loading all of them again")
        except IptablesFailure as failure:
            log.error("cannot read the service rules, loading all of them again: %s", failure)
        self._loaded = None

    def _intact(self, loaded: Ruleset) -> bool:
        counts = [
            self._iptables.rule_count(table, SERVICES) == len(chains[SERVICES]) for table, chains in loaded.tables()
        ]
        return all(counts) and not self._iptables.ensure_jumps(JUMPS)

    async def _forget_flows(self, before: dict[PortName, Known], after: dict[PortName, Known]) -> None:
        ipv6 = self._settings.view.ip_version == 6
        for flow in stale_flows(before, after):
            try:
                await self._kernel.run(delete_udp, flow.port, flow.destination, flow.answered_by, ipv6=ipv6)
            except ConntrackFailure as failure:
                log.error("a UDP flow may go to a dead endpoint until it falls silent: %s", failure)

    def _note(self, wanted: Ruleset, written: delta.Delta, started: float, times: list[str]) -> None:
        self.healthy_at = self._clock.monotonic()
        self._metrics.sync.observe(self.healthy_at - started)
        now = self._clock.now()
        self._metrics.last_sync.set(now.timestamp())
        for table, chains in wanted.tables():
            self._metrics.rules.labels(table).set(sum(map(len, chains.values())))
        for table, part in zip(("filter", "nat"), _by_table(written.text), strict=True):
            self._metrics.last_rules.labels(table).set(part)
        for moment in map(_parsed, times):
            if moment is not None and moment >= self._started:  # what changed before we ran says nothing of us
                self._metrics.programming.observe(max(0.0, (now - moment).total_seconds()))


SERVICE_INDEX = "service"


def index_by_service(one: EndpointSlice) -> list[str]:
    """The informer's index that `Proxier` needs on its slices, under the name SERVICE_INDEX."""
    service = one.metadata.labels.get(SERVICE_LABEL)
    return [f"{one.metadata.namespace}/{service}"] if service else []


def _change_time(one: EndpointSlice) -> str:
    return one.metadata.annotations.get(CHANGE_TIME, "")


def _parsed(moment: str) -> datetime | None:
    """The time an annotation says: anybody may write anything there."""
    try:
        return parse_time(moment)
    except ValueError:
        return None


def _by_table(text: str) -> tuple[int, int]:
    """How many rules of the filter and the nat table a restore text writes."""
    head, _, nat = text.partition("*nat\n")
    return head.count("\n-A "), nat.count("\n-A ")
