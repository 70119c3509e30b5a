"""The API's verbs on typed objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from controlplane.api.base import KubeStruct
from controlplane.api.codec import decode, encode
from controlplane.api.meta_v1 import DeleteOptions, ListMeta, Preconditions, Status
from controlplane.api.resources import resource_of
from controlplane.api.status import from_status
from controlplane.client.failures import failure_of
from controlplane.client.outage import Outage
from controlplane.client.transport import JSON, Query, Response, Transport

T = TypeVar("T", bound=KubeStruct)
R = TypeVar("R", bound=KubeStruct)


class PatchType(StrEnum):
    """How a patch changes an object: by media type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class EventType(StrEnum):
    """What happened to a watched object. A BOOKMARK's object has nothing but a resource version."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[T]):
    type: EventType
    object: T


@dataclass(frozen=True, slots=True)
class ObjectList(Generic[T]):
    """The objects of a collection as they were at `resource_version`; `continue_` asks for the next page."""

    items: list[T]
    resource_version: str
    continue_: str = ""
    remaining: int = 0

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class _WireList(msgspec.Struct, Generic[T]):
    metadata: ListMeta = ListMeta()
    items: list[T] = []


class _WireEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class Client:
    """Speaks to one API server as one user. Raises StatusError when told no, Unreachable when not answered."""

    def __init__(self, transport: Transport, *, user_agent: str = ""):
        self.outage = Outage()  # of this server, as those who watch through this client know it
        self._transport = transport
        self._headers: Mapping[str, str] = {"Accept": JSON, **({"User-Agent": user_agent} if user_agent else {})}

    async def get(self, type_: type[T], name: str, namespace: str = "") -> T:
        return await self._send("GET", resource_of(type_).path(namespace, name), type_)

    async def list(
        self,
        type_: type[T],
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 0,
        resource_version: str = "",
        continue_: str = "",
        path: str = "",
    ) -> ObjectList[T]:
        """Return the collection, or with `limit` a page of it. Resource version "0" accepts a server's cache.

        With `path` it is the collection there, of custom resources, whose objects `type_` can hold.
        """
        query = _query(
            labelSelector=labels,
            fieldSelector=fields,
            limit=str(limit or ""),
            resourceVersion="" if continue_ else resource_version,
            **{"continue": continue_},
        )
        response = await self.request("GET", path or resource_of(type_).path(namespace), query=query)
        wire = decode(response.body, _WireList[type_])  # type: ignore[valid-type]
        meta = wire.metadata
        return ObjectList(wire.items, meta.resource_version, meta.continue_, meta.remaining_item_count or 0)

    async def create(self, obj: T) -> T:
        type_ = type(obj)
        return await self._send("POST", resource_of(type_).path(_namespace(obj)), type_, encode(obj))

    async def update(self, obj: T, *, subresource: str = "") -> T:
        """Replace the object; with a resource version, only if nobody else changed it since (else Conflict)."""
        type_ = type(obj)
        path = resource_of(type_).path(_namespace(obj), obj.metadata.name, subresource)  # type: ignore[attr-defined]
        return await self._send("PUT", path, type_, encode(obj))

    async def patch(
        self,
        type_: type[T],
        name: str,
        patch: Any,
        namespace: str = "",
        *,
        kind: PatchType = PatchType.MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
    ) -> T:
        path = resource_of(type_).path(namespace, name, subresource)
        query = _query(fieldManager=field_manager, force="true" if force else "")
        return await self._send("PATCH", path, type_, encode(patch), content_type=kind.value, query=query)

    async def delete(
        self,
        type_: type[T],
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        grace_period_seconds: int | None = None,
        propagation_policy: str = "",
    ) -> None:
        """Ask for deletion; with `uid` or `resource_version`, only of that very object (else Conflict)."""
        expected = Preconditions(uid=uid, resource_version=resource_version) if uid or resource_version else None
        options = DeleteOptions(
            api_version="v1",
            kind="DeleteOptions",
            grace_period_seconds=grace_period_seconds,
            preconditions=expected,
            propagation_policy=propagation_policy,
        )
        await self.request("DELETE", resource_of(type_).path(namespace, name), body=encode(options))

    async def delete_collection(
        self, type_: type[T], namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> None:
        query = _query(labelSelector=labels, fieldSelector=fields)
        await self.request("DELETE", resource_of(type_).path(namespace), query=query)

    async def create_subresource(
        self,
        type_: type[Any],
        name: str,
        subresource: str,
        body: KubeStruct,
        result: type[R],
        namespace: str = "",
    ) -> R:
        """POST to an object's subresource: bind a pod, mint a token, evict."""
        return await self._send("POST", resource_of(type_).path(namespace, name, subresource), result, encode(body))

    async def watch(
        self,
        type_: type[T],
        namespace: str = "",
        *,
        resource_version: str,
        labels: str = "",
        fields: str = "",
        timeout_seconds: int = 0,
        path: str = "",
    ) -> AsyncIterator[WatchEvent[T]]:
        """Yield what happens after `resource_version` until the server ends the watch.

        Raises Expired when that history is gone. Close the iterator (contextlib.aclosing) to end the watch early.
        """
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=labels,
            fieldSelector=fields,
            timeoutSeconds=str(timeout_seconds or ""),
        )
        path = path or resource_of(type_).path(namespace)
        async with self._transport.stream("GET", path, query=query, headers=self._headers) as lines:
            async for line in lines:
                yield _watch_event(line, type_)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> Response:
        """Send anything anywhere, for what the verbs above do not cover. Raises StatusError, Unreachable."""
        response = await self._transport.request(
            method, path, query=query, body=body, content_type=content_type, headers=self._headers
        )
        if response.status >= 400:
            raise failure_of(response)
        return response

    async def _send(
        self,
        method: str,
        path: str,
        result: type[R],
        body: bytes | None = None,
        *,
        content_type: str = JSON,
        query: Query = (),
    ) -> R:
        response = await self.request(method, path, query=query, body=body, content_type=content_type)
        return decode(response.body, result)


def _watch_event(line: bytes, type_: type[T]) -> WatchEvent[T]:
    event = decode(line, _WireEvent)
    if event.type == "ERROR":
        raise from_status(decode(bytes(event.object), Status))
    return WatchEvent(EventType(event.type), decode(event.object, type_))


def _query(**parameters: str) -> Query:
    return [(name, value) for name, value in parameters.items() if value]


def _namespace(obj: Any) -> str:
    return obj.metadata.namespace if resource_of(type(obj)).namespaced else ""
