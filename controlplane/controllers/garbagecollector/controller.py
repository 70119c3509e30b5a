"""Follows every kind, keeps the graph, and carries out what `plan` decides about one object at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from controlplane.api import apps_v1, certificates_v1, core_v1, discovery_v1, events_v1
from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.base import KubeStruct
from controlplane.api.codec import encode
from controlplane.api.meta_v1 import DeleteOptions, ObjectMeta, OwnerReference, Preconditions
from controlplane.api.resources import BY_KIND, RESOURCES, Resource
from controlplane.api.status import NotFound
from controlplane.client.client import Client, PatchType
from controlplane.client.informer import Informer, Informers
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.discovery import Discovery, ServedResource
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.garbagecollector.custom import CustomKinds
from controlplane.controllers.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, Identity, Item, Look
from controlplane.controllers.garbagecollector.metadata import MetadataClient
from controlplane.controllers.garbagecollector.plan import Action, Delete, DropOwners, OwnerState, decide

_log = logging.getLogger(__name__)

_NAME = "generic-garbage-collector"

# Kinds that are not stored, or of which there are many and none is ever owned for long.
_IGNORED = frozenset({core_v1.Binding, core_v1.Event, events_v1.Event})
# Kinds that other controllers follow whole; a second cache of them would only cost memory.
_SHARED: frozenset[type[KubeStruct]] = frozenset(
    {
        apps_v1.Deployment,
        apps_v1.ReplicaSet,
        certificates_v1.CertificateSigningRequest,
        core_v1.Endpoints,
        core_v1.Namespace,
        core_v1.Node,
        core_v1.Pod,
        core_v1.ReplicationController,
        core_v1.Service,
        core_v1.ServiceAccount,
        discovery_v1.EndpointSlice,
    }
)
# Seconds until an object is looked at again whose owner is of a kind that is not served.
_UNKNOWN_KIND = 60.0
# Absent owners remembered: a Deployment's thousand pods ask for the same one.
_REMEMBERED = 500
# Requests of one orphaning at once.
_AT_ONCE = 20


class UnknownKind(Exception):
    """An owner of a kind that the server does not serve: nobody can say whether it is there."""


class _Live(msgspec.Struct):
    metadata: ObjectMeta = ObjectMeta()


def _one_version_each(resources: Iterable[Resource]) -> Iterable[Resource]:
    """Return the last version of each resource: they are the same objects."""
    return {(one.group, one.plural): one for one in resources}.values()


class GarbageCollector:
    """Keyed by UID; two queues: what may have to be deleted, and what has dependents to orphan."""

    def __init__(self, environment: Environment, *, workers: int = 20, resources: Iterable[Resource] = RESOURCES):
        self._workers = workers
        self._client: Client = environment.client_for(_NAME)
        self._discovery = Discovery(self._client, environment.clock)
        self._deletes = environment.queue("garbage_collector_attempt_to_delete")
        self._orphans = environment.queue("garbage_collector_attempt_to_orphan")
        self._graph = Graph()
        self._absent: dict[str, OwnerReference] = {}  # owners known to be gone
        slim = cast(Client, MetadataClient(self._client))  # informers only list and watch
        self._own_informers = Informers(slim, environment.clock, environment.random)
        self._informers: list[Informer[Any]] = []
        for resource in _one_version_each(resources):
            if resource.type not in _IGNORED and resource.stored:
                self._follow(environment.informers, resource)
        self._custom = CustomKinds(slim, self._discovery, environment.clock, environment.random, self._changed)
        self._own_informers.of(CustomResourceDefinition).on_change(self._custom.definition_changed)

    def _follow(self, shared: Informers, resource: Resource) -> None:
        source = shared if resource.type in _SHARED else self._own_informers
        informer: Informer[Any] = source.of(resource.type)

        informer.on_change(lambda old, new: self._changed(resource, old, new))
        self._informers.append(informer)

    def _changed(self, resource: Resource | ServedResource, old: Any, new: Any) -> None:
        if new is None:
            self._removed(resource, old)
        elif old is None or _matters(old.metadata, new.metadata):
            self._look(self._graph.observe(_identity(resource, new.metadata), new.metadata))

    def _removed(self, resource: Resource | ServedResource, old: Any) -> None:
        uid = old.metadata.uid
        self._note_absent(OwnerReference(api_version=resource.api_version, kind=resource.kind,
                                         name=old.metadata.name, uid=uid))  # fmt: skip
        self._look(self._graph.remove(uid))

    def _note_absent(self, owner: OwnerReference) -> None:
        self._absent[owner.uid] = owner
        while len(self._absent) > _REMEMBERED:
            del self._absent[next(iter(self._absent))]

    def _look(self, look: Look) -> None:
        for uid in look.delete:
            self._deletes.add(uid)
        for uid in look.orphan:
            self._orphans.add(uid)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._own_informers.run())
            # With half a graph an owner seems to have no dependents, and would go before them.
            await synced(*self._informers)
            tasks.create_task(self._custom.run())
            await self._custom.synced()
            tasks.create_task(
                Reconciler("garbagecollector", self.attempt_to_delete, self._deletes, workers=self._workers).run()
            )
            tasks.create_task(Reconciler("garbagecollector-orphan", self.orphan, self._orphans, workers=5).run())

    async def attempt_to_delete(self, uid: str) -> float | None:
        try:
            await self._attempt_to_delete(uid)
        except UnknownKind as error:
            _log.debug("%s: %s", self._graph.get(uid), error)
            return _UNKNOWN_KIND
        return None

    async def _attempt_to_delete(self, uid: str) -> None:
        item = self._graph.get(uid)
        if item is None or (item.deleting and not item.deletes_dependents):
            return
        if item.virtual:
            await self._check_virtual(item)
            return
        live = await self._live(item.identity)
        if live is None:
            self._look(self._graph.remove(uid))
        elif item.deletes_dependents:
            await self._finish_foreground(item, live)
        elif live.deletion_timestamp is None:
            await self._carry_out(item, live, await self._decide(item, live))

    async def _check_virtual(self, item: Item) -> None:
        """Ask the server for an owner that no cache has shown, once under each name that dependents give it."""
        states: dict[tuple[str, str, str, str], OwnerState] = {}
        for dependent in list(item.dependents.values()):
            for owner in dependent.owners:
                if owner.uid != item.identity.uid:
                    continue
                name = (owner.api_version, owner.kind, dependent.identity.namespace, owner.name)
                if name not in states:
                    states[name] = await self._state_of(dependent, owner)
                if states[name] is OwnerState.ABSENT:
                    self._deletes.add(dependent.identity.uid)

    async def _decide(self, item: Item, live: ObjectMeta) -> Action:
        owners = [(owner, await self._state_of(item, owner)) for owner in live.owner_references]
        return decide(
            owners,
            live.finalizers,
            has_dependents=bool(item.dependents),
            dependent_is_deleting=any(one.deletes_dependents for one in item.dependents.values()),
        )

    async def _state_of(self, item: Item, owner: OwnerReference) -> OwnerState:
        known = self._graph.get(owner.uid)
        identity = await self._identity_of_owner(item, owner)
        if identity is None:
            return OwnerState.SOLID  # it cannot be looked up, so it cannot be missing
        if known is not None and not known.virtual and known.identity == identity:
            return OwnerState.WAITING if known.deletes_dependents else OwnerState.SOLID
        if owner.uid in self._absent and _names_the_same(self._absent[owner.uid], owner):
            return OwnerState.ABSENT
        live = await self._live(identity)
        if live is None:
            self._note_absent(owner)
            return OwnerState.ABSENT
        waits = live.deletion_timestamp is not None and FOREGROUND in live.finalizers
        return OwnerState.WAITING if waits else OwnerState.SOLID

    async def _identity_of_owner(self, item: Item, owner: OwnerReference) -> Identity | None:
        """Return where the owner would be; None if a cluster-wide object names one in a namespace."""
        resource = await self._resource(owner.api_version, owner.kind)
        if not resource.namespaced:
            return Identity(owner.api_version, owner.kind, "", owner.name, owner.uid)
        if not item.identity.namespace:
            return None
        return Identity(owner.api_version, owner.kind, item.identity.namespace, owner.name, owner.uid)

    async def _resource(self, api_version: str, kind: str) -> Resource | ServedResource:
        if known := BY_KIND.get((api_version, kind)):
            return known
        served = await self._discovery.served()
        group = api_version.rpartition("/")[0]
        for resource in served.resources:
            if (resource.group, resource.kind) == (group, kind):
                return resource
        raise UnknownKind(f"{kind} of {api_version} is not served")

    async def _live(self, identity: Identity) -> ObjectMeta | None:
        """Return the object's metadata from the server; None if no object of that UID is there."""
        resource = await self._resource(identity.api_version, identity.kind)
        try:
            response = await self._client.request("GET", resource.path(identity.namespace, identity.name))
        except NotFound:
            return None
        metadata = msgspec.json.decode(response.body, type=_Live).metadata
        return metadata if metadata.uid == identity.uid else None

    async def _carry_out(self, item: Item, live: ObjectMeta, action: Action) -> None:
        if isinstance(action, DropOwners):
            await self._set_owners(item, live, [one for one in live.owner_references if one.uid not in action.uids])
        elif isinstance(action, Delete):
            if action.unblock:
                unblocked = [msgspec.structs.replace(one, block_owner_deletion=False) for one in live.owner_references]
                await self._set_owners(item, live, unblocked)
            await self._delete(item.identity, live, action)

    async def _finish_foreground(self, item: Item, live: ObjectMeta) -> None:
        """Let the object go if nothing blocks it any more; else see to what does."""
        blocking = item.blocking()
        if not blocking:
            await self._remove_finalizer(item.identity, live, FOREGROUND)
        for dependent in blocking:
            if not dependent.deletes_dependents:
                self._deletes.add(dependent.identity.uid)

    async def orphan(self, uid: str) -> None:
        """Take the object's reference out of all its dependents, then let it go."""
        item = self._graph.get(uid)
        if item is None or not item.orphans_dependents:
            return
        limit = asyncio.Semaphore(_AT_ONCE)

        async def release(dependent: Item) -> None:
            async with limit:
                live = await self._live(dependent.identity)
                if live is not None:
                    await self._set_owners(dependent, live, [one for one in live.owner_references if one.uid != uid])

        # All of them, even if one fails: then this is done again, and there is less to do.
        results = await asyncio.gather(*map(release, list(item.dependents.values())), return_exceptions=True)
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure
        live = await self._live(item.identity)
        if live is not None:
            await self._remove_finalizer(item.identity, live, ORPHAN)

    async def _set_owners(self, item: Item, live: ObjectMeta, owners: list[OwnerReference]) -> None:
        if owners != live.owner_references:
            await self._patch(item.identity, live, {"ownerReferences": owners or None})

    async def _remove_finalizer(self, identity: Identity, live: ObjectMeta, finalizer: str) -> None:
        left = [one for one in live.finalizers if one != finalizer]
        if left != live.finalizers:
            await self._patch(identity, live, {"finalizers": left or None})

    async def _patch(self, identity: Identity, live: ObjectMeta, changes: dict[str, Any]) -> None:
        """Merge into the metadata, if nobody changed the object since `live` was read. Raises Conflict."""
        resource = await self._resource(identity.api_version, identity.kind)
        metadata = {"uid": live.uid, "resourceVersion": live.resource_version, **changes}
        path = resource.path(identity.namespace, identity.name)
        try:
            await self._client.request(
                "PATCH", path, body=encode({"metadata": metadata}), content_type=PatchType.MERGE.value
            )
        except NotFound:
            return

    async def _delete(self, identity: Identity, live: ObjectMeta, action: Delete) -> None:
        """Delete the object, unless it changed since `live` was read: it may have an owner now. Raises Conflict."""
        resource = await self._resource(identity.api_version, identity.kind)
        options = DeleteOptions(
            api_version="v1",
            kind="DeleteOptions",
            # Our own patch, which unblocks, has made `live` an old version.
            preconditions=Preconditions(
                uid=identity.uid, resource_version="" if action.unblock else live.resource_version
            ),
            propagation_policy=action.policy,
        )
        _log.info("deleting %s (%s): no owner wants it", identity, action.policy)
        try:
            await self._client.request("DELETE", resource.path(identity.namespace, identity.name), body=encode(options))
        except NotFound:
            return  # the watch tells


def _names_the_same(one: OwnerReference, other: OwnerReference) -> bool:
    return (one.api_version, one.kind, one.name) == (other.api_version, other.kind, other.name)


def _identity(resource: Resource | ServedResource, metadata: ObjectMeta) -> Identity:
    return Identity(resource.api_version, resource.kind, metadata.namespace, metadata.name, metadata.uid)


def _matters(old: ObjectMeta, new: ObjectMeta) -> bool:
    """Most changes are of spec or status, and say nothing about owners."""
    return (
        old.owner_references != new.owner_references
        or old.finalizers != new.finalizers
        or old.deletion_timestamp != new.deletion_timestamp
        or old.uid != new.uid
    )
