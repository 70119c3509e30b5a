"""Eviction and image clean-up on a real containerd; only what is left of the node is made up."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.api.core_v1 import EmptyDirVolumeSource, Node, Volume, VolumeMount
from controlplane.kit.clock import ManualClock, SystemClock
from nodeagent.cri.channel import Channel
from nodeagent.cri.images import Images
from nodeagent.kernel.headroom import Left
from nodeagent.pods.eviction.manager import EvictionManager
from nodeagent.pods.eviction.observe import NodeSignals, PodUsage, Seen
from nodeagent.pods.eviction.reclaim import Reclaim
from nodeagent.pods.eviction.thresholds import Observation, Signal, parse_settings
from nodeagent.pods.image_gc import ImageCollector
from nodeagent.pods.image_plan import ImagePolicy
from tests.fakes.containerd import IMAGE, Containerd, busybox_image
from tests.integration.node_runtime.world import NODE, World, a_pod, agent_of
from tests.waiting import until

MIB = 2**20
IDLE = "test.invalid/idle:1"


class Numbers:
    """The machine's own numbers, but for those that the test sets."""

    def __init__(self, real: NodeSignals) -> None:
        self._real, self.changed = real, dict[Signal, Observation]()

    async def read(self) -> Seen:
        seen = await self._real.read()
        return Seen({**seen.signals, **self.changed}, seen.one_disk)


class Evicting:
    """A node's eviction manager, and what it is made of."""

    def __init__(self, world: World, channel: Channel):
        images = Images(channel)
        self.images, self.numbers = images, Numbers(NodeSignals(world.root, images))
        self.disk, self.clock = Left(100, 100), ManualClock()
        self.collector = ImageCollector(
            ImagePolicy(),
            images,
            world.runtime,
            lambda: (one.pod for one in world.agent.workers()),
            recorder=world.events,
            node=lambda: world.api.get(Node, NODE),
            clock=self.clock,
            disk=lambda place: self.disk,
        )
        # No threshold on the real disk: whoever runs this may have a full one.
        settings = parse_settings("memory.available<100Mi,pid.available<10")
        self.manager = EvictionManager(
            settings,
            self.numbers,
            PodUsage(world.runtime, lambda: world.settings),
            Reclaim(world.runtime, self.collector, world.agent.workers, lambda: world.settings),
            workers=world.agent.workers,
            recorder=world.events,
            node=lambda: world.api.get(Node, NODE),
            clock=SystemClock(),
        )

    async def names(self) -> set[str]:
        return {tag for image in await self.images.list() for tag in image.tags}


@asynccontextmanager
async def evicting(world: World) -> AsyncIterator[Evicting]:
    async with agent_of(world):
        channel = Channel(world.daemon.socket)
        try:
            yield Evicting(world, channel)
        finally:
            await channel.close()


async def test_the_pod_that_uses_most_memory_is_ended(world: World) -> None:
    async with evicting(world) as node:
        world.api.add(a_pod("small"))
        hoard = "x=$(seq 1 2000000); while :; do sleep 3600; done"  # a last command would take the shell's place
        world.api.add(a_pod("big", container={"command": ["sh", "-c", hoard]}))
        await until(lambda: world.is_ready("small") and world.is_ready("big"))
        assert await node.manager.look() is None
        worker = world.agent.find("default", "big")
        assert worker is not None
        usage = PodUsage(world.runtime, lambda: world.settings)
        uid = worker.pod.metadata.uid
        while (await usage.read([worker.pod]))[uid].memory < 10 * MIB:
            pass  # each look asks the runtime, which takes its time
        node.numbers.changed[Signal.MEMORY] = Observation(50 * MIB, 2**33)
        assert await node.manager.look() is worker
        await until(lambda: world.pod("big").status.phase == "Failed")
        status = world.pod("big").status
        assert status.reason == "Evicted"
        assert status.message.startswith(
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using "
        )
        assert status.message.endswith("request is 0, has larger consumption of memory. ")
        assert any(one.type == "DisruptionTarget" and one.status == "True" for one in status.conditions)
        assert world.pod("small").status.phase == "Running"
        await until(lambda: not worker.runtime.running and not worker.mounted)


async def test_an_empty_dir_beyond_its_limit_ends_the_pod(world: World) -> None:
    volume = Volume(name="data", empty_dir=EmptyDirVolumeSource(size_limit="1Mi"))
    container = {
        "command": ["sh", "-c", "head -c 2000000 /dev/zero >/data/file; sleep 3600"],
        "volume_mounts": [VolumeMount(name="data", mount_path="/data")],
    }
    async with evicting(world) as node:
        world.api.add(a_pod("greedy", container=container, volumes=[volume]))
        await until(lambda: world.is_ready("greedy"))
        file = world.root / "kubelet/pods" / world.pod("greedy").metadata.uid
        await until(lambda: _size(file / "volumes/kubernetes.io~empty-dir/data/file") == 2000000)
        assert await node.manager.look() is not None
        await until(lambda: world.pod("greedy").status.phase == "Failed")
        status = world.pod("greedy").status
        message = 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". '
        assert (status.reason, status.message) == ("Evicted", message)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def test_images_that_nobody_uses_go_and_the_sandbox_image_stays(world: World) -> None:
    _import(world.daemon, IDLE)
    async with evicting(world) as node:
        assert await world.runtime.sandbox_image() == IMAGE
        await node.collector.look()
        await node.clock.advance(121)
        await node.collector.look()
        assert {IDLE, IMAGE} <= await node.names()
        node.disk = Left(100, 10)
        await node.collector.look()
        assert IDLE not in await node.names()
        assert IMAGE in await node.names()


def _import(daemon: Containerd, image: str) -> None:
    archive = daemon.root / "idle.tar"
    archive.write_bytes(busybox_image(image))
    command = daemon.ctr("images", "import", "--snapshotter", "native", str(archive))
    subprocess.run(command, check=True, capture_output=True)
