"""Fills token Secrets in, and deletes those of accounts that are gone."""

from __future__ import annotations

from contextlib import suppress

from controlplane.api.core_v1 import Secret, ServiceAccount
from controlplane.api.status import Conflict, NotFound
from controlplane.auth.jwt import SigningKey
from controlplane.auth.legacy_token import ACCOUNT_NAME, SECRET_TYPE
from controlplane.client.client import Client
from controlplane.client.keys import Key
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.tokens.plan import plan

_NAME = "tokens-controller"


class TokensController:
    """Keyed by Secret. Follows the Secrets of this one type only."""

    def __init__(self, environment: Environment, key: SigningKey, root_ca: bytes, *, workers: int = 5):
        self._key, self._root_ca, self._workers = key, root_ca, workers
        # As the manager itself, as upstream: the accounts of controllers may need these very Secrets.
        self._client: Client = environment.own or environment.client_for(_NAME)
        self._queue = environment.queue("serviceaccount_tokens_secret")
        self._secrets = environment.informers.of(Secret, fields=f"type={SECRET_TYPE}")
        self._accounts = environment.informers.of(ServiceAccount)
        self._secrets.on_change(self._secret_changed)
        self._accounts.on_change(self._account_changed)

    async def run(self) -> None:
        await synced(self._secrets, self._accounts)
        await Reconciler("tokens", self.reconcile, self._queue, workers=self._workers).run()

    def _secret_changed(self, _: Secret | None, new: Secret | None) -> None:
        if new is not None:
            self._queue.add(Key(new.metadata.namespace, new.metadata.name))

    def _account_changed(self, old: ServiceAccount | None, new: ServiceAccount | None) -> None:
        account = new or old
        if account is None or (old is not None and new is not None and old.metadata.uid == new.metadata.uid):
            return
        for secret in self._secrets.lister.list(account.metadata.namespace):
            if secret.metadata.annotations.get(ACCOUNT_NAME) == account.metadata.name:
                self._queue.add(Key(secret.metadata.namespace, secret.metadata.name))

    async def reconcile(self, key: Key) -> None:
        secret = self._secrets.lister.get(key.namespace, key.name)
        if secret is None:
            return
        name = secret.metadata.annotations.get(ACCOUNT_NAME, "")
        planned = plan(secret, await self._account(key.namespace, name), self._key, self._root_ca)
        if planned.delete:
            with suppress(NotFound, Conflict):  # a Conflict: the name is another Secret's by now
                await self._client.delete(Secret, key.name, key.namespace, uid=secret.metadata.uid)
        elif planned.write is not None:
            await self._client.update(planned.write)

    async def _account(self, namespace: str, name: str) -> ServiceAccount | None:
        known = self._accounts.lister.get(namespace, name)
        if known is not None or not name:
            return known
        try:  # before a Secret is deleted, ask who must know: the cache may be behind
            return await self._client.get(ServiceAccount, name, namespace)
        except NotFound:
            return None
