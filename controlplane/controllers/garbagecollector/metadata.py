"""Objects as little more than their metadata: the collector follows every kind and needs nothing else of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from controlplane.api.base import KubeStruct
from controlplane.client.client import Client, ObjectList, WatchEvent

T = TypeVar("T", bound=KubeStruct)


class MetadataClient:
    """Lists and watches as a client does, keeps names, owners and finalizers, and drops the rest right after reading.

    So a cache of Secrets and ConfigMaps costs the master a few hundred bytes each, whatever they hold.
    """

    def __init__(self, client: Client):
        self._client, self.outage = client, client.outage

    async def list(self, type_: type[T], namespace: str = "", **options: Any) -> ObjectList[T]:
        listed = await self._client.list(type_, namespace, **options)
        return ObjectList([stripped(obj) for obj in listed.items], listed.resource_version, listed.continue_)

    async def watch(self, type_: type[T], namespace: str = "", **options: Any) -> AsyncIterator[WatchEvent[T]]:
        # aclosing: a watch that is left early closes its connection now, not when it is collected.
        async with aclosing(cast(Any, self._client.watch(type_, namespace, **options))) as events:
            async for event in events:
                yield WatchEvent(event.type, stripped(event.object))


def stripped(obj: T) -> T:
    metadata = obj.metadata  # type: ignore[attr-defined]
    made: Any = type(obj)
    kept: T = made(metadata=replace(metadata, managed_fields=[], annotations={}, labels={}))
    return kept
