"""What a real containerd and this kernel say of a pod, as the three pages show it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric

from controlplane.api.core_v1 import EmptyDirVolumeSource, Volume, VolumeMount
from controlplane.kit.clock import SystemClock
from nodeagent.cmd.node import _place
from nodeagent.cri.channel import Channel
from nodeagent.cri.images import Images
from nodeagent.metrics import cadvisor, resource
from nodeagent.metrics.files import FileReader
from nodeagent.metrics.summary import summary
from nodeagent.metrics.usage import UsageReader
from nodeagent.pods.cgroups import container_cgroup
from tests.integration.node_runtime.world import NODE, World, a_pod, agent_of
from tests.waiting import until

_SCRIPT = "head -c 200000 /dev/zero >/cache/file; echo hello; while :; do :; done"


def shown(families: Iterable[Metric], name: str, **labels: str) -> list[float]:
    return [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


async def test_a_busy_pod(world: World) -> None:
    channel = Channel(world.daemon.socket)
    async with agent_of(world):
        container: dict[str, Any] = {
            "command": ["sh", "-c", _SCRIPT],
            "volume_mounts": [VolumeMount(name="cache", mount_path="/cache")],
        }
        volumes = [Volume(name="cache", empty_dir=EmptyDirVolumeSource())]
        world.api.add(a_pod("busy", container=container, volumes=volumes))
        await until(lambda: world.is_ready("busy"))
        reader = UsageReader(
            NODE,
            world.root,
            world.runtime,
            SystemClock(),
            places=lambda: {w.pod.metadata.uid: _place(w.pod, world.settings) for w in world.agent.workers()},
            container_cgroup=lambda group, one: container_cgroup(group, one, world.settings.cgroup_driver),
            images=Images(channel),
        )
        files = FileReader(Images(channel), SystemClock())
        await reader.read()
        await asyncio.sleep(1.5)  # between two readings, so that there is a rate
        usage = await reader.read()
        pod = next(one for one in summary(usage, await files.read(usage))["pods"] if one["podRef"]["name"] == "busy")
        assert pod["containers"][0]["cpu"]["usageNanoCores"] > 50_000_000
        assert pod["cpu"]["usageNanoCores"] > 50_000_000
        assert pod["memory"]["workingSetBytes"] > pod["containers"][0]["memory"]["workingSetBytes"] > 0
        assert pod["volume"][0]["name"] == "cache"
        assert pod["volume"][0]["usedBytes"] >= 200_000
        assert pod["containers"][0]["logs"]["usedBytes"] > 0
        assert pod["containers"][0]["rootfs"]["capacityBytes"] > 0
        families = list(cadvisor.families(usage))
        assert shown(families, "container_threads", pod="busy", container="c")[0] >= 1
        assert shown(families, "container_spec_cpu_shares", pod="busy", container="c") == [2]
        assert shown(families, "container_cpu_user_seconds_total", pod="busy", container="c")[0] > 0
        assert shown(resource.families(usage), "pod_cpu_usage_seconds_total", pod="busy")[0] > 0
    await channel.close()
