"""A pod's volumes follow the objects they were made of."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.kernel.thread import KeyedThreads
from nodeagent.volumes.claims import Claims
from nodeagent.volumes.csi.drivers import Drivers
from nodeagent.volumes.csi.node_object import NodeObject
from nodeagent.volumes.csi.prepare import Preparer
from nodeagent.volumes.manager import Volumes
from nodeagent.volumes.objects import Objects
from nodeagent.volumes.tokens import Tokens
from tests.fakes.api import FakeApi


def _bundle(body: str) -> ClusterTrustBundle:
    text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    spec = ClusterTrustBundleSpec(signer_name="x/y", trust_bundle=text)
    return ClusterTrustBundle(metadata=ObjectMeta(name="x:y:1"), spec=spec)


async def test_a_projected_volume_follows_its_trust_bundles(tmp_path: Path) -> None:
    clock = SystemClock()
    api = FakeApi(clock)
    client = Client(api)
    objects = Objects(client, clock)
    claims = Claims(client, dict)
    drivers, tokens = Drivers(NodeObject(client, "n1")), Tokens(client, clock)
    volumes = Volumes(tmp_path, objects, tokens, claims, Preparer(client), drivers, KeyedThreads(clock), clock, dict)
    wanted = ClusterTrustBundleProjection(signer_name="x/y", label_selector=LabelSelector(), path="ca.pem")
    source = ProjectedVolumeSource(sources=[VolumeProjection(cluster_trust_bundle=wanted)])
    spec = PodSpec(volumes=[Volume(name="trust", projected=source)])
    pod = Pod(metadata=ObjectMeta(name="p", namespace="d", uid="u"), spec=spec)
    changed = asyncio.Event()
    async with running(objects.run()):
        await asyncio.sleep(0)
        api.add(_bundle("YQ=="))
        path = (await volumes.set_up(pod, changed.set)).paths["trust"] / "ca.pem"
        assert "YQ==" in path.read_text()
        first = path.resolve()
        api.update(_bundle("Yg=="))
        await asyncio.wait_for(changed.wait(), 30)
        await volumes.set_up(pod, changed.set)
        assert "Yg==" in path.read_text()
        assert path.resolve() != first  # a new generation, swapped in at once
        await volumes.tear_down("u")
    assert not (tmp_path / "pods" / "u").exists()
