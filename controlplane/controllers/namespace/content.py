"""Deletes what a namespace holds, resource by resource, and counts what is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from controlplane.api.codec import encode
from controlplane.api.meta_v1 import DeleteOptions, ObjectMeta
from controlplane.api.status import MethodNotAllowed, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.transport import Unreachable
from controlplane.controllers.discovery import Discovery, ServedResource
from controlplane.controllers.namespace.plan import Findings, deletable

_PODS = "pods"
# Requests at once: enough to be quick, few enough to leave the server to others.
_AT_ONCE = 8
_OPTIONS = encode(DeleteOptions(api_version="v1", kind="DeleteOptions", propagation_policy="Background"))


class _Partial(msgspec.Struct):
    metadata: ObjectMeta = ObjectMeta()


class _PartialList(msgspec.Struct):
    items: list[_Partial] = []


class Content:
    """All objects of any namespace."""

    def __init__(self, client: Client, discovery: Discovery):
        self._client, self._discovery = client, discovery

    async def delete_all(self, namespace: str) -> Findings:
        """Ask for the deletion of everything, pods first, and return what remains."""
        findings = Findings()
        try:
            served = await self._discovery.served()
        except (StatusError, Unreachable) as error:
            findings.discovery_failures.append(str(error))
            return findings
        findings.discovery_failures += served.failures
        resources = deletable(served.resources)
        await self._delete_each(namespace, [one for one in resources if one.group_resource == _PODS], findings)
        if not findings.remaining:
            await self._delete_each(namespace, [one for one in resources if one.group_resource != _PODS], findings)
        return findings

    async def _delete_each(self, namespace: str, resources: Iterable[ServedResource], findings: Findings) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def delete(resource: ServedResource) -> None:
            async with limit:
                try:
                    await self._delete(namespace, resource, findings)
                except (StatusError, Unreachable) as error:
                    findings.deletion_failures.append(f"{resource.group_resource}: {error}")

        async with asyncio.TaskGroup() as tasks:
            for resource in resources:
                tasks.create_task(delete(resource))

    async def _delete(self, namespace: str, resource: ServedResource, findings: Findings) -> None:
        found = await self._list(namespace, resource)
        if not found:
            return
        await self._delete_collection(namespace, resource, found)
        left = await self._list(namespace, resource)
        if left:
            findings.remaining[resource.group_resource] = len(left)
        for one in left:
            findings.grace_seconds = max(findings.grace_seconds, one.deletion_grace_period_seconds or 0)
            for finalizer in one.finalizers:
                findings.finalizers[finalizer] = findings.finalizers.get(finalizer, 0) + 1

    async def _list(self, namespace: str, resource: ServedResource) -> list[ObjectMeta]:
        try:
            response = await self._client.request("GET", resource.path(namespace))
        except (NotFound, MethodNotAllowed):
            return []  # the resource went away between discovery and now
        return [one.metadata for one in msgspec.json.decode(response.body, type=_PartialList).items]

    async def _delete_collection(self, namespace: str, resource: ServedResource, found: list[ObjectMeta]) -> None:
        if "deletecollection" in resource.verbs:
            await self._request_deletion(resource.path(namespace))
            return
        for one in found:
            await self._request_deletion(resource.path(namespace, one.name))

    async def _request_deletion(self, path: str) -> None:
        try:
            await self._client.request("DELETE", path, body=_OPTIONS)
        except NotFound:
            return
