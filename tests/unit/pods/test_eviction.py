"""A node that runs short: the real worker over a runtime in memory, and numbers that the test decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    EmptyDirVolumeSource,
    Node,
    NodeStatus,
    Pod,
    PodSpec,
    ResourceRequirements,
    SecretVolumeSource,
    Volume,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.kit.tasks import running
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.records import POD_UID, ContainerStats
from nodeagent.kernel.headroom import Used
from nodeagent.pods.agent import PodAgent
from nodeagent.pods.eviction.manager import EvictionManager
from nodeagent.pods.eviction.observe import NodeSignals, PodMemory, PodUsage, Seen
from nodeagent.pods.eviction.rank import ContainerUse, PodUse, Uses
from nodeagent.pods.eviction.reclaim import Reclaim
from nodeagent.pods.eviction.thresholds import Observation, Settings, Signal, parse_settings
from nodeagent.pods.image_gc import ImagesRemain
from nodeagent.pods.sandbox import NodeSettings
from tests.unit.pods.test_pod_agent import World

MIB, GIB = 2**20, 2**30
CRITICAL = 2_000_000_000


class Numbers:
    """What is left, what pods use (by name), and what a reclaim frees."""

    def __init__(self) -> None:
        self.left = {Signal.MEMORY: GIB, Signal.NODE_DISK: 50 * GIB, Signal.IMAGE_DISK: 50 * GIB}
        self.capacity = {Signal.MEMORY: 4 * GIB, Signal.NODE_DISK: 100 * GIB, Signal.IMAGE_DISK: 100 * GIB}
        self.uses: dict[str, PodUse] = {}
        self.one_disk = True
        self.reclaims, self.frees = 0, 0
        self.broken = False

    async def read_signals(self) -> Seen:
        if self.broken:
            raise OSError("no such file")
        return Seen({name: Observation(self.left[name], self.capacity[name]) for name in self.left}, self.one_disk)

    async def read_usage(self, pods: Iterable[Pod]) -> Uses:
        return {pod.metadata.uid: self.uses.get(pod.metadata.name, PodUse()) for pod in pods}

    async def free_disk(self) -> None:
        self.reclaims += 1
        for name in (Signal.NODE_DISK, Signal.IMAGE_DISK):
            self.left[name] += self.frees


class _Reads:
    def __init__(self, read: Any):
        self.read = read


class Node1(World):
    """The node of the pods' tests, with an eviction manager."""

    def __post_init__(self) -> None:
        super().__post_init__()
        [registered] = self.api.list(Node)
        self.api.update(replace(registered, status=NodeStatus(allocatable={"pods": "9", "memory": "4Gi"})))
        self.numbers, self.counted = Numbers(), list[str]()

    @asynccontextmanager
    async def evicting(self, settings: Settings | None = None) -> AsyncIterator[EvictionManager]:
        async with self.agent() as agent:
            manager = self.manager(agent, settings or parse_settings())
            agent._pressures = lambda: manager.conditions
            async with running(manager.run()):
                yield manager

    def manager(self, agent: PodAgent, settings: Settings) -> EvictionManager:
        return EvictionManager(
            settings,
            _Reads(self.numbers.read_signals),
            _Reads(self.numbers.read_usage),
            self.numbers,
            workers=agent.workers,
            recorder=self,
            node=lambda: self.api.get(Node, "n1"),
            clock=self.clock,
            count=self.counted.append,
        )

    def uses(self, name: str, memory: int = 0, **volumes: int) -> None:
        found = {volume: Used(amount, 1) for volume, amount in volumes.items()}
        self.numbers.uses[name] = PodUse((ContainerUse("c", memory=memory),), found)

    def phase(self, name: str) -> str:
        return self.pod(name).status.phase


@pytest.fixture
def node(tmp_path: Path) -> Node1:
    return Node1(tmp_path)


async def test_one_pod_is_ended_and_says_why(node: Node1) -> None:
    async with node.evicting():
        node.add("small", priority=1)
        node.add("big", container={"resources": ResourceRequirements(requests={"memory": "64Mi"})})
        node.uses("small", 10 * MIB)
        node.uses("big", 80 * MIB)
        await node.pass_time(20)
        assert (node.phase("small"), node.phase("big")) == ("Running", "Running")
        node.numbers.left[Signal.MEMORY] = 50 * MIB
        await node.pass_time(10)
        status = node.pod("big").status
        message = (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
            "Container c was using 80Mi, request is 64Mi, has larger consumption of memory. "
        )
        assert (status.phase, status.reason, status.message) == ("Failed", "Evicted", message)
        [disruption] = [one for one in status.conditions if one.type == "DisruptionTarget"]
        assert (disruption.status, disruption.reason, disruption.message) == ("True", "TerminationByKubelet", message)
        assert ("Evicted", message) in node.events
        assert ("EvictionThresholdMet", "Attempting to reclaim memory") in node.events
        assert node.counted == ["memory.available"]
        assert node.phase("small") == "Running"


async def test_what_the_first_frees_may_not_be_enough(node: Node1) -> None:
    async with node.evicting() as manager:
        for name in ("a", "b"):
            node.add(name)
            node.uses(name, MIB)
        await node.settle()
        node.numbers.left[Signal.MEMORY] = 50 * MIB
        await node.pass_time(12)
        assert {node.phase("a"), node.phase("b")} == {"Failed"}
        await node.pass_time(60)  # nobody is left: that is borne
        assert manager.conditions == {"MemoryPressure"}


async def test_a_pod_that_does_not_end_is_waited_for(node: Node1) -> None:
    node.runtime.ignores_term = True
    settings = parse_settings("", "memory.available<100Mi", "memory.available=10s", max_pod_grace=20)
    async with node.evicting(settings):
        for name in ("a", "b"):
            node.add(name)
            node.uses(name, MIB)
        await node.settle()
        node.numbers.left[Signal.MEMORY] = 50 * MIB
        await node.pass_time(25)
        assert node.reasons.count("Evicted") == 1
        assert len(node.runtime.running("c")) == 2
        # The condition tells of the end, so it comes with it.
        assert not any(one.type == "DisruptionTarget" for name in "ab" for one in node.pod(name).status.conditions)
        await node.pass_time(21)
        assert node.reasons.count("Evicted") == 2


async def test_a_soft_threshold_is_borne_for_its_grace_period(node: Node1) -> None:
    settings = parse_settings("", "memory.available<200Mi", "memory.available=1m")
    async with node.evicting(settings) as manager:
        node.add()
        node.uses("web", MIB)
        await node.settle()
        node.numbers.left[Signal.MEMORY] = 150 * MIB
        await node.pass_time(60)
        assert (node.phase("web"), manager.conditions) == ("Running", {"MemoryPressure"})
        await node.pass_time(20)
        assert node.phase("web") == "Failed"


async def test_critical_and_static_pods_are_spared(node: Node1) -> None:
    manifests = node.root / "manifests"
    manifests.mkdir()
    manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: static, namespace: d}\n"
    (manifests / "a.yaml").write_text(manifest + "spec: {containers: [{name: c, image: x:1}]}\n")
    async with node.evicting():
        node.add(priority=CRITICAL)
        node.uses("web", GIB)
        await node.settle()
        node.numbers.left[Signal.MEMORY] = 0
        await node.pass_time(60)
        assert node.phase("web") == "Running"
        assert len(node.runtime.running("c")) == 2


async def test_disk_is_reclaimed_before_a_pod_is_ended(node: Node1) -> None:
    async with node.evicting() as manager:
        node.add()
        node.uses("web", data=GIB)
        await node.settle()
        node.numbers.left[Signal.NODE_DISK], node.numbers.frees = 9 * GIB, 6 * GIB
        await node.pass_time(10)
        assert (node.numbers.reclaims, node.phase("web")) == (1, "Running")
        assert manager.conditions == {"DiskPressure"}
        node.numbers.left[Signal.NODE_DISK], node.numbers.frees = 9 * GIB, 0
        await node.pass_time(10)
        assert (node.numbers.reclaims, node.phase("web")) == (2, "Failed")
        assert node.pod("web").status.message.startswith("The node was low on resource: ephemeral-storage. ")


async def test_images_on_a_disk_of_their_own_do_not_help_the_other(node: Node1) -> None:
    async with node.evicting():
        node.add()
        await node.settle()
        node.numbers.one_disk = False
        node.numbers.left[Signal.NODE_DISK] = 9 * GIB
        await node.pass_time(10)
        assert (node.numbers.reclaims, node.phase("web")) == (0, "Failed")


async def test_under_pressure_best_effort_pods_are_refused_until_it_has_been_over_for_a_while(node: Node1) -> None:
    async with node.evicting() as manager:
        node.numbers.left[Signal.MEMORY] = 50 * MIB
        await node.pass_time(10)
        node.numbers.left[Signal.MEMORY] = GIB
        node.add("refused")
        node.add("modest", container={"resources": ResourceRequirements(requests={"memory": "1Mi"})})
        await node.settle()
        assert node.ready("modest")
        status = node.pod("refused").status
        assert (status.phase, status.reason) == ("Failed", "Evicted")
        assert status.message == "Pod was rejected: The node had condition: [MemoryPressure]. "
        await node.pass_time(310)
        assert manager.conditions == frozenset()
        node.add("late")
        await node.settle()
        assert node.ready("late")


async def test_an_empty_dir_beyond_its_limit_ends_the_pod(node: Node1) -> None:
    volume = Volume(name="data", empty_dir=EmptyDirVolumeSource(size_limit="1Mi"))
    async with node.evicting():
        node.add(volumes=[volume])
        node.uses("web", data=MIB)
        await node.pass_time(20)
        assert node.ready()
        node.uses("web", data=MIB + 1)
        await node.pass_time(10)
        status = node.pod().status
        assert (status.phase, status.reason) == ("Failed", "Evicted")
        assert status.message == 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". '
        assert node.counted == ["emptydirfs.limit"]
        assert not any(one.type == "DisruptionTarget" for one in status.conditions)


async def test_a_deletion_during_an_eviction_deletes_the_pod(node: Node1) -> None:
    async with node.evicting():
        node.add()
        node.uses("web", MIB)
        await node.settle()
        node.numbers.left[Signal.MEMORY] = 0
        await node.pass_time(10)
        await Client(node.api).delete(Pod, "web", "d")
        await node.pass_time(5)
        assert node.api.get(Pod, "web", "d") is None


async def test_numbers_that_cannot_be_read_are_read_again(node: Node1) -> None:
    async with node.evicting() as manager:
        node.numbers.broken = True
        await node.pass_time(30)
        node.numbers.broken = False
        node.numbers.left[Signal.MEMORY] = 0
        await node.pass_time(10)
        assert manager.conditions == {"MemoryPressure"}


class _Images:
    """An image service of which only the place matters; `collector` for what frees images."""

    def __init__(self, place: Path, failing: bool = False):
        self.place, self.failing, self.freed = place, failing, 0

    async def mountpoint(self) -> str:
        if self.failing:
            raise RuntimeFailure("containerd is down")
        return str(self.place)

    async def free_all(self) -> None:
        self.freed += 1
        if self.failing:
            raise ImagesRemain("image x is stuck")


@pytest.mark.parametrize("failing", [False, True])
async def test_what_ended_pods_have_left_is_removed(node: Node1, failing: bool) -> None:
    images = _Images(node.root, failing)
    async with node.agent() as agent:
        node.add("done", restart_policy="Never")
        node.add("web", container={"name": "other"})
        await node.settle()
        node.runtime.exit("c", 0)
        await node.settle()
        before = node.pod("done").status
        settings = NodeSettings(name="n1", logs=node.root / "logs", log_links=node.root / "links")
        await Reclaim(cast(Any, node.runtime), cast(Any, images), agent.workers, lambda: settings).free_disk()
        await node.settle()
        assert images.freed == 1
        assert [one.name for one in await node.runtime.list_containers()] == ["other"]
        assert len(await node.runtime.list_sandboxes()) == 1
        assert (before.phase, node.pod("done").status) == ("Succeeded", before)
        await Client(node.api).delete(Pod, "done", "d")
        await node.settle()
        assert node.api.get(Pod, "done", "d") is None


async def test_what_a_pod_uses(tmp_path: Path) -> None:
    volumes = tmp_path / "pods/u1/volumes"
    for name in ("kubernetes.io~empty-dir/data", "kubernetes.io~empty-dir/ram", "kubernetes.io~secret/s"):
        (volumes / name).mkdir(parents=True)
        (volumes / name / "file").write_bytes(b"x" * MIB)
    log = tmp_path / "logs/d_p_u1/c/0.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * MIB)
    pod = Pod(
        metadata=ObjectMeta(name="p", namespace="d", uid="u1"),
        spec=PodSpec(
            volumes=[
                Volume(name="data", empty_dir=EmptyDirVolumeSource()),
                Volume(name="ram", empty_dir=EmptyDirVolumeSource(medium="Memory")),
                Volume(name="s", secret=SecretVolumeSource(secret_name="s")),
            ]
        ),
    )

    class Stats:
        async def container_stats(self) -> tuple[ContainerStats, ...]:
            numbers = dict.fromkeys(ContainerStats.__slots__, 0) | {"memory_working_set": 7, "writable_bytes": 9}
            return (ContainerStats(**{**numbers, "id": "1", "name": "c", "labels": {POD_UID: "u1"}}),)  # type: ignore[arg-type]

    settings = NodeSettings(name="n1", logs=tmp_path / "logs", kubelet_root=tmp_path)
    use = (await PodUsage(cast(Any, Stats()), lambda: settings).read([pod]))["u1"]
    [container] = use.containers
    assert (container.name, container.memory, container.layer.bytes, container.logs.bytes) == ("c", 7, 9, MIB)
    assert (list(use.volumes), list(use.in_memory)) == (["data"], ["ram"])
    assert MIB <= use.volumes["data"].bytes < 2 * MIB


async def test_the_signals_of_this_machine(tmp_path: Path) -> None:
    seen = await NodeSignals(tmp_path, cast(Any, _Images(tmp_path))).read()
    assert seen.one_disk and set(seen.signals) == set(Signal) - {Signal.POD_MEMORY}
    assert not (await NodeSignals(tmp_path, cast(Any, _Images(Path("/dev/shm")))).read()).one_disk
    # A runtime that does not answer is no reason not to look at memory.
    limited = PodMemory("/no-such-group", 1000)
    seen = await NodeSignals(tmp_path, cast(Any, _Images(tmp_path, failing=True)), limited).read()
    assert seen.one_disk and set(seen.signals) == set(Signal) - {Signal.IMAGE_DISK, Signal.IMAGE_INODES}
    assert seen.signals[Signal.POD_MEMORY] == Observation(1000, 1000)
