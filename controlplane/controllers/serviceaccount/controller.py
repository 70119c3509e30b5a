"""Creates the "default" ServiceAccount wherever it is missing."""

from __future__ import annotations

from contextlib import suppress

from controlplane.api.core_v1 import Namespace, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import AlreadyExists, Forbidden
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.failures import namespace_is_terminating

_NAME = "service-account-controller"
_ACCOUNT = "default"


class ServiceAccountController:
    """Keyed by namespace."""

    def __init__(self, environment: Environment):
        self._client: Client = environment.client_for(_NAME)
        self._queue = environment.queue("serviceaccount")
        self._namespaces = environment.informers.of(Namespace)
        self._accounts = environment.informers.of(ServiceAccount)
        self._namespaces.on_change(self._namespace_changed)
        self._accounts.on_change(self._account_changed)

    async def run(self) -> None:
        await synced(self._namespaces, self._accounts)
        await Reconciler("serviceaccount", self.reconcile, self._queue).run()

    def _namespace_changed(self, _: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self._queue.add(new.metadata.name)

    def _account_changed(self, old: ServiceAccount | None, new: ServiceAccount | None) -> None:
        if new is None and old is not None and old.metadata.name == _ACCOUNT:
            self._queue.add(old.metadata.namespace)

    async def reconcile(self, name: str) -> None:
        namespace = self._namespaces.lister.get("", name)
        if namespace is None or is_going_away(namespace) or self._accounts.lister.get(name, _ACCOUNT):
            return
        try:
            with suppress(AlreadyExists):
                await self._client.create(ServiceAccount(metadata=ObjectMeta(name=_ACCOUNT, namespace=name)))
        except Forbidden as error:
            if not namespace_is_terminating(error):
                raise


def is_going_away(namespace: Namespace) -> bool:
    return namespace.metadata.deletion_timestamp is not None or namespace.status.phase == "Terminating"
