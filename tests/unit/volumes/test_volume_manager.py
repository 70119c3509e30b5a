"""Every pod's volumes: which kind makes them, and that none that hangs holds up another pod's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controlplane.api.core_v1 import (
    ConfigMap,
    ConfigMapVolumeSource,
    EmptyDirVolumeSource,
    EphemeralVolumeSource,
    HostPathVolumeSource,
    ImageVolumeSource,
    ISCSIVolumeSource,
    LocalVolumeSource,
    NFSVolumeSource,
    PersistentVolume,
    PersistentVolumeSpec,
    Pod,
    PodSpec,
    Volume,
    VolumeMount,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.kernel.thread import KeyedThreads
from nodeagent.volumes import kinds
from nodeagent.volumes.claims import Claimed, Claims
from nodeagent.volumes.csi.drivers import Drivers
from nodeagent.volumes.csi.node_object import NodeObject
from nodeagent.volumes.csi.prepare import Preparer
from nodeagent.volumes.errors import VolumeFailed
from nodeagent.volumes.job import Job
from nodeagent.volumes.manager import Mounted, Volumes
from nodeagent.volumes.objects import Objects
from nodeagent.volumes.tokens import Tokens
from tests.fakes.api import FakeApi
from tests.waiting import until

_HOST_PATH = Volume(name="share", host_path=HostPathVolumeSource(path="/"))
_EMPTY = Volume(name="scratch", empty_dir=EmptyDirVolumeSource())


def _pod(name: str, *volumes: Volume) -> Pod:
    return Pod(metadata=ObjectMeta(name=name, namespace="d", uid=name), spec=PodSpec(volumes=list(volumes)))


class Share:
    """A file system whose server does not answer until it is told to."""

    def __init__(self) -> None:
        self.answers, self.asked = threading.Event(), 0

    def set_up(self, job: Job) -> Path:
        self.asked += 1
        self.answers.wait(30)
        return Path("/")


@dataclass
class Node:
    """The volumes of a node, an API, and time."""

    root: Path
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.api = FakeApi(self.clock)
        client = Client(self.api)
        self.objects = Objects(client, self.clock)
        claims, tokens = Claims(client, dict), Tokens(client, self.clock)
        threads = KeyedThreads(self.clock, at_once=1, patience=10)
        drivers = Drivers(NodeObject(client, "n1"))
        self.volumes = Volumes(
            self.root, self.objects, tokens, claims, Preparer(client), drivers, threads, self.clock, dict
        )

    async def set_up(self, pod: Pod) -> Mounted:
        return await self.volumes.set_up(pod, lambda: None)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.advance(seconds)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    async with running(made.objects.run()):
        await asyncio.sleep(0)
        yield made


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> Iterator[Share]:
    made = Share()
    monkeypatch.setattr(kinds, "KINDS", (kinds.Kind("host-path", made.set_up, "host_path"), *kinds.KINDS))
    yield made
    made.answers.set()


async def test_a_volume_that_hangs_is_named_and_holds_up_no_other_pod(node: Node, share: Share) -> None:
    hanging = asyncio.create_task(node.set_up(_pod("hung", _EMPTY, _HOST_PATH)))
    await until(lambda: share.asked)
    other = asyncio.create_task(node.set_up(_pod("other", _EMPTY)))
    await node.pass_time(11)  # its place among the threads is the others' by now
    assert (await other).paths["scratch"].is_dir()
    assert not hanging.done()
    await node.pass_time(123)
    with pytest.raises(VolumeFailed, match=r"unmounted volumes=\[share\].* timed out waiting for the condition"):
        await hanging


async def test_a_second_try_waits_for_the_first_and_says_the_same(node: Node, share: Share) -> None:
    for _ in range(2):
        trying = asyncio.create_task(node.set_up(_pod("hung", _HOST_PATH, _EMPTY)))
        await until(lambda: share.asked)
        await node.pass_time(124)
        with pytest.raises(VolumeFailed, match=r"unmounted volumes=\[share scratch\]"):
            await trying
    assert share.asked == 1
    share.answers.set()
    assert set((await node.set_up(_pod("hung", _HOST_PATH, _EMPTY))).paths) == {"share", "scratch"}


async def test_a_container_is_not_kept_waiting_for_a_sub_path(node: Node, share: Share) -> None:
    pod, mount = _pod("hung", _HOST_PATH), VolumeMount(name="share", mount_path="/m", sub_path="x")
    making = asyncio.create_task(node.set_up(pod))
    await until(lambda: share.asked)
    binding = asyncio.create_task(node.volumes.sub_path(pod, "c", 0, mount, "x", node.root / "share"))
    await node.pass_time(11)
    with pytest.raises(VolumeFailed, match=r"failed to prepare subPath.* timed out"):
        await binding
    share.answers.set()
    await making
    await node.volumes.tear_down("hung")  # with what was bound in the meantime
    assert node.volumes.pods_on_disk() == []


async def test_a_pod_is_taken_away_after_what_was_being_made_for_it(node: Node, share: Share) -> None:
    making = asyncio.create_task(node.set_up(_pod("hung", _EMPTY, _HOST_PATH)))
    await until(lambda: share.asked)
    making.cancel()
    removing = asyncio.create_task(node.volumes.tear_down("hung"))
    await node.pass_time(60)
    assert not removing.done()
    assert node.volumes.pods_on_disk() == ["hung"]
    share.answers.set()
    await removing
    assert node.volumes.pods_on_disk() == []


async def test_what_is_written_by_the_agent_is_only_read_by_containers(node: Node) -> None:
    node.api.add(ConfigMap(metadata=ObjectMeta(name="m", namespace="d"), data={"key": "value"}))
    mounted = await node.set_up(_pod("p", Volume(name="cfg", config_map=ConfigMapVolumeSource(name="m")), _EMPTY))
    assert mounted.read_only == {"cfg"}
    assert mounted.paths == {
        "cfg": node.root / "pods/p/volumes/kubernetes.io~configmap/cfg",
        "scratch": node.root / "pods/p/volumes/kubernetes.io~empty-dir/scratch",
    }


def _persistent(**source: object) -> Claimed:
    return Claimed(PersistentVolume(metadata=ObjectMeta(name="pv"), spec=PersistentVolumeSpec(**source)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (_persistent(local=LocalVolumeSource(path="/x")), "local-volume"),
        (_persistent(host_path=HostPathVolumeSource(path="/x")), "host-path"),
        (_persistent(nfs=NFSVolumeSource(server="s", path="/x")), "nfs"),
    ],
)
def test_the_kinds_of_persistent_volumes(claimed: Claimed, expected: str) -> None:
    claim = Volume(name="v", ephemeral=EphemeralVolumeSource())
    kind, _ = kinds.Kinds().of(claim, claimed)
    assert (kind.name, kinds.plugin_name(claim)) == (expected, "kubernetes.io/persistent-claim")


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        (Volume(name="v", image=ImageVolumeSource(reference="x:1")), "does not support volumes of images"),
        (
            Volume(name="v", iscsi=ISCSIVolumeSource(iqn="q", target_portal="t")),
            "not supported by this node agent: iscsi",
        ),
    ],
)
async def test_what_cannot_be_made_is_refused_by_name(node: Node, volume: Volume, why: str) -> None:
    with pytest.raises(VolumeFailed, match=f'MountVolume.SetUp failed for volume "v" : .*{why}'):
        await node.set_up(_pod("p", volume))
