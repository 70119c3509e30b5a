"""The config maps, secrets and trust bundles that pods of this node use, each watched for as long as one of them does.

The node authorizer lets a node read exactly the objects its pods name, one at a time; so there is no informer over all
secrets but a list and a watch with `metadata.name=NAME` for each object. The first reader waits for the first list.
Trust bundles are everybody's to read, and a pod may want all of a signer: these are watched together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec

from controlplane.api.certificates_v1 import ClusterTrustBundle
from controlplane.api.core_v1 import ClusterTrustBundleProjection, ConfigMap, Pod, Secret
from controlplane.api.status import Expired, StatusError
from controlplane.client.client import Client, EventType
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within

_log = logging.getLogger(__name__)
_RETRY = Backoff(first=0.5, cap=30.0)

Named: TypeAlias = ConfigMap | Secret | ClusterTrustBundle


class Reference(NamedTuple):
    """One object that a pod names, or with the name "" all of a type that is in no namespace."""

    type: type[ConfigMap] | type[Secret] | type[ClusterTrustBundle]
    namespace: str
    name: str


ALL_BUNDLES = Reference(ClusterTrustBundle, "", "")


class ObjectsUnavailable(Exception):
    """The API server has not yet answered for an object."""


@dataclass
class _Watched:
    users: dict[Hashable, Callable[[], None]] = field(default_factory=dict)
    values: dict[str, Named] = field(default_factory=dict)  # by name; one at most, unless all are watched
    known: asyncio.Event = field(default_factory=asyncio.Event)
    failure: str = ""
    task: asyncio.Task[None] | None = None


class Objects:
    """A cache of single objects by reference."""

    def __init__(self, client: Client, clock: Clock):
        self._client, self._clock = client, clock
        self._watched: dict[Reference, _Watched] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Own the watches until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    def use(self, user: Hashable, references: Iterable[Reference], on_change: Callable[[], None]) -> None:
        """Watch exactly `references` for `user`, who is told of every change through `on_change`."""
        wanted = set(references)
        for reference in wanted:
            self._watch(reference).users[user] = on_change
        for reference in [one for one, watched in self._watched.items() if user in watched.users and one not in wanted]:
            self._unuse(reference, user)

    def release(self, user: Hashable) -> None:
        """Stop watching for `user`."""
        self.use(user, (), lambda: None)

    async def get(self, reference: Reference, *, patience: float = 5.0) -> Named | None:
        """Return an object in use, or None if it does not exist. Raises ObjectsUnavailable after `patience` seconds."""
        return (await self.every(reference, patience=patience)).get(reference.name)

    async def every(self, reference: Reference, *, patience: float = 5.0) -> Mapping[str, Named]:
        """Return what a reference in use stands for, by name. Raises ObjectsUnavailable after `patience` seconds."""
        watched = self._watched[reference]
        if not await happens_within(watched.known, patience, self._clock):
            raise ObjectsUnavailable(watched.failure or f"waiting for {reference.type.__name__} {reference.name}")
        return watched.values

    def _watch(self, reference: Reference) -> _Watched:
        watched = self._watched.get(reference)
        if watched is None:
            if self._tasks is None:
                raise RuntimeError("Objects.run() is not running")
            watched = self._watched[reference] = _Watched()
            watched.task = self._tasks.create_task(self._follow(reference, watched))
        return watched

    def _unuse(self, reference: Reference, user: Hashable) -> None:
        watched = self._watched[reference]
        del watched.users[user]
        if not watched.users:
            del self._watched[reference]
            if watched.task is not None:
                watched.task.cancel()

    async def _follow(self, reference: Reference, watched: _Watched) -> None:
        failures = 0
        while True:
            try:
                version = await self._list(reference, watched)
                failures = 0
                if _is_immutable(watched.values.get(reference.name)):
                    return  # it can only be deleted, and then its pods keep what they have
                while True:
                    version = await self._stream(reference, watched, version)
            except Expired:
                continue
            except (StatusError, Unreachable, msgspec.MsgspecError) as error:
                watched.failure = str(error)
                if failures == 0:
                    # An outage is the informers' to tell: here it would be a line for every object.
                    level = logging.DEBUG if isinstance(error, Unreachable) else logging.INFO
                    name = f"{reference.type.__name__} {reference.namespace}/{reference.name}"
                    _log.log(level, "%s: %s", name, error)
                await self._clock.sleep(_RETRY.delay(failures))
                failures += 1

    async def _list(self, reference: Reference, watched: _Watched) -> str:
        type_ = cast(Any, reference.type)
        found = await self._client.list(type_, reference.namespace, fields=_fields(reference))
        self._store(watched, {one.metadata.name: one for one in found.items})
        return found.resource_version

    async def _stream(self, reference: Reference, watched: _Watched, version: str) -> str:
        stream: Any = self._client.watch(
            cast(Any, reference.type),
            reference.namespace,
            resource_version=version,
            fields=_fields(reference),
        )
        async with aclosing(stream) as events:
            async for event in events:
                version = event.object.metadata.resource_version
                if event.type is not EventType.BOOKMARK:
                    rest = {name: one for name, one in watched.values.items() if name != event.object.metadata.name}
                    gone = event.type is EventType.DELETED
                    self._store(watched, rest if gone else {**rest, event.object.metadata.name: event.object})
        return version

    def _store(self, watched: _Watched, values: dict[str, Named]) -> None:
        first = not watched.known.is_set()
        changed = first or _versions(values) != _versions(watched.values)
        watched.values, watched.failure = values, ""
        watched.known.set()
        if changed and not first:
            for tell in list(watched.users.values()):
                tell()


def _fields(reference: Reference) -> str:
    return f"metadata.name={reference.name}" if reference.name else ""


def _is_immutable(value: Named | None) -> bool:
    return isinstance(value, ConfigMap | Secret) and bool(value.immutable)


def _versions(values: Mapping[str, Named]) -> set[str]:
    return {value.metadata.uid + value.metadata.resource_version for value in values.values()}


def references(pod: Pod) -> set[Reference]:
    """Return every config map, secret and trust bundle that the pod's volumes and variables name."""
    namespace = pod.metadata.namespace
    maps = {name for volume in pod.spec.volumes for name in _config_maps(volume)}
    secrets = {name for volume in pod.spec.volumes for name in _secrets(volume)}
    secrets |= {secret.name for secret in pod.spec.image_pull_secrets}
    containers: list[Any] = [*pod.spec.init_containers, *pod.spec.containers, *pod.spec.ephemeral_containers]
    for container in containers:
        for source in container.env_from:
            maps |= {source.config_map_ref.name} if source.config_map_ref else set()
            secrets |= {source.secret_ref.name} if source.secret_ref else set()
        for variable in container.env:
            value = variable.value_from
            maps |= {value.config_map_key_ref.name} if value and value.config_map_key_ref else set()
            secrets |= {value.secret_key_ref.name} if value and value.secret_key_ref else set()
    found = {Reference(ConfigMap, namespace, name) for name in maps if name}
    found |= {reference for volume in pod.spec.volumes for reference in _bundles(volume)}
    return found | {Reference(Secret, namespace, name) for name in secrets if name}


def _config_maps(volume: Any) -> set[str]:
    names = {volume.config_map.name} if volume.config_map else set()
    if volume.projected:
        names |= {source.config_map.name for source in volume.projected.sources if source.config_map}
    return names


def _secrets(volume: Any) -> set[str]:
    names = {volume.secret.secret_name} if volume.secret else set()
    if volume.projected:
        names |= {source.secret.name for source in volume.projected.sources if source.secret}
    return names


def _bundles(volume: Any) -> set[Reference]:
    sources = volume.projected.sources if volume.projected else ()
    wanted: list[ClusterTrustBundleProjection] = [
        source.cluster_trust_bundle for source in sources if source.cluster_trust_bundle
    ]
    return {Reference(ClusterTrustBundle, "", one.name) if one.name else ALL_BUNDLES for one in wanted}


Found = Mapping[Reference, Named | None]
"""The objects a pod names, as they are now; None for what does not exist."""
