"""Reads the caches, asks `plan`, writes Endpoints."""

from __future__ import annotations

from contextlib import suppress

from controlplane.api.core_v1 import Endpoints, Pod, Service
from controlplane.api.status import NotFound
from controlplane.client.client import Client
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.endpoints.plan import MANAGED_BY, MANAGER, plan
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.failures import namespace_is_terminating
from controlplane.controllers.service_pods import (
    earliest_change,
    has_managed_endpoints,
    pods_of,
    trigger_times,
    wake_services_of,
)
from controlplane.controllers.written import Written

_NAME = "endpoint-controller"
# Seconds after which to look again although the watch did not bring what was written.
_STALE = 1.0


class EndpointsController:
    """Keeps the Endpoints of every Service that has a selector."""

    def __init__(self, environment: Environment, *, workers: int = 5):
        self._workers = workers
        self._client: Client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for(_NAME, self._client)
        self._queue = environment.queue("endpoint")
        informers = environment.informers
        self._services, self._pods = informers.of(Service), informers.of(Pod)
        self._endpoints = informers.of(Endpoints)
        self._written: Written[Key] = Written(self._endpoints.lister, environment.clock)
        self._trigger_times: dict[Key, dict[str, str]] = {}
        self._services.on_change(self._changed)
        self._endpoints.on_change(self._endpoints_changed)
        self._pods.on_change(wake_services_of(self._services, lambda service: self._queue.add(key_of(service))))

    async def run(self) -> None:
        await synced(self._services, self._pods, self._endpoints)
        await Reconciler("endpoints", self.reconcile, self._queue, workers=self._workers).run()

    def _changed(self, old: Service | None, new: Service | None) -> None:
        self._queue.add(key_of(new or old))

    def _endpoints_changed(self, old: Endpoints | None, new: Endpoints | None) -> None:
        key = key_of(new or old)
        if self._written.removed(key, old) if new is None else self._written.is_news(key, new):
            self._queue.add(key)

    async def reconcile(self, key: Key) -> float | None:
        service = self._services.lister.get(*key)
        existing = self._endpoints.lister.get(*key)
        if service is None:
            await self._clean_up(key, existing)
            return None
        if not has_managed_endpoints(service):
            return None
        if self._written.unseen(key):
            return _STALE  # the watch event that brings what we wrote comes first
        pods = pods_of(service, self._pods)
        times = trigger_times(service, pods)
        changed = earliest_change(self._trigger_times.get(key, {}), times)
        wanted = plan(service, pods, existing, trigger_time=changed)
        if wanted is not None:
            await self._write(key, service, wanted)
        self._trigger_times[key] = times
        return None

    async def _clean_up(self, key: Key, existing: Endpoints | None) -> None:
        """Delete what we made for a Service that is gone; what somebody else made is not ours to delete."""
        self._trigger_times.pop(key, None)
        self._written.forget(key)
        if existing is None or existing.metadata.labels.get(MANAGED_BY) != MANAGER:
            return
        with suppress(NotFound):
            await self._client.delete(Endpoints, key.name, key.namespace, uid=existing.metadata.uid)

    async def _write(self, key: Key, service: Service, wanted: Endpoints) -> None:
        creates = not wanted.metadata.resource_version
        try:
            written = await (self._client.create(wanted) if creates else self._client.update(wanted))
        except Exception as error:
            if namespace_is_terminating(error):
                return
            reason = "FailedToCreateEndpoint" if creates else "FailedToUpdateEndpoint"
            verb = "create" if creates else "update"
            message = f"Failed to {verb} endpoint for service {key}: {error}"
            self._recorder.event(service, "Warning", reason, message)
            raise
        self._written.record(key, written)
