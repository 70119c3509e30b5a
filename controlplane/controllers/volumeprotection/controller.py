"""Puts the finalizers where they are missing, and takes them from what is deleted and not used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec.structs import replace

from controlplane.api.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod
from controlplane.api.status import NotFound
from controlplane.client.client import Client
from controlplane.client.keys import Key, key_of
from controlplane.client.reconcile import Reconciler
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.volumeprotection.plan import (
    CLAIM_FINALIZER,
    VOLUME_FINALIZER,
    claims_of,
    finalizers,
    is_bound,
)

_CLAIM = "claim"  # the index of pods by the claims they use

T = TypeVar("T", PersistentVolume, PersistentVolumeClaim)


def _by_claim(pod: Pod) -> Sequence[str]:
    return [f"{pod.metadata.namespace}/{name}" for name in claims_of(pod)]


async def _settle(client: Client, obj: T, wanted: Sequence[str]) -> None:
    if list(wanted) == list(obj.metadata.finalizers):
        return
    with suppress(NotFound):
        await client.update(replace(obj, metadata=replace(obj.metadata, finalizers=list(wanted))))


class ClaimProtection:
    """Keyed by claim; a pod that changes or goes wakes the claims it used."""

    def __init__(self, environment: Environment):
        self._client: Client = environment.client_for("pvc-protection-controller")
        self._queue = environment.queue("pvcprotection")
        self._claims = environment.informers.of(PersistentVolumeClaim)
        self._pods = environment.informers.of(Pod, indexes={_CLAIM: _by_claim})
        self._claims.on_change(self._claim_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await synced(self._claims, self._pods)
        await Reconciler("pvcprotection", self.reconcile, self._queue).run()

    def _claim_changed(self, _: PersistentVolumeClaim | None, new: PersistentVolumeClaim | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        freed = set(claims_of(old)) - set(claims_of(new) if new else ()) if old else set()
        for name in freed:
            self._queue.add(Key(old.metadata.namespace if old else "", name))

    async def reconcile(self, key: Key) -> None:
        claim = self._claims.lister.get(key.namespace, key.name)
        if claim is None:
            return
        used = bool(self._pods.lister.by_index(_CLAIM, f"{key.namespace}/{key.name}")) or await self._is_used(claim)
        await _settle(self._client, claim, finalizers(claim.metadata, CLAIM_FINALIZER, used=used))

    async def _is_used(self, claim: PersistentVolumeClaim) -> bool:
        """Ask the server itself, once it matters: a claim taken from a running pod is data lost."""
        if claim.metadata.deletion_timestamp is None or CLAIM_FINALIZER not in claim.metadata.finalizers:
            return False
        pods = await self._client.list(Pod, claim.metadata.namespace)
        return any(claim.metadata.name in claims_of(pod) for pod in pods.items)


class VolumeProtection:
    """Keyed by volume."""

    def __init__(self, environment: Environment):
        self._client: Client = environment.client_for("pv-protection-controller")
        self._queue = environment.queue("pvprotection")
        self._volumes = environment.informers.of(PersistentVolume)
        self._volumes.on_change(self._changed)

    async def run(self) -> None:
        await synced(self._volumes)
        await Reconciler("pvprotection", self.reconcile, self._queue).run()

    def _changed(self, _: PersistentVolume | None, new: PersistentVolume | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def reconcile(self, key: Key) -> None:
        volume = self._volumes.lister.get("", key.name)
        if volume is not None:
            wanted = finalizers(volume.metadata, VOLUME_FINALIZER, used=is_bound(volume))
            await _settle(self._client, volume, wanted)
