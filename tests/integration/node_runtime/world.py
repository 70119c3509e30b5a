"""A node for tests: the pod agent over a real containerd, with an API server in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controlplane.api.core_v1 import Container, Node, Pod, PodSpec, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.cri.channel import Channel
from nodeagent.cri.events import RuntimeEvents
from nodeagent.cri.images import Images
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel.inotify import Inotify
from nodeagent.kernel.thread import KernelThread
from nodeagent.pods.agent import PodAgent, PodAgentConfig
from nodeagent.pods.sandbox import NodeSettings
from tests.fakes.api import FakeApi
from tests.fakes.containerd import IMAGE, Containerd
from tests.waiting import until

NODE = "n1"


@dataclass
class Events:
    """Keeps what was recorded."""

    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def event(self, obj: Any, type_: str, reason: str, message: str, *, field_path: str = "") -> None:
        self.seen.append((obj.metadata.name, reason, message))

    def reasons(self, pod: str) -> list[str]:
        return [reason for name, reason, _ in self.seen if name == pod]


@dataclass
class World:
    """A node: its API, its agent, its containerd."""

    root: Path
    daemon: Containerd
    api: FakeApi
    events: Events = field(default_factory=Events)
    agent: PodAgent = field(init=False)
    runtime: Runtime = field(init=False)
    settings: NodeSettings = field(init=False)
    inotify: Inotify = field(init=False)

    def build(self) -> tuple[Informers, Channel, KernelThread]:
        clock, client = SystemClock(), Client(self.api)
        informers, channel, thread = Informers(client, clock), Channel(self.daemon.socket), KernelThread("volumes")
        root = self.root
        self.inotify, self.runtime = Inotify(), Runtime(channel)
        self.settings = NodeSettings(
            name=NODE,
            memory_capacity=8 << 30,
            logs=root / "logs",
            log_links=root / "links",
            kubelet_root=root / "kubelet",
            host_ips=("192.168.56.11",),
        )
        self.agent = PodAgent(
            PodAgentConfig(NODE, manifests=root / "manifests", kubelet_root=root / "kubelet"),
            client=client,
            clock=clock,
            runtime=self.runtime,
            images=Images(channel),
            events=RuntimeEvents(channel, clock),
            pods=informers.of(Pod, fields=f"spec.nodeName={NODE}"),
            services=informers.of(Service),
            recorder=self.events,
            settings=lambda: self.settings,
            node=lambda: self.api.get(Node, NODE),
            inotify=self.inotify,
            thread=thread,
        )
        return informers, channel, thread

    async def delete(self, name: str) -> None:
        await Client(self.api).delete(Pod, name, "default")
        await until(lambda: self.api.get(Pod, name, "default") is None)

    def pod(self, name: str) -> Pod:
        found = self.api.get(Pod, name, "default")
        assert found is not None
        return found

    def is_ready(self, name: str) -> bool:
        return condition(self.pod(name), "Ready") == "True"


def condition(pod: Pod, type_: str) -> str:
    return next((one.status for one in pod.status.conditions if one.type == type_), "")


def a_pod(name: str, *, container: dict[str, Any] | None = None, **spec: Any) -> Pod:
    made = {"name": "c", "image": IMAGE, "image_pull_policy": "IfNotPresent", **(container or {})}
    spec = {"containers": [Container(**made)], "termination_grace_period_seconds": 3, **spec}
    return Pod(metadata=ObjectMeta(name=name, namespace="default"), spec=PodSpec(node_name=NODE, **spec))


@asynccontextmanager
async def agent_of(world: World) -> AsyncIterator[World]:
    """Run an agent on the node for a block; a second one afterwards finds what the first has left."""
    informers, channel, thread = world.build()
    try:
        async with running(informers.run(), world.agent.run()):
            yield world
    finally:
        world.inotify.close()
        thread.close()
        await channel.close()
