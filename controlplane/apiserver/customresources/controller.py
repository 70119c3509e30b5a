"""Follows definitions: accepts their names, serves their resources, and empties them before they go.

One task looks at every definition that has changed, in order, so that two that want the same name cannot both get it.
A resource is served before its definition says that it is established: who has read the condition finds the resource.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.codec import decode
from controlplane.api.status import Conflict, NotFound
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.catalog import Catalog, Key, key_of
from controlplane.apiserver.customresources.cleanup import Cleanup
from controlplane.apiserver.customresources.naming import ESTABLISHED, claim_of, is_true, plan_names
from controlplane.apiserver.customresources.serving import Materials, accepted, prefix_of, signature, storages_of
from controlplane.apiserver.customresources.storage import CustomCache
from controlplane.apiserver.customresources.strategy import Life
from controlplane.apiserver.storage import prefix_of as prefix_of_resource
from controlplane.apiserver.watch_cache import Watcher
from controlplane.client.client import Client
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time

_log = logging.getLogger(__name__)

DEFINITIONS = ("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_RETRY = 1.0  # seconds until a definition is looked at again whose status could not be written


@dataclass(slots=True)
class _Served:
    """What is served because of one definition."""

    signature: Mapping[str, object]
    prefix: str
    keys: list[Key]
    life: Life = field(default_factory=Life)


class Definitions:
    """All definitions of a server, and what it serves because of them."""

    def __init__(self, catalog: Catalog, materials: Materials, client: Client, clock: Clock):
        self._catalog, self._materials, self._client, self._clock = catalog, materials, client, clock
        self._storage = catalog.storages[DEFINITIONS]
        self._served: dict[str, _Served] = {}
        self._seen: dict[str, int] = {}  # by name, the revision that was last looked at without failing
        self._cleanup = Cleanup(catalog, client, clock)
        self._watcher: Watcher | None = None

    async def load(self) -> None:
        """Serve what was established when the server was stopped; loading the watch cache, after this, fills it."""
        items, _, _ = await self._storage.snapshot("", limit=0, start_after="", revision=0)
        for item in items:
            definition = self._definition(item)
            if is_true(definition, ESTABLISHED):
                try:
                    await self._serve(definition, fill=False)
                except Exception:
                    _log.exception("custom resource definition %s cannot be served", definition.metadata.name)

    async def run(self) -> None:
        """Work until cancelled."""
        cache = self._storage.cache
        async with asyncio.TaskGroup() as tasks:
            with cache.watcher(cache.log.end, None) as watcher:
                self._watcher = watcher
                while True:
                    watcher.position = cache.log.end
                    await self._look(tasks)
                    if cache.log.end == watcher.position:
                        await watcher.wait()

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Look at every definition that has changed, until none has."""
        changed = True
        while changed:
            changed = False
            items = {item.key: item for item in self._storage.cache.list()}
            for name in [one for one in self._seen if one not in items]:
                self._gone(name)
            for name, item in items.items():
                if self._seen.get(name) != item.revision:
                    changed = True
                    self._seen[name] = item.revision
                    await self._reconcile(self._definition(item), tasks)

    async def _reconcile(self, definition: CustomResourceDefinition, tasks: asyncio.TaskGroup) -> None:
        name = definition.metadata.name
        try:
            if definition.metadata.deletion_timestamp is None:
                definition = await self._settle_names(definition)
            if is_true(definition, ESTABLISHED):
                await self._serve(definition, fill=True)
            if definition.metadata.deletion_timestamp is not None:
                if name in self._served:
                    self._served[name].life.terminating = True
                self._cleanup.begin(definition, tasks)
        except (Conflict, NotFound):
            return  # it has changed in the meantime, so it is looked at again
        except Exception:  # whatever is wrong with one definition, the others are served
            _log.exception("custom resource definition %s: trying again", name)
            tasks.create_task(self._again(name))

    async def _again(self, name: str) -> None:
        await self._clock.sleep(_RETRY)
        self._seen.pop(name, None)
        if self._watcher is not None:
            self._watcher.wake()

    async def _settle_names(self, definition: CustomResourceDefinition) -> CustomResourceDefinition:
        now = format_time(self._clock.now())
        claims = [claim_of(self._storage.encoded(item)) for item in self._storage.cache.list()]
        status = plan_names(definition, claims, now)
        if status == definition.status:
            return definition
        planned = replace(definition, status=status)
        if is_true(planned, ESTABLISHED):
            await self._serve(planned, fill=True)
        written = await self._client.update(planned, subresource="status")
        await self._materials.cache.fresh()  # the next definition is to see which names are taken
        return written

    async def _serve(self, definition: CustomResourceDefinition, *, fill: bool) -> None:
        """Make the server serve a definition as it is now; `fill` once the watch cache follows the store."""
        name, wanted = definition.metadata.name, signature(definition)
        served = self._served.get(name)
        if served is not None and served.signature == wanted:
            return
        if (why := self._in_the_way(definition)) is not None:
            _log.warning("custom resource definition %s is not served: %s", name, why)
            return
        cache = CustomCache(prefix_of(definition), b"{")
        if served is not None and served.signature["uid"] == wanted["uid"]:
            cache.succeed(self._materials.cache.of(served.prefix))
            self._materials.cache.put(cache)
        elif fill:
            await self._materials.cache.fill(cache)
        else:
            self._materials.cache.put(cache)
        life = served.life if served is not None else Life()
        storages = storages_of(definition, life, self._materials)
        keys = [key_of(one.resource) for one in storages]
        self._catalog.exchange(served.keys if served else (), storages)
        self._served[name] = _Served(wanted, cache.prefix, keys, life)

    def _in_the_way(self, definition: CustomResourceDefinition) -> str | None:
        """Return what a definition would take the place of, though it is built in."""
        for resource in self._catalog.built_in:
            if (resource.group, resource.plural) == (definition.spec.group, accepted(definition).plural):
                return f"{resource.group_resource} is built in"
            if prefix_of_resource(resource) == prefix_of(definition):
                return f"{resource.group_resource} is stored where its objects would be"
        return None

    def _gone(self, name: str) -> None:
        """Stop serving what a definition that is gone stood for; its names are free."""
        del self._seen[name]
        served = self._served.pop(name, None)
        if served is not None:
            self._catalog.exchange(served.keys, ())
            self._materials.cache.drop(served.prefix)
        group = name.partition(".")[2]
        for other in [one for one in self._seen if one.partition(".")[2] == group]:
            self._seen[other] = 0  # it may have waited for a name

    def _definition(self, item: CachedObject) -> CustomResourceDefinition:
        return decode(self._storage.encoded(item), CustomResourceDefinition)
