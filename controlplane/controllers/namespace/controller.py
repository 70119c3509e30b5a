"""Empties namespaces that are being deleted, and lets them go when nothing is left."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.core_v1 import Namespace, NamespaceStatus
from controlplane.api.status import Conflict, NotFound
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.discovery import Discovery
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.namespace.content import Content
from controlplane.controllers.namespace.plan import FINALIZER, Findings, render_conditions, seconds_to_next_look

_NAME = "namespace-controller"


class NamespaceController:
    """Keyed by namespace."""

    def __init__(self, environment: Environment, *, workers: int = 10):
        self._workers, self._clock = workers, environment.clock
        self._client: Client = environment.client_for(_NAME)
        self._content = Content(self._client, Discovery(self._client, environment.clock))
        self._queue = environment.queue("namespace")
        self._namespaces = environment.informers.of(Namespace)
        self._namespaces.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._namespaces)
        await Reconciler("namespace", self.reconcile, self._queue, workers=self._workers).run()

    def _changed(self, _: Namespace | None, new: Namespace | None) -> None:
        if new is not None and new.metadata.deletion_timestamp is not None:
            self._queue.add(new.metadata.name)

    async def reconcile(self, name: str) -> float | None:
        # Ask the server itself: what is decided here cannot be taken back.
        try:
            namespace = await self._client.get(Namespace, name)
        except NotFound:
            return None
        if namespace.metadata.deletion_timestamp is None or FINALIZER not in namespace.spec.finalizers:
            return None
        if namespace.status.phase != "Terminating":
            namespace = await self._write_status(namespace, replace(namespace.status, phase="Terminating"))
        findings = await self._content.delete_all(name)
        if findings.is_empty:
            await self._finalize(namespace)
            return None
        await self._report(namespace, findings)
        return seconds_to_next_look(findings)

    async def _report(self, namespace: Namespace, findings: Findings) -> None:
        found = render_conditions(namespace.status.conditions, findings, self._clock.now())
        try:
            await self._write_status(namespace, replace(namespace.status, conditions=found))
        except Conflict:
            return  # the next look reports

    async def _write_status(self, namespace: Namespace, status: NamespaceStatus) -> Namespace:
        if status == namespace.status:
            return namespace
        return await self._client.update(replace(namespace, status=status), subresource="status")

    async def _finalize(self, namespace: Namespace) -> None:
        left = [one for one in namespace.spec.finalizers if one != FINALIZER]
        try:
            await self._client.update(
                replace(namespace, spec=replace(namespace.spec, finalizers=left)), subresource="finalize"
            )
        except NotFound:
            return
