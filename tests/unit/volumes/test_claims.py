"""From a claim to the persistent volume behind it, or to upstream's words for why there is none."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.api.core_v1 import (
    Container,
    EphemeralVolumeSource,
    HostPathVolumeSource,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeSpec,
    Pod,
    PodSpec,
    Volume,
    VolumeDevice,
    VolumeNodeAffinity,
)
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from nodeagent.volumes.claims import Claims, claim_name, refuse_claim, refuse_volume, unmounted
from nodeagent.volumes.errors import VolumeFailed
from tests.fakes.api import FakeApi

_NAMED = Volume(name="data", persistent_volume_claim=PersistentVolumeClaimVolumeSource(claim_name="c", read_only=True))
_EPHEMERAL = Volume(name="data", ephemeral=EphemeralVolumeSource())
_ZONE_A = {"zone": "a"}


def _pod(volume: Volume = _NAMED) -> Pod:
    return Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u"), spec=PodSpec(volumes=[volume]))


def _claim(name: str = "c", *, phase: str = "Bound", volume: str = "pv", **meta: Any) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(
        metadata=ObjectMeta(name=name, namespace="d", uid="claim-uid", **meta),
        spec=PersistentVolumeClaimSpec(volume_name=volume),
        status=PersistentVolumeClaimStatus(phase=phase),
    )


def _volume(uid: str | None = "claim-uid", **spec: Any) -> PersistentVolume:
    reference = None if uid is None else ObjectReference(name="c", namespace="d", uid=uid)
    spec = {"host_path": HostPathVolumeSource(path="/x"), **spec}
    return PersistentVolume(metadata=ObjectMeta(name="pv"), spec=PersistentVolumeSpec(claim_ref=reference, **spec))


def _in_zones(*terms: tuple[str, str, list[str]]) -> VolumeNodeAffinity:
    return VolumeNodeAffinity(
        required=NodeSelector(
            node_selector_terms=[
                NodeSelectorTerm(match_expressions=[NodeSelectorRequirement(key=key, operator=operator, values=values)])
                for key, operator, values in terms
            ]
        )
    )


def _owner(uid: str, *, controller: bool = True) -> OwnerReference:
    return OwnerReference(api_version="v1", kind="Pod", name="p", uid=uid, controller=controller)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [(_NAMED, "c"), (_EPHEMERAL, "p-data"), (Volume(name="v", host_path=HostPathVolumeSource(path="/")), "")],
)
def test_the_name_of_a_claim(volume: Volume, expected: str) -> None:
    assert claim_name("p", volume) == expected


@pytest.mark.parametrize(
    ("volume", "claim", "why"),
    [
        pytest.param(_NAMED, _claim(), "", id="bound"),
        pytest.param(_NAMED, _claim(phase="Pending", volume=""), "PVC is not bound", id="not bound"),
        pytest.param(_NAMED, _claim(phase="Lost"), "PVC is not bound", id="lost"),
        pytest.param(_NAMED, _claim(volume=""), "PVC has empty pvc.Spec.VolumeName", id="bound to nothing"),
        pytest.param(
            _NAMED, _claim(deletion_timestamp="2026-01-01T00:00:00Z"), "PVC is being deleted", id="on its way out"
        ),
        pytest.param(_EPHEMERAL, _claim("p-data", owner_references=[_owner("u")]), "", id="made for the pod"),
        *(
            pytest.param(
                _EPHEMERAL,
                _claim("p-data", owner_references=owners),
                "PVC d/p-data was not created for pod d/p (pod is not owner)",
                id=id_,
            )
            for owners, id_ in (
                ([], "somebody else's"),
                ([_owner("older")], "of an earlier pod of the name"),
                ([_owner("u", controller=False)], "owned, not controlled"),
            )
        ),
    ],
)
def test_which_claims_a_pod_may_use(volume: Volume, claim: PersistentVolumeClaim, why: str) -> None:
    assert refuse_claim(_pod(volume), volume, claim) == why


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(_volume(), "", id="bound to each other"),
        pytest.param(_volume(None), "nil pv.Spec.ClaimRef", id="only the claim says so"),
        pytest.param(_volume("other"), "pv.Spec.ClaimRef.UID other does not point to claim.UID claim-uid", id="taken"),
        pytest.param(_volume(volume_mode="Block"), "volumeMode Block", id="a device"),
        pytest.param(_volume(node_affinity=_in_zones(("zone", "In", ["a", "b"]))), "", id="here"),
        pytest.param(_volume(node_affinity=_in_zones(("zone", "In", ["b"]), ("zone", "Exists", []))), "", id="or here"),
        pytest.param(
            _volume(node_affinity=_in_zones(("zone", "In", ["b"]))), "no matching NodeSelectorTerms", id="away"
        ),
        pytest.param(_volume(node_affinity=_in_zones()), "no matching NodeSelectorTerms", id="nowhere"),
    ],
)
def test_which_volumes_a_claim_leads_to(found: PersistentVolume, why: str) -> None:
    refused = refuse_volume(_pod(), _NAMED, _claim(), found, _ZONE_A)
    assert bool(refused) == bool(why)
    assert why in refused


def test_a_file_system_is_no_device() -> None:
    container = Container(name="c", volume_devices=[VolumeDevice(name="data", device_path="/dev/x")])
    pod = Pod(spec=PodSpec(volumes=[_NAMED], containers=[container]))
    refused = refuse_volume(pod, _NAMED, _claim(), _volume(), _ZONE_A)
    assert refused == "volume data has volumeMode Filesystem, but is specified in volumeDevices"


def test_the_sentence_for_volumes_that_are_not_there() -> None:
    assert unmounted(["a", "b"], {"b": "why"}, "why") == (
        "Unable to attach or mount volumes: unmounted volumes=[a b], unattached volumes=[], "
        "failed to process volumes=[b]: why"
    )


async def test_a_claim_is_resolved_once_for_a_pod() -> None:
    api = FakeApi(ManualClock())
    claims = Claims(Client(api), lambda: _ZONE_A)
    with pytest.raises(
        VolumeFailed, match=r"error processing PVC d/c: failed to fetch PVC from API server: .*not found"
    ):
        await claims.find(_pod())
    api.add(_claim())
    with pytest.raises(
        VolumeFailed, match=r"failed to process volumes=.data.: .*failed to fetch PV pv from API server"
    ):
        await claims.find(_pod())
    api.add(_volume())
    first = await claims.find(_pod())
    assert (first["data"].volume.metadata.name, first["data"].read_only) == ("pv", True)
    asked = len(api.requests)
    api.unreachable = True
    assert await claims.find(_pod()) == first
    assert len(api.requests) == asked
    claims.forget("u")
    with pytest.raises(VolumeFailed) as failure:
        await claims.find(_pod())
    assert failure.value.retry_after is not None  # nobody tells a node of a change of a claim
