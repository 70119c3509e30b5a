"""Writes pod statuses to the API: one write of a pod at a time, and always the newest.

put(pod, A) ──► PATCH A ───────────► done, but C came meanwhile ──► PATCH C
put(pod, B)        put(pod, C) replaces B, which nobody ever sees
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Pod, PodStatus
from controlplane.api.status import Conflict, NotFound, StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from nodeagent.pods.conditions import OWNED

_log = logging.getLogger(__name__)
_RETRY = Backoff(first=0.2, cap=10.0)

# Lists that a strategic merge patch merges by key although the node means to replace them.
_REPLACED = ("podIPs", "hostIPs")

Identity = Callable[[Pod], Pod | None]
"""Returns the API's object of a pod: itself, the mirror of a static pod, or None while there is none."""


@dataclass
class _Entry:
    pod: Pod
    wanted: PodStatus
    written: PodStatus | None = None  # None: has to be written, whatever the API shows
    shown: PodStatus | None = None  # what we wrote last, which the caches may not have yet
    version: str = ""  # the resource version that our last write gave the object
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class StatusWriter:
    """The one place from which this node writes pod statuses."""

    def __init__(self, client: Client, clock: Clock, identity: Identity = lambda pod: pod):
        self._client, self._clock, self._identity = client, clock, identity
        self._entries: dict[str, _Entry] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    def put(self, pod: Pod, status: PodStatus) -> None:
        """Have the API show `status` soon; returns at once."""
        entry = self._entries.get(pod.metadata.uid)
        if entry is None:
            entry = self._entries[pod.metadata.uid] = _Entry(pod, status)
            target = self._identity(pod)
            if target is not None and target.status == status:  # written before a restart of this agent
                entry.written = entry.shown = status
                entry.settled.set()
        entry.pod, entry.wanted = pod, status
        if entry.written != status:
            entry.settled.clear()
            self._kick(entry)

    def seen(self, pod: Pod) -> None:
        """Take note of the pod as the API has it: if somebody else has overwritten our status since, write it again."""
        entry = self._entries.get(pod.metadata.uid)
        if entry is None or entry.written is None or not _newer(pod.metadata.resource_version, entry.version):
            return
        if _ours(pod.status) != _ours(entry.written):
            entry.shown = pod.status
            self.again(pod.metadata.uid)

    def again(self, uid: str) -> None:
        """Write what was written last once more, say because the object in the API is a new one."""
        entry = self._entries.get(uid)
        if entry is not None:
            entry.written = None
            entry.settled.clear()
            self._kick(entry)

    async def settled(self, uid: str) -> None:
        """Return once the newest status of a pod is written, or its object is gone."""
        entry = self._entries.get(uid)
        if entry is not None:
            await entry.settled.wait()

    def forget(self, uid: str) -> None:
        entry = self._entries.pop(uid, None)
        if entry is not None and entry.task is not None:
            entry.task.cancel()

    def _kick(self, entry: _Entry) -> None:
        if self._tasks is not None and (entry.task is None or entry.task.done()):
            entry.task = self._tasks.create_task(self._write(entry))

    async def _write(self, entry: _Entry) -> None:
        failures = 0
        while entry.written != entry.wanted:
            status = entry.wanted
            try:
                entry.version = await self._patch(entry.pod, status, entry.shown)
            except (NotFound, Conflict):
                pass  # deleted, or deleted and made anew: whoever watches pods tells us which
            except (StatusError, Unreachable) as error:
                if failures == 0:
                    _log.warning("status of pod %s not written yet: %s", entry.pod.metadata.name, error)
                await self._clock.sleep(_RETRY.delay(failures))
                failures += 1
                continue
            entry.written = entry.shown = status
        entry.settled.set()

    async def _patch(self, pod: Pod, status: PodStatus, written: PodStatus | None) -> str:
        target = self._identity(pod)
        if target is None:
            return ""
        meta = target.metadata
        patch = {"metadata": {"uid": meta.uid}, "status": status_patch(written or target.status, status)}
        patched = await self._client.patch(
            Pod, meta.name, patch, meta.namespace, kind=PatchType.STRATEGIC, subresource="status"
        )
        return patched.metadata.resource_version


def status_patch(before: PodStatus, after: PodStatus) -> Document:
    """Return the strategic merge patch that makes the API show `after`, leaving other people's conditions alone."""
    old, new = to_document(before), to_document(after)
    patch: Document = {**{name: None for name in old if name not in new and name not in _KEPT}, **new}
    for name in _REPLACED:
        if name in new and old.get(name, new[name]) != new[name]:
            directive: list[Any] = [{"$patch": "replace"}]
            patch[name] = directive + new[name]
    if "conditions" in new:
        shown = {one["type"]: one for one in old.get("conditions", [])}
        patch["conditions"] = [_cleared(one, shown.get(one["type"], {})) for one in new["conditions"]]
    return patch


def _cleared(condition: Document, shown: Document) -> Document:
    """Return a condition that also takes away what the API shows of it and is no longer so: entries merge by type."""
    return {**{name: None for name in shown if name not in condition}, **condition}


def _newer(version: str, than: str) -> bool:
    """Whether a resource version comes after another: since Kubernetes 1.35 they compare as numbers."""
    return bool(version and than) and int(version) > int(than)


def _ours(status: PodStatus) -> Document:
    """Return the part of a status that is the node's to say."""
    document = to_document(status)
    document["conditions"] = [one for one in document.get("conditions", []) if one["type"] in OWNED]
    return {name: value for name, value in document.items() if name not in _KEPT or name == "conditions"}


# Written by others: what the scheduler and the resize subresource keep there.
_KEPT = ("nominatedNodeName", "resize", "resourceClaimStatuses", "extendedResourceClaimStatus", "conditions")
