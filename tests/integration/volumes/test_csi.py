"""CSI volumes by a driver that mounts: staged once a node, published once a pod, and the same way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controlplane.api.core_v1 import (
    CSIPersistentVolumeSource,
    CSIVolumeSource,
    LocalObjectReference,
    Node,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeClaimVolumeSource,
    PersistentVolumeSpec,
    Pod,
    PodSecurityContext,
    PodSpec,
    Secret,
    ServiceAccount,
    Volume,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.storage_v1 import (
    CSIDriver,
    CSIDriverSpec,
    TokenRequest,
    VolumeAttachment,
    VolumeAttachmentSpec,
    VolumeAttachmentStatus,
)
from controlplane.client.client import Client
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.kernel import mounts
from nodeagent.kernel.thread import KeyedThreads
from nodeagent.volumes.claims import Claims
from nodeagent.volumes.csi.drivers import Drivers
from nodeagent.volumes.csi.node_object import NodeObject
from nodeagent.volumes.csi.prepare import Preparer, attachment_name
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.manager import Volumes
from nodeagent.volumes.objects import Objects
from nodeagent.volumes.tokens import Tokens
from tests.fakes.api import FakeApi
from tests.fakes.csi_driver import NAME, CsiDriver, csi_driver


@dataclass
class World:
    """A node with one driver, and an API."""

    root: Path
    api: FakeApi
    driver: CsiDriver
    objects: Objects
    volumes: Volumes
    drivers: Drivers

    @property
    def kubelet(self) -> Path:
        return self.root / "kubelet"

    def staged(self) -> list[Path]:
        return mounts.mounted_below(self.kubelet / "plugins")

    def describe(self, **spec: Any) -> None:
        self.api.add(CSIDriver(metadata=ObjectMeta(name=NAME), spec=CSIDriverSpec(**spec)))

    def bind(self, *, access_mode: str = "ReadWriteOnce", **source: Any) -> None:
        """Bind the claim "data" to a volume of the driver, by hand."""
        claim = PersistentVolumeClaim(
            metadata=ObjectMeta(name="data", namespace="d", uid="claim"),
            spec=PersistentVolumeClaimSpec(volume_name="pv"),
            status=PersistentVolumeClaimStatus(phase="Bound"),
        )
        described = CSIPersistentVolumeSource(driver=NAME, volume_handle="handle", **source)
        reference = ObjectReference(uid="claim")
        spec = PersistentVolumeSpec(csi=described, claim_ref=reference, access_modes=[access_mode])
        self.api.add(claim)
        self.api.add(PersistentVolume(metadata=ObjectMeta(name="pv"), spec=spec))

    async def set_up(self, pod: Pod) -> Path:
        return (await self.volumes.set_up(pod, lambda: None)).paths["v"]

    def restart(self) -> None:
        """Forget everything that is not on disk."""
        self.volumes = _volumes(self.kubelet, self.api, self.objects, self.drivers)


def _volumes(root: Path, api: FakeApi, objects: Objects, drivers: Drivers) -> Volumes:
    clock, client = SystemClock(), Client(api)
    claims, tokens, threads = Claims(client, dict), Tokens(client, clock), KeyedThreads(clock)
    return Volumes(root, objects, tokens, claims, Preparer(client), drivers, threads, clock, dict)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = SystemClock()
    api = FakeApi(clock)
    api.add(Node(metadata=ObjectMeta(name="n1")))
    objects, drivers = Objects(Client(api), clock), Drivers(NodeObject(Client(api), "n1"))
    with csi_driver(tmp_path / "driver", tmp_path / "registry") as driver:
        await drivers.register(NAME, str(driver.socket), ["1.0.0"])
        async with running(objects.run()):
            await asyncio.sleep(0)
            volumes = _volumes(tmp_path / "kubelet", api, objects, drivers)
            yield World(tmp_path, api, driver, objects, volumes, drivers)


def _pod(uid: str, volume: Volume | None = None, group: int | None = None) -> Pod:
    claim = PersistentVolumeClaimVolumeSource(claim_name="data")
    spec = PodSpec(
        node_name="n1",
        volumes=[volume or Volume(name="v", persistent_volume_claim=claim)],
        security_context=PodSecurityContext(fs_group=group),
    )
    return Pod(metadata=ObjectMeta(name=uid, namespace="d", uid=uid), spec=spec)


async def test_two_pods_share_a_volume_and_the_last_takes_it_back(world: World) -> None:
    world.describe(attach_required=False)
    world.bind(volume_attributes={"kind": "directory"})
    first, second = await asyncio.gather(world.set_up(_pod("one")), world.set_up(_pod("two")))
    (first / "file").write_text("shared")
    assert (second / "file").read_text() == "shared"
    assert world.driver.request("NodePublishVolume").volume_context == {"kind": "directory"}
    assert len(world.staged()) == 1
    assert await world.set_up(_pod("one")) == first  # a refresh does nothing
    assert sorted(world.driver.asked()) == ["Publish", "Publish", "Stage", "Stage"]
    world.restart()
    await world.volumes.tear_down("one")
    assert len(world.staged()) == 1
    await world.volumes.tear_down("two")
    assert world.driver.asked()[-3:] == ["Unpublish", "Unpublish", "Unstage"]
    assert not world.staged()
    assert not list((world.kubelet / "pods").iterdir())
    assert not list((world.kubelet / "plugins/kubernetes.io/csi" / NAME).iterdir())
    assert (world.driver.volume("handle") / "file").read_text() == "shared"


async def test_an_inline_volume_lives_with_its_pod(world: World) -> None:
    world.describe(volume_lifecycle_modes=["Ephemeral"], pod_info_on_mount=True)
    world.api.add(Secret(metadata=ObjectMeta(name="s", namespace="d"), data={"key": "aHVzaA=="}))
    source = CSIVolumeSource(driver=NAME, read_only=True, node_publish_secret_ref=LocalObjectReference(name="s"))
    pod = _pod("one", Volume(name="v", csi=source))
    mounted = await world.volumes.set_up(pod, lambda: None)
    assert mounted.read_only == {"v"}
    asked = world.driver.request("NodePublishVolume")
    assert (asked.readonly, asked.staging_target_path, dict(asked.secrets)) == (True, "", {"key": "hush"})
    assert asked.volume_context["csi.storage.k8s.io/pod.name"] == "one"
    await world.volumes.tear_down("one")
    assert world.driver.asked() == ["Publish", "Unpublish"]


async def test_an_inline_volume_needs_a_driver_that_is_made_for_it(world: World) -> None:
    world.describe(volume_lifecycle_modes=["Persistent"])
    with pytest.raises(VolumeFailed, match=f'volume mode "Ephemeral" not supported by driver {NAME}'):
        await world.set_up(_pod("one", Volume(name="v", csi=CSIVolumeSource(driver=NAME))))


async def test_a_volume_waits_for_its_attachment(world: World) -> None:
    world.bind()
    name = attachment_name("handle", NAME, "n1")
    with pytest.raises(VolumeFailed, match=f"waiting for VolumeAttachment {name}") as failure:
        await world.set_up(_pod("one"))
    assert failure.value.retry_after is not None
    status = VolumeAttachmentStatus(attached=True, attachment_metadata={"device": "/dev/x"})
    spec = VolumeAttachmentSpec(attacher=NAME, node_name="n1")
    world.api.add(VolumeAttachment(metadata=ObjectMeta(name=name), spec=spec, status=status))
    await world.set_up(_pod("one"))
    assert world.driver.request("NodeStageVolume").publish_context == {"device": "/dev/x"}
    assert world.driver.request("NodePublishVolume").publish_context == {"device": "/dev/x"}


async def test_files_are_given_to_the_group_as_the_driver_says(world: World) -> None:
    world.describe(attach_required=False, fs_group_policy="File")
    world.bind()
    path = await world.set_up(_pod("one", group=2000))
    assert (path.stat().st_gid, path.stat().st_mode & 0o7777) == (2000, 0o2775)


async def test_a_driver_that_asks_for_it_is_asked_again_with_tokens(world: World) -> None:
    tokens = [TokenRequest(audience="vault")]
    world.describe(volume_lifecycle_modes=["Ephemeral"], requires_republish=True, token_requests=tokens)
    world.api.add(ServiceAccount(metadata=ObjectMeta(name="default", namespace="d")))
    pod = _pod("one", Volume(name="v", csi=CSIVolumeSource(driver=NAME)))
    mounted = await world.volumes.set_up(pod, lambda: None)
    assert mounted.refresh_at is not None
    assert 60 < (mounted.refresh_at - SystemClock().now()).total_seconds() <= 90
    assert await world.set_up(pod) == mounted.paths["v"]
    assert world.driver.asked() == ["Publish", "Publish"]
    told = world.driver.request("NodePublishVolume").volume_context["csi.storage.k8s.io/serviceAccount.tokens"]
    assert json.loads(told)["vault"]["token"] == "token-of-default"


async def test_a_staged_volume_is_published_again_without_being_staged_again(world: World) -> None:
    world.describe(attach_required=False, requires_republish=True)
    world.bind()
    for _ in range(2):
        await world.set_up(_pod("one"))
    assert world.driver.asked() == ["Stage", "Publish", "Publish"]
    assert world.driver.request("NodePublishVolume").staging_target_path == str(world.staged()[0])
    await world.volumes.tear_down("one")
    assert not world.staged()


async def test_what_a_driver_says_against_it_is_told_and_tried_again(world: World) -> None:
    world.describe(attach_required=False)
    world.bind()
    world.driver.fail_with = "no space"
    with pytest.raises(VolumeFailed, match='failed for volume "v" : rpc error: code = Internal desc = no space'):
        await world.set_up(_pod("one"))
    world.driver.fail_with = ""
    await world.set_up(_pod("one"))
    world.driver.fail_with = "busy"
    with pytest.raises(OSError, match="busy"):
        await world.volumes.tear_down("one")
    assert world.volumes.pods_on_disk() == ["one"]
    world.driver.fail_with = ""
    await world.volumes.tear_down("one")
    assert world.volumes.pods_on_disk() == []


async def test_a_driver_that_is_not_there_is_named(world: World) -> None:
    world.describe(attach_required=False)
    world.bind()
    await world.set_up(_pod("one"))
    await world.drivers.deregister(NAME)
    with pytest.raises(VolumeFailed, match=f"driver name {NAME} not found in the list of registered CSI drivers"):
        await world.set_up(_pod("two"))
    with pytest.raises(OSError, match="not found in the list"):
        await world.volumes.tear_down("one")  # nobody can take it back now
