"""Trust bundles in a projected volume: by name, by signer and labels, and again when they change."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlplane.api.certificates_v1 import ClusterTrustBundle, ClusterTrustBundleSpec
from controlplane.api.core_v1 import (
    ClusterTrustBundleProjection,
    Pod,
    PodSpec,
    ProjectedVolumeSource,
    Volume,
    VolumeProjection,
)
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.volumes import projected, trust_bundle
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.objects import ALL_BUNDLES, Objects, Reference, references
from nodeagent.volumes.payload import File
from tests.fakes.api import FakeApi

_SIGNER = "example.com/mesh"


def _pem(*bodies: bytes) -> str:
    text = ""
    for body in bodies:
        text += f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(body).decode()}\n-----END CERTIFICATE-----\n"
    return text


def _bundle(name: str, *bodies: bytes, signer: str = _SIGNER, **labels: str) -> ClusterTrustBundle:
    spec = ClusterTrustBundleSpec(signer_name=signer, trust_bundle=_pem(*bodies))
    return ClusterTrustBundle(metadata=ObjectMeta(name=name, labels=labels), spec=spec)


_BUNDLES = [_bundle("a", b"1", env="live"), _bundle("b", b"2", b"1", env="test"), _bundle("c", b"3", signer="other/x")]
_FOUND = {Reference(ClusterTrustBundle, "", one.metadata.name): one for one in _BUNDLES}


def _by_signer(labels: dict[str, str] | None, *, optional: bool = False) -> ClusterTrustBundleProjection:
    selector = None if labels is None else LabelSelector(match_labels=labels)
    return ClusterTrustBundleProjection(signer_name=_SIGNER, label_selector=selector, path="ca.pem", optional=optional)


def _by_name(name: str, *, optional: bool = False) -> ClusterTrustBundleProjection:
    return ClusterTrustBundleProjection(name=name, path="ca.pem", optional=optional)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(_by_name("b"), _pem(b"1", b"2"), id="by name"),
        pytest.param(_by_signer({"env": "live"}), _pem(b"1"), id="by signer and label"),
        pytest.param(_by_signer({}), _pem(b"1", b"2"), id="all of a signer, each certificate once"),
        pytest.param(_by_name("none", optional=True), "", id="no such bundle, optional"),
        pytest.param(_by_signer(None, optional=True), "", id="no selector selects none"),
    ],
)
def test_which_certificates(wanted: ClusterTrustBundleProjection, expected: str) -> None:
    assert trust_bundle.anchors(wanted, _FOUND).decode() == expected


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (_by_name("none"), 'clustertrustbundle.certificates.k8s.io "none" not found'),
        (_by_signer({"env": "none"}), "combination of signerName and labelSelector matched zero ClusterTrustBundles"),
    ],
)
def test_what_is_missing(wanted: ClusterTrustBundleProjection, why: str) -> None:
    with pytest.raises(VolumeFailed, match=why):
        trust_bundle.anchors(wanted, _FOUND)


def test_only_certificates_are_written_in_lines_of_64() -> None:
    body = bytes(range(90))
    text = base64.b64encode(body).decode()
    noisy = f"# mine\n-----BEGIN CERTIFICATE-----\nnote: x\n\n{text}\n-----END CERTIFICATE-----\ntail\n"
    lines = trust_bundle.render([noisy]).decode().splitlines()
    assert lines == ["-----BEGIN CERTIFICATE-----", text[:64], text[64:], "-----END CERTIFICATE-----"]


def _pod(wanted: ClusterTrustBundleProjection) -> Pod:
    source = ProjectedVolumeSource(sources=[VolumeProjection(cluster_trust_bundle=wanted)])
    volumes = [Volume(name="v", projected=source)]
    return Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u"), spec=PodSpec(volumes=volumes))


def test_a_bundle_is_a_file_of_the_volume() -> None:
    pod = _pod(_by_name("a"))
    source = pod.spec.volumes[0].projected
    assert source is not None
    assert projected.payload(pod, source, _FOUND, {}, {}) == {"ca.pem": File(_pem(b"1").encode(), 0o644)}


def test_a_name_is_watched_alone_and_signers_together() -> None:
    assert references(_pod(_by_name("a"))) == {Reference(ClusterTrustBundle, "", "a")}
    assert references(_pod(_by_signer({}))) == {ALL_BUNDLES}


@pytest.fixture
async def objects() -> AsyncIterator[tuple[FakeApi, Objects]]:
    clock = ManualClock()
    api = FakeApi(clock)
    made = Objects(Client(api), clock)
    async with running(made.run()):
        await asyncio.sleep(0)
        yield api, made


async def test_bundles_that_come_and_go_are_told(objects: tuple[FakeApi, Objects], tmp_path: Path) -> None:
    api, cache = objects
    changes: list[str] = []
    api.add(_bundle("a", b"1"))
    cache.use("pod", [ALL_BUNDLES], lambda: changes.append("changed"))
    assert set(await cache.every(ALL_BUNDLES)) == {"a"}
    api.add(_bundle("b", b"2"))
    await _settle()
    assert set(await cache.every(ALL_BUNDLES)) == {"a", "b"}
    api.update(_bundle("a", b"3"))
    api.remove(ClusterTrustBundle, "b")
    await _settle()
    found = await cache.every(ALL_BUNDLES)
    assert [one.spec.trust_bundle for one in found.values() if isinstance(one, ClusterTrustBundle)] == [_pem(b"3")]
    assert changes == ["changed"] * 3


async def _settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)
