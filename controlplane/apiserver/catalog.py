"""What this server serves now: built-in resources from the start, custom ones as long as their definitions are there.

    catalog.resources["apps", "v1", "deployments"]     Resource: names, verbs, scope         router, discovery, OpenAPI
    catalog.storages["apps", "v1", "deployments"]      the door to its objects               handlers

Routing looks into these two dicts and nothing else, so a resource is served from the moment it is added. What is made
from the whole catalog (discovery, OpenAPI) remembers `version`, and is made again when somebody asks after a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from controlplane.api.resources import RESOURCES, Resource
from controlplane.apiserver.cached_object import opening
from controlplane.apiserver.conversions import stored_as
from controlplane.apiserver.storage import ResourceStorage, prefix_of
from controlplane.apiserver.strategies import strategy_for
from controlplane.apiserver.watch_cache import ResourceCache, WatchCache
from controlplane.store.interface import Store

Key: TypeAlias = tuple[str, str, str]
"""Group, version, plural."""


class Catalog:
    """The resources and their storages, by group, version and plural."""

    def __init__(self, resources: Iterable[Resource], storages: Iterable[ResourceStorage]):
        self.resources: dict[Key, Resource] = {key_of(one): one for one in resources}
        self.storages: dict[Key, ResourceStorage] = {key_of(one.resource): one for one in storages}
        self.built_in: Sequence[Resource] = tuple(self.resources.values())
        self.version = 0  # grows with every change

    @property
    def custom(self) -> Sequence[ResourceStorage]:
        """The storages of custom resources."""
        known = {key_of(one) for one in self.built_in}
        return [storage for key, storage in self.storages.items() if key not in known]

    def exchange(self, gone: Iterable[Key], new: Iterable[ResourceStorage]) -> None:
        """Stop serving some resources and begin to serve others, between two requests."""
        for key in gone:
            self.resources.pop(key, None)
            self.storages.pop(key, None)
        for storage in new:
            key = key_of(storage.resource)
            self.resources[key], self.storages[key] = storage.resource, storage
        self.version += 1


def key_of(resource: Resource) -> Key:
    return resource.group, resource.version, resource.plural


def built_in_caches() -> Sequence[ResourceCache]:
    """Return one cache a prefix, of bytes in the version that is stored there."""
    stored = {prefix_of(one): stored_as(one) for one in RESOURCES if one.stored}
    return [ResourceCache(prefix, opening(one.api_version, one.kind)) for prefix, one in stored.items()]


def built_in_storages(store: Store, cache: WatchCache, event_ttl: int) -> Mapping[Key, ResourceStorage]:
    """Return the storages of the resources that every server has; events are kept for `event_ttl` seconds."""
    return {
        key_of(one): ResourceStorage(
            one, strategy_for(one), store, cache, ttl=event_ttl if one.plural == "events" else 0
        )
        for one in RESOURCES
        if one.stored
    }
