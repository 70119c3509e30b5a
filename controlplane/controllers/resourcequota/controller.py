"""Counts what the quotas of each namespace limit, and writes it into their status."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, cast

from msgspec.structs import replace

from controlplane.api.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, Service
from controlplane.api.quota.amounts import Amounts
from controlplane.api.quota.kinds import evaluator_for
from controlplane.api.quota.total import used_by
from controlplane.api.status import StatusError
from controlplane.client.client import Client
from controlplane.client.informer import Informer, Informers
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.client.transport import Unreachable
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.garbagecollector.metadata import MetadataClient
from controlplane.controllers.resourcequota.custom import CustomKinds, Kind
from controlplane.controllers.resourcequota.plan import (
    COUNTABLE,
    custom_kinds_of,
    gives_back,
    kinds_of,
    says_the_same,
    status,
)

_log = logging.getLogger(__name__)

_NAME = "resourcequota-controller"
# What these use is in their spec; of all others the number is enough, so their caches keep nothing else.
_READ = (Pod, Service, PersistentVolumeClaim)
# Seconds: after a count that changed something; until what is not served, or not yet listed, is looked for again.
_AGAIN, _UNKNOWN, _SOON = 5.0, 30.0, 0.5


class ResourceQuotaController:
    """Keyed by quota; follows a kind from when the first quota limits it."""

    def __init__(self, environment: Environment, *, period: float = 300.0, workers: int = 5):
        self._workers, self._period, self._clock = workers, period, environment.clock
        self._client = environment.client_for(_NAME)
        self._queue = environment.queue("resourcequota_primary")
        self._shared = environment.informers
        slim = cast(Client, MetadataClient(self._client))  # informers only list and watch
        self._counted = Informers(slim, environment.clock, environment.random)
        self._followed: dict[type, Informer[Any]] = {}
        self._custom = CustomKinds(self._client, environment.clock, environment.random, self._custom_gone)
        self._tasks = asyncio.TaskGroup()
        self._quotas = environment.informers.of(ResourceQuota)
        self._quotas.on_change(self._quota_changed)

    async def run(self) -> None:
        await synced(self._quotas)
        async with self._tasks as tasks:
            tasks.create_task(self._counted.run())
            tasks.create_task(self._count_all())
            tasks.create_task(Reconciler("resourcequota", self.reconcile, self._queue, workers=self._workers).run())

    async def _count_all(self) -> None:
        while True:
            await self._clock.sleep(self._period)
            try:
                await self._custom.forget_unserved()
            except (StatusError, Unreachable) as error:
                _log.info("resourcequota: what is served cannot be found out: %s", error)
            for quota in self._quotas.lister.list():
                self._queue.add(key_of(quota))

    def _quota_changed(self, old: ResourceQuota | None, new: ResourceQuota | None) -> None:
        # A status is written by us, or by admission for good reason.
        if new is not None and (old is None or old.spec != new.spec):
            self._queue.add(key_of(new))

    def _follow(self, type_: type[Any]) -> Informer[Any]:
        if type_ not in self._followed:
            source = self._shared if type_ in _READ else self._counted
            informer: Informer[Any] = source.of(type_)
            self._followed[type_] = informer

            def changed(old: Any, new: Any) -> None:
                if gives_back(old, new, self._clock.now()):
                    self._wake(type_, (new or old).metadata.namespace)

            informer.on_change(changed)
        return self._followed[type_]

    def _wake(self, type_: type[Any], namespace: str) -> None:
        for quota in self._quotas.lister.list(namespace):
            if type_ in kinds_of(quota):
                self._queue.add(key_of(quota))

    def _custom_gone(self, kind: Kind, namespace: str) -> None:
        for quota in self._quotas.lister.list(namespace):
            if kind in custom_kinds_of(quota):
                self._queue.add(key_of(quota))

    async def reconcile(self, key: Key) -> float | None:
        quota = self._quotas.lister.get(*key)
        if quota is None:
            return None
        followed = {type_: self._follow(type_) for type_ in kinds_of(quota)}
        await synced(*followed.values())
        now = self._clock.now()
        counts = [
            used_by(quota, COUNTABLE[type_][1], informer.lister.list(key.namespace), now)
            for type_, informer in followed.items()
        ]
        custom, wait = await self._count_custom(quota, key.namespace, now)
        wanted = status(quota, [*counts, *custom])
        if says_the_same(wanted, quota.status):
            return wait
        await self._client.update(replace(quota, status=wanted), subresource="status")
        return _AGAIN if wait is None else min(wait, _AGAIN)

    async def _count_custom(
        self, quota: ResourceQuota, namespace: str, now: datetime
    ) -> tuple[list[Amounts], float | None]:
        """Return what custom resources use, and the seconds until those can be counted that cannot yet."""
        counts: list[Amounts] = []
        waits: list[float] = []
        for group, plural in custom_kinds_of(quota):
            informer, evaluator = await self._custom.follow((group, plural), self._tasks), evaluator_for(group, plural)
            if informer is None or evaluator is None:
                waits.append(_UNKNOWN)
            elif not informer.has_synced():
                waits.append(_SOON)  # not awaited: its kind may go before it ever does
            else:
                counts.append(used_by(quota, evaluator, informer.lister.list(namespace), now))
        return counts, min(waits, default=None)
