"""The half of the agent that is about this node itself: the Node, its pods, its certificates, its API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.api.core_v1 import ContainerImage, Node, Pod, Service
from controlplane.api.status import StatusError
from controlplane.client.events import EventRecorder
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.explained import Explained
from controlplane.kit.serving import health_pages
from nodeagent.cmd.health import serve_plain
from nodeagent.cmd.pages import node_pages
from nodeagent.cri.channel import Channel
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.events import RuntimeEvents
from nodeagent.cri.images import Images
from nodeagent.cri.runtime import Runtime
from nodeagent.dns.forward import resolv_conf_of
from nodeagent.kernel.inotify import Inotify
from nodeagent.metrics.usage import UsageReader
from nodeagent.network.overlay import Overlay
from nodeagent.node.heartbeat import Heartbeat
from nodeagent.node.machine import read_machine, read_pressure
from nodeagent.node.registration import register
from nodeagent.node.render import Observed, address_conflict
from nodeagent.node.status import StatusWriter
from nodeagent.pods.agent import PodAgent, PodAgentConfig
from nodeagent.pods.cgroups import CgroupDriver
from nodeagent.pods.dns import ClusterDns, parse_resolv_conf
from nodeagent.pods.sandbox import NodeSettings as PodSettings
from nodeagent.server.app import NodeServer

if TYPE_CHECKING:
    from nodeagent.cmd.run import Agent

log = logging.getLogger(__name__)

_RETRY = Backoff(first=0.2, cap=7.0)
_IMAGES_SECONDS = 60.0  # how old the list of images in the status may be


class AddressTaken(Explained):
    """Another node has this node's address."""


class NodeRooms:
    """Builds and starts what belongs to the node."""

    def __init__(self, agent: Agent, overlay: Overlay):
        self.agent, self.overlay, self.clock = agent, overlay, agent.clock
        config = agent.config
        self.state = Path(config.state_dir)
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        channel = Channel(
            config.container_runtime_endpoint.removeprefix("unix://"), agent.kubelet_metrics.observe_runtime
        )
        self.runtime, self.images = Runtime(channel), Images(channel)
        self.events = RuntimeEvents(channel, agent.clock)
        self.settings = agent.node_settings()
        self.machine = read_machine(self.state)
        self.runtime_version = ""
        self.problem = "the agent is starting"
        self._settings_of = (0, self._pod_settings(""))
        self._images: tuple[float, tuple[ContainerImage, ...]] = (float("-inf"), ())

    async def start(self) -> list[Coroutine[Any, Any, None]]:
        """Register the node, then return what keeps running."""
        await self._refuse_a_taken_address()
        node = await self._register()
        agent, clock = self.agent, self.clock
        status = StatusWriter(self.settings, self.observe, agent.client, clock)
        heartbeat = Heartbeat(node.metadata.name, node.metadata.uid, agent.client, clock)
        recorder = EventRecorder(agent.client, clock, "kubelet", host=node.metadata.name)
        pods = self._pods(recorder)
        recorder.event(node, "Normal", "Starting", "Starting kubelet.")
        return [
            self.overlay.run(),
            status.run(),
            self._hurry_status(status),
            heartbeat.run(),
            recorder.run(),
            pods.run(),
            *agent.certificates.coroutines(),
            self._server(pods),
            serve_plain(health_pages({}), agent.config.healthz_bind_address, agent.config.healthz_port),
        ]

    # The Node

    async def _refuse_a_taken_address(self) -> None:
        nodes = (await self._insist(lambda: self.agent.client.list(Node))).items
        conflict = address_conflict(self.settings.name, self.settings.addresses, nodes)
        if conflict:
            raise AddressTaken(conflict)

    async def _register(self) -> Node:
        observed = await self.observe()
        node: Node = await self._insist(lambda: register(self.agent.client, self.settings, observed, self.clock))
        return node

    async def _insist(self, request: Any) -> Any:
        """Ask until the API server answers: it may start after us."""
        for delay in _RETRY.delays():
            try:
                return await request()
            except (Unreachable, StatusError) as error:
                log.warning("cannot register yet: %s", error)
                self.agent.notifier.status(f"waiting for the API server: {error}")
                await self.clock.sleep(delay)
        raise AssertionError("delays never end")

    async def observe(self) -> Observed:
        """Look at the machine, the runtime and the network."""
        problems = []
        try:
            version = await self.runtime.version()
            self.runtime_version = f"{version.runtime_name}://{version.runtime_version}"
            conditions = await self.runtime.status()
            network_missing = [one for one in conditions if one.type == "NetworkReady" and not one.status]
            problems += [
                f"container runtime: {one.message}"
                for one in conditions
                if one.type == "RuntimeReady" and not one.status
            ]
            if self.overlay.problem:
                problems.append(f"container runtime network not ready: {self.overlay.problem}")
            elif network_missing:
                problems.append(f"container runtime network not ready: {network_missing[0].message}")
        except RuntimeFailure as failure:
            problems.append(f"container runtime is down: {failure}")
        self.problem = ", ".join(problems)
        return Observed(
            self.machine, read_pressure(self.state), self.runtime_version, tuple(problems), await self._list_images()
        )

    async def _list_images(self) -> tuple[ContainerImage, ...]:
        if self.clock.monotonic() - self._images[0] > _IMAGES_SECONDS:
            try:
                found = await self.images.list()
            except RuntimeFailure:
                return self._images[1]
            images = tuple(ContainerImage(names=[*one.digests, *one.tags], size_bytes=one.size) for one in found)
            self._images = (self.clock.monotonic(), images)
        return self._images[1]

    async def _hurry_status(self, status: StatusWriter) -> None:
        """Until the node is ready for the first time, look four times a second rather than every ten seconds."""
        while self.problem:
            status.hurry()
            await self.clock.sleep(0.25)
        status.hurry()
        self.agent.kubelet_metrics.startup.set(self.clock.monotonic() - self.agent.started)
        self.agent.notifier.status(f"node {self.settings.name} is ready")
        await asyncio.Event().wait()

    # Pods

    def _pods(self, recorder: EventRecorder) -> PodAgent:
        agent, config = self.agent, self.agent.config
        name = self.settings.name
        self.inotify = Inotify()
        return PodAgent(
            PodAgentConfig(
                name, Path(config.pod_manifest_path), Path(config.pod_dir).parent, config.max_parallel_image_pulls
            ),
            client=agent.client,
            clock=self.clock,
            runtime=self.runtime,
            images=self.images,
            events=self.events,
            pods=agent.informers.of(Pod, fields=f"spec.nodeName={name}"),
            services=agent.informers.of(Service),
            recorder=recorder,
            settings=self.pod_settings,
            node=agent.own_node,
            inotify=self.inotify,
            thread=agent.files_thread,
            relisted=agent.kubelet_metrics.pleg_relist.observe,
        )

    def pod_settings(self) -> PodSettings:
        """What all pods have in common; made anew only when the node's resolvers changed, for workers ask often."""
        path = resolv_conf_of()
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed != self._settings_of[0]:
            self._settings_of = (changed, self._pod_settings(path.read_text() if changed else ""))
        return self._settings_of[1]

    def _pod_settings(self, resolv_conf: str) -> PodSettings:
        config, node_resolver = self.agent.config, parse_resolv_conf(resolv_conf)
        return PodSettings(
            name=self.settings.name,
            dns=ClusterDns(tuple(config.cluster_dns.split(",")), config.cluster_domain, node_resolver),
            cgroup_driver=CgroupDriver(config.cgroup_driver),
            memory_capacity=self.machine.memory,
            kubelet_root=Path(config.pod_dir).parent,
            host_ips=self.settings.addresses,
        )

    # The node's API

    def _server(self, pods: PodAgent) -> Coroutine[Any, Any, None]:
        agent, config = self.agent, self.agent.config
        usage = UsageReader(self.settings.name, self.state, self.runtime, self.clock)
        pages = node_pages(agent.registry, agent.kubelet_metrics, usage, pods, agent.certificates, config, self.clock)
        server = NodeServer(
            node_name=self.settings.name,
            pods=pods,
            runtime=self.runtime,
            guard=agent.guard,
            settings=self.pod_settings(),
            inotify=self.inotify,
            clock=self.clock,
            pages=pages,
        )
        return server.run(config.bind_address, config.port, agent.certificates.tls)
