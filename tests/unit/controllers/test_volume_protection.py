"""Claims and volumes that are used outlive their deletion."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controlplane.api.core_v1 import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeStatus,
    Pod,
    PodSpec,
    Volume,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.volumeprotection.controller import ClaimProtection, VolumeProtection
from controlplane.controllers.volumeprotection.plan import CLAIM_FINALIZER, VOLUME_FINALIZER, claims_of, finalizers
from tests.unit.controllers.world import World

MINE = "example.com/mine"
DELETED = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("deleted", "there", "used", "expected"),
    [
        pytest.param(None, [MINE], False, [MINE, CLAIM_FINALIZER], id="it gets one"),
        pytest.param(None, [CLAIM_FINALIZER], False, [CLAIM_FINALIZER], id="it has one"),
        pytest.param(DELETED, [CLAIM_FINALIZER, MINE], True, [CLAIM_FINALIZER, MINE], id="deleted and used"),
        pytest.param(DELETED, [CLAIM_FINALIZER, MINE], False, [MINE], id="deleted and free"),
        pytest.param(DELETED, [MINE], False, [MINE], id="deleted without: too late"),
    ],
)
def test_finalizers(deleted: str | None, there: Sequence[str], used: bool, expected: Sequence[str]) -> None:
    metadata = ObjectMeta(deletion_timestamp=deleted, finalizers=list(there))
    assert finalizers(metadata, CLAIM_FINALIZER, used=used) == expected


def a_pod(node: str = "n1") -> Pod:
    source = PersistentVolumeClaimVolumeSource(claim_name="data")
    volumes = [Volume(name="v", persistent_volume_claim=source)]
    return Pod(metadata=ObjectMeta(name="p", namespace="shop"), spec=PodSpec(node_name=node, volumes=volumes))


def test_a_pod_without_a_node_uses_nothing() -> None:
    assert list(claims_of(a_pod())) == ["data"]
    assert list(claims_of(a_pod(""))) == []


async def test_a_claim_goes_with_its_last_pod() -> None:
    world = World()
    claim = PersistentVolumeClaim(
        metadata=ObjectMeta(name="data", namespace="shop", deletion_timestamp=DELETED, finalizers=[CLAIM_FINALIZER])
    )
    world.api.add(claim)
    world.api.add(a_pod())
    async with world.running(ClaimProtection(world.environment)):
        found = await world.client.get(PersistentVolumeClaim, "data", "shop")
        assert found.metadata.finalizers == [CLAIM_FINALIZER]
        await world.client.delete(Pod, "p", "shop", grace_period_seconds=0)
        await world.settle(1)
        assert not (await world.client.list(Pod, "shop")).items
        remaining = (await world.client.list(PersistentVolumeClaim, "shop")).items
        assert [one.metadata.finalizers for one in remaining if one.metadata.finalizers] == []


@pytest.mark.parametrize(("phase", "kept"), [("Bound", [VOLUME_FINALIZER]), ("Released", [])])
async def test_a_volume_goes_when_nobody_is_bound_to_it(phase: str, kept: list[str]) -> None:
    world = World()
    metadata = ObjectMeta(name="pv", deletion_timestamp=DELETED, finalizers=[VOLUME_FINALIZER])
    world.api.add(PersistentVolume(metadata=metadata, status=PersistentVolumeStatus(phase=phase)))
    async with world.running(VolumeProtection(world.environment)):
        await world.settle(1)
        remaining = (await world.client.list(PersistentVolume)).items
        assert [one for volume in remaining for one in volume.metadata.finalizers] == kept
