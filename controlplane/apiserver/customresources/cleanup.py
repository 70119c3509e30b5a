"""Before a definition goes, its instances go: through the API, so that their own finalizers hold them as ever."""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.status import Conflict, NotFound, StatusError
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.customresources.naming import ESTABLISHED, TERMINATING, is_true, with_condition
from controlplane.apiserver.storage import ResourceStorage
from controlplane.apiserver.strategies.definitions import FINALIZER
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time

_log = logging.getLogger(__name__)

_LOOK = 0.2  # seconds between looks at whether the instances are gone
_PATIENCE = 60.0  # seconds until the condition says that they are not; upstream's
_RETRY = 5.0  # seconds until it is all tried again


class Cleanup:
    """One task for each definition that is being deleted."""

    def __init__(self, catalog: Catalog, client: Client, clock: Clock):
        self._catalog, self._client, self._clock = catalog, client, clock
        self._under_way: set[str] = set()  # by UID

    def begin(self, definition: CustomResourceDefinition, tasks: asyncio.TaskGroup) -> None:
        """Begin to empty a definition, unless that is being done."""
        uid = definition.metadata.uid
        if FINALIZER in definition.metadata.finalizers and uid not in self._under_way:
            self._under_way.add(uid)
            tasks.create_task(self._until_done(definition.metadata.name, uid))

    async def _until_done(self, name: str, uid: str) -> None:
        try:
            while not await self._tried(name, uid):
                await self._clock.sleep(_RETRY)
        finally:
            self._under_way.discard(uid)

    async def _tried(self, name: str, uid: str) -> bool:
        try:
            definition = await self._client.get(CustomResourceDefinition, name)
            if definition.metadata.uid != uid or FINALIZER not in definition.metadata.finalizers:
                return True
            return await self._empty(definition)
        except NotFound:
            return True
        except Conflict:
            return await self._tried(name, uid)
        except Exception:  # whatever is wrong with one definition, the others are served
            _log.exception("deleting the instances of %s failed", name)
            return False

    async def _empty(self, definition: CustomResourceDefinition) -> bool:
        message = "CustomResource deletion is in progress"
        definition = await self._say(definition, "True", "InstanceDeletionInProgress", message)
        storage = self._storage(definition)
        if storage is None or not is_true(definition, ESTABLISHED):
            await self._release(definition, "NeverEstablished", "resource was never established")
            return True
        try:
            await self._delete_instances(storage)
        except StatusError as error:
            await self._say(definition, "True", "InstanceDeletionFailed", f"could not issue all deletes: {error}")
            return False
        if not await self._are_gone(definition):
            why = "could not confirm zero CustomResources remaining: timed out waiting for the condition"
            await self._say(definition, "True", "InstanceDeletionCheck", why)
            return False
        await self._release(definition, "InstanceDeletionCompleted", "removed all instances")
        return True

    def _storage(self, definition: CustomResourceDefinition) -> ResourceStorage | None:
        names = definition.status.accepted_names or definition.spec.names
        if names is None:
            return None
        return next(
            (one for one in self._catalog.custom
             if (one.resource.group, one.resource.plural) == (definition.spec.group, names.plural)),
            None,
        )  # fmt: skip

    async def _delete_instances(self, storage: ResourceStorage) -> None:
        await storage.watch_cache.fresh()
        resource = storage.resource
        for namespace in sorted({item.namespace for item in storage.cache.list()}):
            await self._client.request("DELETE", resource.path(namespace))

    async def _are_gone(self, definition: CustomResourceDefinition) -> bool:
        deadline = self._clock.monotonic() + _PATIENCE
        while (storage := self._storage(definition)) is not None:  # another server may have been quicker
            await storage.watch_cache.fresh()
            if not len(storage.cache):
                return True
            if self._clock.monotonic() > deadline:
                return False
            await self._clock.sleep(_LOOK)
        return True

    async def _say(
        self, definition: CustomResourceDefinition, state: str, reason: str, message: str
    ) -> CustomResourceDefinition:
        now = format_time(self._clock.now())
        status = with_condition(definition.status, TERMINATING, state, reason, message, now)
        return await self._client.update(replace(definition, status=status), subresource="status")

    async def _release(self, definition: CustomResourceDefinition, reason: str, message: str) -> None:
        """Say that it is done, and let the definition go."""
        definition = await self._say(definition, "False", reason, message)
        left = [one for one in definition.metadata.finalizers if one != FINALIZER]
        metadata = replace(definition.metadata, finalizers=left)
        await self._client.update(replace(definition, metadata=metadata))
