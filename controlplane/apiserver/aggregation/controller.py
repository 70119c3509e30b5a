"""Keeps APIServices true: their conditions, the group versions passed on, and what is known of their servers.

APIService, Service, EndpointSlice change ─┐
30 seconds have passed                     ├─► judge the objects ─► ask the server ─► condition, discovery
a check has failed, a little later         ┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.apiregistration_v1 import APIService, APIServiceSpec
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.api.reader import ObjectReader
from controlplane.api.status import AlreadyExists, Conflict, NotFound
from controlplane.apiserver.aggregation.aggregator import Aggregator, GroupVersion
from controlplane.apiserver.aggregation.availability import (
    LOCAL,
    PASSED,
    Verdict,
    failed_check,
    is_available,
    judge,
    with_verdict,
)
from controlplane.apiserver.aggregation.discovery import MergedDiscovery
from controlplane.apiserver.aggregation.fetched import Discovered, discover
from controlplane.apiserver.aggregation.following import follow
from controlplane.apiserver.aggregation.metrics import AvailabilityMetrics
from controlplane.apiserver.aggregation.openapi import MergedOpenApi
from controlplane.apiserver.aggregation.registration import plan, served_here, wanted
from controlplane.apiserver.aggregation.remote import Caller, Contexts, Remote, remote_of
from controlplane.apiserver.event_log import Change
from controlplane.apiserver.proxying.dialer import Unreachable
from controlplane.apiserver.service_resolver import slices_of
from controlplane.apiserver.watch_cache import ResourceCache
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.client.workqueue import WorkQueue
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock

_AGAIN = 30.0  # seconds between checks: a network that is cut changes no object
_REFRESH = 60.0  # seconds after which a server is asked again what it serves
_CHECK = 5.0  # seconds for an answer to a check
_ATTEMPTS = 5  # at once; one that succeeds is enough, for one endpoint of several may be down
_RETRY = Backoff(first=0.5, cap=30.0)
_REGISTER = ""  # the key that means: look at which APIServices there should be


@dataclass(frozen=True, slots=True)
class Caches:
    """What is followed."""

    api_services: ResourceCache
    services: ResourceCache
    slices: ResourceCache
    definitions: ResourceCache


class AggregationController:
    """Keyed by APIService; the empty key registers our own."""

    def __init__(
        self,
        reader: ObjectReader,
        client: Client,
        clock: Clock,
        aggregator: Aggregator,
        caller: Caller,
        contexts: Contexts,
        discovery: MergedDiscovery,
        openapi: MergedOpenApi,
        metrics: AvailabilityMetrics,
    ):
        self._reader, self._client, self._clock = reader, client, clock
        self._aggregator, self._caller, self._contexts = aggregator, caller, contexts
        self._discovery, self._openapi, self._metrics = discovery, openapi, metrics
        self._queue: WorkQueue[str] = WorkQueue("APIServiceAvailability", clock)
        self._seen: dict[str, tuple[str, APIServiceSpec]] = {}  # uid and spec of each, to tell which have changed
        self._served: dict[tuple[str, str, int], tuple[float, Discovered]] = {}  # by server, and since when
        self._failed: dict[str, int] = {}
        self._namespaces: frozenset[str] = frozenset()  # in which there are Services of APIServices
        self._started = False

    async def run(self, caches: Caches) -> None:
        """Follow and check until the server stops."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(caches.api_services, self._take_in))
            tasks.create_task(follow(caches.services, self._service_changed, self._concerns))
            tasks.create_task(follow(caches.slices, self._service_changed, self._concerns))
            tasks.create_task(follow(caches.definitions, lambda _: self._queue.add(_REGISTER)))
            tasks.create_task(Reconciler("aggregation", self.reconcile, self._queue, workers=2).run())

    # --- what there is

    def _take_in(self, _: str) -> None:
        """Bring the table of remotes up to date, and queue what is new or has changed."""
        services = self._reader.list(APIService)
        remotes = [remote for one in services if (remote := remote_of(one, self._contexts)) is not None]
        self._aggregator.remotes = {(remote.group, remote.version): remote for remote in remotes}
        self._namespaces = frozenset(remote.namespace for remote in remotes)
        self._discovery.keep(self._aggregator.remotes)
        self._openapi.keep(remotes)
        seen = {one.metadata.name: (one.metadata.uid, one.spec) for one in services}
        for name in {*seen, *self._seen}:
            if seen.get(name) != self._seen.get(name):
                self._queue.add(name)
        if len(seen) < len(self._seen):
            self._queue.add(_REGISTER)  # somebody has deleted one that is to be there always
        self._seen = seen

    def _concerns(self, change: Change) -> bool:
        return change.object.key.partition("/")[0] in self._namespaces

    def _service_changed(self, key: str) -> None:
        namespace = key.partition("/")[0]
        for remote in self._aggregator.remotes.values():
            if not key or remote.namespace == namespace:
                self._queue.add(remote.name)

    # --- what is made of it

    async def reconcile(self, name: str) -> float | None:
        if name == _REGISTER:
            await self._register()
            return None
        service = self._reader.get(APIService, "", name)
        if service is None:
            self._metrics.forget(name)
            self._failed.pop(name, None)
            return None
        remote = remote_of(service, self._contexts)
        verdict = LOCAL if remote is None else await self._verdict(service, remote)
        await self._write(service, verdict)
        if remote is None:
            return None
        await self._learn(remote, reachable=verdict.status == "True")
        if verdict.reason != "FailedDiscoveryCheck":
            self._failed.pop(name, None)
            return _AGAIN
        failures = self._failed[name] = self._failed.get(name, -1) + 1
        return _RETRY.delay(failures)

    async def _verdict(self, service: APIService, remote: Remote) -> Verdict:
        reference = service.spec.service
        assert reference is not None
        target = self._reader.get(Service, remote.namespace, remote.service)
        slices: Sequence[EndpointSlice] = (
            slices_of(target, self._reader.list(EndpointSlice, remote.namespace)) if target else ()
        )
        return judge(reference, target, slices) or await self._asked(remote)

    async def _asked(self, remote: Remote) -> Verdict:
        """Return whether the server behind a remote answers: the first good answer of several counts."""
        attempts = [asyncio.create_task(self._ask(remote)) for _ in range(_ATTEMPTS)]
        error = ""
        try:
            for attempt in asyncio.as_completed(attempts):
                error = await attempt
                if not error:
                    return PASSED
        finally:
            for task in attempts:
                task.cancel()
            await asyncio.gather(*attempts, return_exceptions=True)
        return failed_check(error)

    async def _ask(self, remote: Remote) -> str:
        """Return what is wrong with a server; "" for nothing."""
        try:
            url = self._caller.destination(remote).url + remote.path
        except Unreachable as error:
            return str(error)
        try:
            told = await self._caller.get(remote, remote.path, seconds=_CHECK, accept="application/json")
        except Unreachable as error:
            return f'failing or missing response from {url}: Get "{url}": {error}'
        if not 200 <= told.status < 300:
            return f"failing or missing response from {url}: bad status from {url}: {told.status}"
        return ""

    async def _write(self, service: APIService, verdict: Verdict) -> None:
        changed = is_available(service) != (verdict.status == "True")
        new = with_verdict(service, verdict, self._clock.now())
        if new is not None:
            try:
                await self._client.update(new, subresource="status")
            except NotFound:
                return  # deleted in the meantime
        name = service.metadata.name
        self._metrics.said(name, available=verdict.status == "True", reason=verdict.reason, changed=changed)

    async def _learn(self, remote: Remote, *, reachable: bool) -> None:
        """Bring what is known of a server up to date, once for all its group versions."""
        key: GroupVersion = (remote.group, remote.version)
        known = self._served.get(remote.server)
        now = self._clock.monotonic()
        if reachable and (known is None or now - known[0] >= _REFRESH or key not in known[1].entries):
            try:
                found = await discover(self._caller, remote, known[1] if known else None)
                known = self._served[remote.server] = (now, _added(known, found))
                await self._openapi.learn(remote)
            except Unreachable:
                reachable = False
        entry = known[1].entries.get(key) if known else None
        self._discovery.put(key, entry, stale=not reachable)

    # --- our own

    async def _register(self) -> None:
        """Write the APIServices of what is served here."""
        definitions = self._reader.list(CustomResourceDefinition)
        there_should_be = wanted(served_here(), definitions)
        todo = plan(there_should_be, self._reader.list(APIService), starting=not self._started)
        # Of whatever somebody else has changed in the meantime we are told, and look again.
        for one in todo.create:
            with suppress(AlreadyExists):
                await self._client.create(one)
        for one in todo.update:
            with suppress(NotFound, Conflict):
                await self._client.update(one)
        for one in todo.delete:
            with suppress(NotFound, Conflict):
                await self._client.delete(APIService, one.metadata.name, uid=one.metadata.uid)
        self._started = True


def _added(known: tuple[float, Discovered] | None, found: Discovered) -> Discovered:
    """Return what a server is known to serve; one that answers in the old form tells one group version at a time."""
    if found.etag or known is None:
        return found
    return Discovered({**known[1].entries, **found.entries})
