"""The half of the agent that is about this node itself: the Node, its pods, its certificates, its API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from controlplane.api.core_v1 import ContainerImage, Node, Pod, Service
from controlplane.api.status import StatusError
from controlplane.client.events import EventRecorder
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.durations import parse_duration
from controlplane.kit.explained import Explained
from nodeagent.cmd.config import ConfigError, parse_headers
from nodeagent.cmd.health import keep_serving, node_checks, node_health_pages, serve_plain
from nodeagent.cmd.pages import node_pages
from nodeagent.cri.channel import Channel
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.events import RuntimeEvents
from nodeagent.cri.images import Images
from nodeagent.cri.records import Condition, RuntimeStatus
from nodeagent.cri.runtime import Runtime
from nodeagent.dns.forward import resolv_conf_of
from nodeagent.kernel import headroom
from nodeagent.kernel.inotify import Inotify
from nodeagent.kernel.logind import Logind
from nodeagent.metrics.files import FileReader, volumes_of
from nodeagent.metrics.usage import Identity, PodPlace, UsageReader
from nodeagent.network.overlay import Overlay
from nodeagent.node import shutdown
from nodeagent.node.enforcement import enforce, limits_of
from nodeagent.node.heartbeat import Heartbeat
from nodeagent.node.machine import read_machine, thermal_paths
from nodeagent.node.patience import START_PATIENCE, Patience
from nodeagent.node.registration import register
from nodeagent.node.render import (
    NodeSettings,
    Observed,
    address_conflict,
    capacity_of,
    is_ready,
    overcommitted,
)
from nodeagent.node.shutdown import Shutdown
from nodeagent.node.status import StatusWriter
from nodeagent.plugins.registry import PluginRegistry
from nodeagent.pods import names
from nodeagent.pods.agent import PodAgent, PodAgentConfig
from nodeagent.pods.cgroups import CgroupDriver, cgroup_path, container_cgroup, pods_cgroup
from nodeagent.pods.dns import ClusterDns, parse_resolv_conf
from nodeagent.pods.eviction.manager import EvictionManager
from nodeagent.pods.eviction.observe import NodeSignals, PodMemory, PodUsage
from nodeagent.pods.eviction.reclaim import Reclaim
from nodeagent.pods.eviction.thresholds import hard_limits, with_pod_memory
from nodeagent.pods.image_gc import ImageCollector
from nodeagent.pods.resources import qos_class
from nodeagent.pods.sandbox import NodeSettings as PodSettings
from nodeagent.pods.security import MASKED_PATHS, Hardening
from nodeagent.pods.sysctls import parse_patterns
from nodeagent.probes.counts import ProbeCounts
from nodeagent.server.app import NodeServer

if TYPE_CHECKING:
    from nodeagent.cmd.agent import Agent

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY = Backoff(first=0.2, cap=7.0)
_CERTIFICATE_SECONDS = START_PATIENCE  # after which a starting node is ready without a serving certificate
_TERMINAL = ("Succeeded", "Failed")
_IMAGES_SECONDS = 60.0  # how old the list of images in the status may be


class AddressTaken(Explained):
    """Another node has this node's address."""


class NodeRooms:
    """Builds and starts what belongs to the node."""

    def __init__(self, agent: Agent, overlay: Overlay):
        self.agent, self.overlay, self.clock = agent, overlay, agent.clock
        config = agent.config
        Path(config.state_dir).mkdir(parents=True, exist_ok=True, mode=0o700)
        # The file system of this directory is what Kubernetes calls nodefs: all that pods keep on the node but images.
        self.kubelet_root = Path(config.pod_dir).parent
        self.kubelet_root.mkdir(parents=True, exist_ok=True)
        channel = Channel(
            config.container_runtime_endpoint.removeprefix("unix://"), agent.kubelet_metrics.observe_runtime
        )
        self.runtime, self.images = Runtime(channel), Images(channel)
        self.events = RuntimeEvents(channel, agent.clock)
        self.machine = read_machine(self.kubelet_root)
        self.settings = self._node_settings()
        self.runtime_version = ""
        self._patience = Patience()
        self._shutdown: Shutdown | None = None
        self._thermal_paths = thermal_paths()
        self._runtime_status = RuntimeStatus()
        self._settings_of = (0, self._runtime_status, self._pod_settings(""))
        self._images: tuple[float, tuple[ContainerImage, ...]] = (float("-inf"), ())
        self.recorder = EventRecorder(agent.client, agent.clock, "kubelet", host=self.settings.name)
        self._status = StatusWriter(self.settings, self.observe, agent.client, agent.clock, self.recorder.event)
        self.probe_counts = ProbeCounts()
        self._checks = node_checks(agent.kubelet_metrics.since_relist)
        self.pods = self._pods()
        self.image_collector = self._image_collector()
        self.eviction = self._eviction()

    def _node_settings(self) -> NodeSettings:
        """What pods may have of this machine is known only here. Raises ConfigError."""
        config, settings = self.agent.config, self.agent.node_settings()
        limits = hard_limits(config.eviction.thresholds, capacity_of(self.machine, config.max_pods))
        kept = {name: config.reserved.get(name, 0) + limits.get(name, 0) for name in {**config.reserved, **limits}}
        settings = replace(settings, kept=kept)
        if problem := overcommitted(self.machine, settings):
            raise ConfigError(f"system-reserved, kube-reserved, eviction-hard: {problem}")
        return settings

    def coroutines(self) -> list[Coroutine[Any, Any, None]]:
        """What must run. Pods do not wait for the registration: static ones need no API server."""
        config, pods = self.agent.config, self.pods
        registrations = Path(config.pod_dir).parent / "plugins_registry"
        plugins = PluginRegistry(registrations, {"CSIPlugin": pods.csi_drivers}, self.clock, self.inotify)
        pages = node_health_pages(self._checks)
        health = partial(serve_plain, pages, config.healthz_bind_address, config.healthz_port)
        return [
            self._be_a_node(),
            *self._shutdowns(pods),
            self.overlay.run(),
            self.recorder.run(),
            self._run_pods(pods),
            self.image_collector.run(),
            self.eviction.run(),
            plugins.run(),
            self._server(pods),
            keep_serving("health", health, self.clock),
        ]

    # The Node

    async def _be_a_node(self) -> None:
        """Register, then say that we live and how we are, until cancelled. Raises AddressTaken, NameTaken."""
        await self._refuse_a_taken_address()
        node = await self._register()
        if is_ready(node):
            self._patience.was_ready(self.clock.monotonic())
        agent, name = self.agent, self.settings.name
        agent.notifier.ready(f"node {name} at {self.settings.addresses[0]}")
        self.recorder.event(node, "Normal", "Starting", "Starting kubelet.")
        heartbeat = Heartbeat(name, agent.client, self.clock)
        # Certificates only now: who approves a serving certificate compares it with the Node.
        status = self._status.run(self._ready)
        work = (heartbeat.run(), status, *agent.certificates.coroutines(), *self._enforcement(node))
        async with asyncio.TaskGroup() as tasks:
            for one in work:
                tasks.create_task(one)

    def _enforcement(self, node: Node) -> list[Coroutine[Any, Any, None]]:
        config = self.agent.config
        limits = limits_of(self.machine, config.reserved, headroom.pids().capacity)
        if limits is None:
            return []
        if config.cgroup_driver != CgroupDriver.CGROUPFS:
            log.warning("what is reserved is not enforced: with the systemd driver, kubepods.slice is systemd's")
            return []
        return [enforce(limits, node, self.clock, self.recorder.event)]

    async def _refuse_a_taken_address(self) -> None:
        nodes = (await self._insist(lambda: self.agent.client.list(Node))).items
        conflict = address_conflict(self.settings.name, self.settings.addresses, nodes)
        if conflict:
            raise AddressTaken(conflict)

    async def _register(self) -> Node:
        observed = await self.observe()
        return await self._insist(
            lambda: register(self.agent.client, self.settings, observed, self.clock, self.recorder.event)
        )

    async def _insist(self, request: Callable[[], Awaitable[T]]) -> T:
        """Ask until the API server answers: it may start after us."""
        for failures, delay in enumerate(_RETRY.delays()):
            try:
                return await request()
            except (Unreachable, StatusError) as error:
                if not failures:
                    log.warning("cannot register yet, trying on: %s", error)
                # Ready although not registered: who starts this unit must not wait for another machine.
                self.agent.notifier.ready(f"waiting for the API server: {error}")
                await self.clock.sleep(delay)
        raise AssertionError("delays never end")

    async def observe(self) -> Observed:
        """Look at the machine, the runtime and the network. Raises OSError."""
        try:
            version = await self.runtime.version()
            self.runtime_version = f"{version.runtime_name}://{version.runtime_version}"
            self._runtime_status = await self.runtime.status()
            problems = runtime_problems(self._runtime_status.conditions, self.overlay.problem)
        except RuntimeFailure as failure:
            problems = (f"container runtime is down: {failure}",)
        if self._awaits_certificate():
            problems = (*problems, "the serving certificate has not been issued yet")
        lasting = self._patience.lasting(problems, self.clock.monotonic())
        if self._shutdown is not None and self._shutdown.under_way:
            lasting = (shutdown.MESSAGE, *lasting)
        images = await self._list_images()
        short_of = self.eviction.conditions
        return Observed(
            self.machine, short_of, self.runtime_version, lasting, bool(problems), images, self._runtime_status
        )

    def _awaits_certificate(self) -> bool:
        """Whether logs and exec would fail for want of a certificate that the API server believes.

        Only at the start: some control planes approve serving certificates by hand, and pods do not need one.
        """
        young = self.clock.monotonic() - self.agent.started < _CERTIFICATE_SECONDS
        return young and not self.agent.certificates.serving.issued()

    async def _list_images(self) -> tuple[ContainerImage, ...]:
        if self.clock.monotonic() - self._images[0] > _IMAGES_SECONDS:
            try:
                found = await self.images.list()
            except RuntimeFailure:
                return self._images[1]
            images = tuple(ContainerImage(names=[*one.digests, *one.tags], size_bytes=one.size) for one in found)
            self._images = (self.clock.monotonic(), images)
        return self._images[1]

    def _ready(self) -> None:
        self.agent.kubelet_metrics.startup.set(self.clock.monotonic() - self.agent.started)
        self.agent.notifier.status(f"node {self.settings.name} is ready")

    def _shutdowns(self, pods: PodAgent) -> list[Coroutine[Any, Any, None]]:
        config = self.agent.config
        periods = (config.shutdown_grace_period, config.shutdown_grace_period_critical_pods)
        rounds = shutdown.plan_rounds(*map(parse_duration, periods))
        if not rounds:
            return []
        self._shutdown = Shutdown(rounds, Logind.connect, pods, self._announce_shutdown, self.clock)
        return [self._shutdown.run()]

    async def _announce_shutdown(self) -> None:
        try:
            await self._status.write(await self.observe())
        except (Unreachable, StatusError, OSError) as error:
            log.warning("cannot say that the node is shutting down: %s", error)

    # Pods

    def _pods(self) -> PodAgent:
        agent, config = self.agent, self.agent.config
        name = self.settings.name
        self.inotify = Inotify()
        return PodAgent(
            PodAgentConfig(
                name,
                Path(config.pod_manifest_path),
                self.kubelet_root,
                config.max_parallel_image_pulls,
                log_max_bytes=config.log_max_bytes,
                log_max_files=config.container_log_max_files,
                allowed_sysctls=parse_patterns(config.allowed_unsafe_sysctls),
                manifest_url=config.manifest_url,
                manifest_headers=parse_headers(config.manifest_url_header),
            ),
            client=agent.client,
            clock=self.clock,
            runtime=self.runtime,
            images=self.images,
            events=self.events,
            pods=agent.informers.of(Pod, fields=f"spec.nodeName={name}"),
            services=agent.informers.of(Service),
            recorder=self.recorder,
            settings=self.pod_settings,
            node=agent.own_node,
            inotify=self.inotify,
            thread=agent.files_thread,
            stopwatch=agent.kubelet_metrics,
            probe_counts=self.probe_counts,
            pressures=lambda: self.eviction.conditions,
        )

    def _image_collector(self) -> ImageCollector:
        agent = self.agent
        return ImageCollector(
            agent.config.image_policy,
            self.images,
            self.runtime,
            lambda: (one.pod for one in self.pods.workers() if one.status.phase not in _TERMINAL),
            recorder=self.recorder,
            node=agent.own_node,
            clock=self.clock,
        )

    def _eviction(self) -> EvictionManager:
        agent, workers, settings, pod_memory = self.agent, self.pods.workers, self.agent.config.eviction, None
        if reserved := agent.config.reserved.get("memory"):
            group = pods_cgroup(CgroupDriver(agent.config.cgroup_driver))
            settings, pod_memory = with_pod_memory(settings), PodMemory(group, self.machine.memory - reserved)
        return EvictionManager(
            settings,
            NodeSignals(self.kubelet_root, self.images, pod_memory),
            PodUsage(self.runtime, self.pod_settings),
            Reclaim(self.runtime, self.image_collector, workers, self.pod_settings),
            workers=workers,
            recorder=self.recorder,
            node=agent.own_node,
            clock=self.clock,
            count=lambda signal: agent.kubelet_metrics.evictions.labels(signal).inc(),
        )

    async def _run_pods(self, pods: PodAgent) -> None:
        """Run pods, as soon as it was asked once what the runtime can do: some of them depend on it."""
        try:
            self._runtime_status = await self.runtime.status()
        except RuntimeFailure as failure:
            log.warning("the container runtime does not answer yet: %s", failure)
        await pods.run()

    def pod_settings(self) -> PodSettings:
        """What all pods have in common; made anew only when something of it has changed, for workers ask often."""
        path, runtime = resolv_conf_of(), self._runtime_status
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if (changed, runtime) != self._settings_of[:2]:
            self._settings_of = (changed, runtime, self._pod_settings(path.read_text() if changed else ""))
        return self._settings_of[2]

    def _pod_settings(self, resolv_conf: str) -> PodSettings:
        config, node_resolver = self.agent.config, parse_resolv_conf(resolv_conf)
        return PodSettings(
            name=self.settings.name,
            dns=ClusterDns(tuple(config.dns_addresses), config.cluster_domain, node_resolver),
            cgroup_driver=CgroupDriver(config.cgroup_driver),
            memory_capacity=self.machine.memory,
            kubelet_root=self.kubelet_root,
            host_ips=self.settings.addresses,
            runtime=self._runtime_status,
            hardening=Hardening(
                masked_paths=(*MASKED_PATHS, *self._thermal_paths),
                strict_groups=bool(self._runtime_status.strict_groups),
            ),
        )

    # The node's API

    def _server(self, pods: PodAgent) -> Coroutine[Any, Any, None]:
        agent, config = self.agent, self.agent.config
        driver = CgroupDriver(config.cgroup_driver)
        usage = UsageReader(
            self.settings.name,
            self.kubelet_root,
            self.runtime,
            self.clock,
            places=lambda: {
                worker.pod.metadata.uid: _place(worker.pod, self.pod_settings()) for worker in pods.workers()
            },
            container_cgroup=lambda pod_cgroup, container: container_cgroup(pod_cgroup, container, driver),
            images=self.images,
            identity=Identity(self.machine.machine_id, self.machine.system_uuid, self.machine.boot_id),
        )
        pages = node_pages(
            agent.registry,
            agent.kubelet_metrics,
            usage,
            FileReader(self.images, self.clock),
            self.probe_counts,
            pods,
            agent.certificates,
            config,
            self.clock,
        )
        server = NodeServer(
            node_name=self.settings.name,
            pods=pods,
            runtime=self.runtime,
            guard=agent.guard,
            settings=self.pod_settings(),
            inotify=self.inotify,
            clock=self.clock,
            pages={**pages, **node_health_pages(self._checks)},
        )
        return server.run(config.bind_address, config.port, agent.certificates.tls)


def _place(pod: Pod, node: PodSettings) -> PodPlace:
    path = cgroup_path(pod.metadata.uid, qos_class(pod), node.cgroup_driver)
    logs = names.log_directory(pod, node.logs)
    volumes = volumes_of(pod, node.kubelet_root)
    return PodPlace(path, own_network=not pod.spec.host_network, logs=logs, volumes=volumes)


def runtime_problems(conditions: Sequence[Condition], overlay_problem: str) -> tuple[str, ...]:
    """Say what keeps pods from starting; what our own network lacks says more than the runtime, which misses a file."""
    missing = {one.type: one.message for one in conditions if not one.status}
    problems = [f"container runtime: {missing['RuntimeReady']}"] if "RuntimeReady" in missing else []
    network = overlay_problem or missing.get("NetworkReady", "")
    if overlay_problem or "NetworkReady" in missing:
        problems.append(f"container runtime network not ready: {network}")
    return tuple(problems)
