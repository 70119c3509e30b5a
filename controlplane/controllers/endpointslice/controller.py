"""Reads the caches, asks `plan`, writes slices."""

from __future__ import annotations

from contextlib import suppress

from controlplane.api.core_v1 import Node, Pod, Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.api.status import NotFound
from controlplane.client.client import Client
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.endpointslice.desired import desired
from controlplane.controllers.endpointslice.plan import MANAGED_BY, MANAGER, SERVICE_NAME, Plan, plan
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

_NAME = "endpointslice-controller"
_BY_SERVICE = "service"
# Seconds after which to look again although the watch did not bring what was written.
_STALE = 1.0
# Seconds until pods are looked at again whose node was not in the cache.
_NODE_MISSING = 1.0


def _by_service(one: EndpointSlice) -> tuple[str, ...]:
    """Index function: the Service of a slice of ours."""
    labels = one.metadata.labels
    if labels.get(MANAGED_BY) != MANAGER or SERVICE_NAME not in labels:
        return ()
    return (f"{one.metadata.namespace}/{labels[SERVICE_NAME]}",)


class EndpointSliceController:
    """Keeps the slices of every Service that has a selector."""

    def __init__(self, environment: Environment, *, workers: int = 5):
        self._workers = workers
        self._client: Client = environment.client_for(_NAME)
        self._recorder = environment.recorder_for(_NAME, self._client)
        self._queue = environment.queue("endpoint_slice")
        informers = environment.informers
        self._services, self._pods, self._nodes = informers.of(Service), informers.of(Pod), informers.of(Node)
        self._slices = informers.of(EndpointSlice, indexes={_BY_SERVICE: _by_service})
        self._written: Written[Key] = Written(self._slices.lister, environment.clock)
        self._trigger_times: dict[Key, dict[str, str]] = {}
        self._services.on_change(self._service_changed)
        self._pods.on_change(wake_services_of(self._services, lambda service: self._queue.add(key_of(service))))
        self._slices.on_change(self._slice_changed)

    async def run(self) -> None:
        await synced(self._services, self._pods, self._nodes, self._slices)
        await Reconciler("endpointslice", self.reconcile, self._queue, workers=self._workers).run()

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        service = new or old
        assert service is not None
        self._queue.add(key_of(service))

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        one = new or old
        assert one is not None
        if not _by_service(one):
            return
        key = Key(one.metadata.namespace, one.metadata.labels[SERVICE_NAME])
        if self._written.removed(key, one) if new is None else self._written.is_news(key, one):
            self._queue.add(key)

    async def reconcile(self, key: Key) -> float | None:
        service = self._services.lister.get(*key)
        if service is None:
            self._trigger_times.pop(key, None)
            self._written.forget(key)
            return None  # deleted; the garbage collector owns its slices
        if not has_managed_endpoints(service) or service.metadata.deletion_timestamp is not None:
            return None
        if self._written.unseen(key):
            return _STALE  # the watch event that brings what we wrote comes first
        return await self._bring_about(key, service)

    async def _bring_about(self, key: Key, service: Service) -> float | None:
        pods = pods_of(service, self._pods)
        wanted = desired(service, pods, lambda name: self._nodes.lister.get("", name))
        times = trigger_times(service, pods)
        existing = self._slices.lister.by_index(_BY_SERVICE, f"{key.namespace}/{key.name}")
        changed = earliest_change(self._trigger_times.get(key, {}), times)
        await self._apply(key, service, plan(service, existing, wanted, trigger_time=changed))
        self._trigger_times[key] = times
        return _NODE_MISSING if wanted.nodes_missing else None

    async def _apply(self, key: Key, service: Service, decided: Plan) -> None:
        try:
            for one in decided.create:
                self._written.record(key, await self._client.create(one))
            for one in decided.update:
                self._written.record(key, await self._client.update(one))
            for one in decided.delete:
                await self._delete(key, one)
        except Exception as error:
            if namespace_is_terminating(error):
                return
            message = f"Error updating Endpoint Slices for Service {key}: {error}"
            self._recorder.event(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise

    async def _delete(self, key: Key, one: EndpointSlice) -> None:
        with suppress(NotFound):
            await self._client.delete(EndpointSlice, one.metadata.name, one.metadata.namespace, uid=one.metadata.uid)
        self._written.deleted(key, one)
