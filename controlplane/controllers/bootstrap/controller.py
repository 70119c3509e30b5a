"""The signer of cluster-info, and the cleaner of expired tokens."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from controlplane.api.core_v1 import ConfigMap, Secret
from controlplane.api.status import NotFound
from controlplane.client.client import Client
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.bootstrap.plan import TOKEN_TYPE, expires_at, signed, token_of
from controlplane.controllers.environment import Environment, synced

_NAMESPACE, _PUBLIC, _CLUSTER_INFO = "kube-system", "kube-public", "cluster-info"
_FIELDS = f"type={TOKEN_TYPE}"


class BootstrapSigner:
    """One key: the one ConfigMap."""

    def __init__(self, environment: Environment):
        self._clock = environment.clock
        self._client: Client = environment.client_for("bootstrap-signer")
        self._queue = environment.queue("bootstrap_signer_queue")
        informers = environment.informers
        self._secrets = informers.of(Secret, namespace=_NAMESPACE, fields=_FIELDS)
        self._config_maps = informers.of(ConfigMap, namespace=_PUBLIC, fields=f"metadata.name={_CLUSTER_INFO}")
        self._secrets.on_change(lambda _, __: self._queue.add(_CLUSTER_INFO))
        self._config_maps.on_change(lambda _, __: self._queue.add(_CLUSTER_INFO))

    async def run(self) -> None:
        await synced(self._secrets, self._config_maps)
        await Reconciler("bootstrapsigner", self.reconcile, self._queue).run()

    async def reconcile(self, _: str) -> None:
        config_map = self._config_maps.lister.get(_PUBLIC, _CLUSTER_INFO)
        if config_map is None:
            return
        now = self._clock.now()
        tokens = [token for secret in self._secrets.lister.list() if (token := token_of(secret, now)) is not None]
        data = signed(config_map.data, tokens)
        if data != config_map.data:
            await self._client.update(replace(config_map, data=data))


class TokenCleaner:
    """Keyed by Secret."""

    def __init__(self, environment: Environment):
        self._clock = environment.clock
        self._client: Client = environment.client_for("token-cleaner")
        self._queue = environment.queue("token_cleaner")
        self._secrets = environment.informers.of(Secret, namespace=_NAMESPACE, fields=_FIELDS)
        self._secrets.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._secrets)
        await Reconciler("tokencleaner", self.reconcile, self._queue).run()

    def _changed(self, _: Secret | None, new: Secret | None) -> None:
        if new is not None:
            self._queue.add(new.metadata.name)

    async def reconcile(self, name: str) -> float | None:
        secret = self._secrets.lister.get(_NAMESPACE, name)
        expiry = expires_at(secret) if secret is not None else None
        if secret is None or expiry is None:
            return None
        left = (expiry - self._clock.now()).total_seconds()
        if left > 0:
            return left
        with suppress(NotFound):
            await self._client.delete(Secret, name, _NAMESPACE, uid=secret.metadata.uid)
        return None
