"""Writes kube-root-ca.crt into every namespace."""

from __future__ import annotations

from contextlib import suppress

from controlplane.api.core_v1 import ConfigMap, Namespace
from controlplane.api.status import AlreadyExists, Forbidden
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.failures import namespace_is_terminating
from controlplane.controllers.rootca.plan import NAME, plan
from controlplane.controllers.serviceaccount.controller import is_going_away

_COMPONENT = "root-ca-cert-publisher"


class RootCaPublisher:
    """Keyed by namespace. Follows only the ConfigMaps of that one name."""

    def __init__(self, environment: Environment, root_ca: str):
        self._root_ca = root_ca
        self._client: Client = environment.client_for(_COMPONENT)
        self._queue = environment.queue("root_ca_cert_publisher")
        self._namespaces = environment.informers.of(Namespace)
        self._config_maps = environment.informers.of(ConfigMap, fields=f"metadata.name={NAME}")
        self._namespaces.on_change(self._namespace_changed)
        self._config_maps.on_change(self._config_map_changed)

    async def run(self) -> None:
        await synced(self._namespaces, self._config_maps)
        await Reconciler("rootca", self.reconcile, self._queue).run()

    def _namespace_changed(self, _: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self._queue.add(new.metadata.name)

    def _config_map_changed(self, old: ConfigMap | None, new: ConfigMap | None) -> None:
        changed = new or old
        if changed is not None:
            self._queue.add(changed.metadata.namespace)

    async def reconcile(self, name: str) -> None:
        namespace = self._namespaces.lister.get("", name)
        if namespace is None or is_going_away(namespace):
            return
        wanted = plan(name, self._root_ca, self._config_maps.lister.get(name, NAME))
        if wanted is None:
            return
        try:
            await self._write(wanted)
        except Forbidden as error:
            if not namespace_is_terminating(error):
                raise

    async def _write(self, wanted: ConfigMap) -> None:
        if wanted.metadata.resource_version:
            await self._client.update(wanted)
            return
        with suppress(AlreadyExists):
            await self._client.create(wanted)
