"""Owns the workers: one for each pod that belongs here, until nothing of the pod is left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Node, Pod, Service
from controlplane.client.client import Client
from controlplane.client.informer import Informer
from controlplane.client.keys import Key, key_of
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import finish_within, happens_within
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.cri.events import Exited, OutOfMemory, Reconnected, RuntimeEvents
from nodeagent.cri.images import Images
from nodeagent.cri.runtime import Runtime
from nodeagent.kernel import cgroup
from nodeagent.kernel.inotify import Inotify
from nodeagent.kernel.thread import KernelThread, KeyedThreads
from nodeagent.pods import names, orphans, preemption, sysctls
from nodeagent.pods.admission import Admission, Refusal, admit
from nodeagent.pods.cgroups import CgroupDriver, cgroup_path
from nodeagent.pods.eviction.refusal import refuse
from nodeagent.pods.hooks import Hooks
from nodeagent.pods.http_source import Headers, HttpPods
from nodeagent.pods.launch import Launcher
from nodeagent.pods.log_rotation import LogRotation
from nodeagent.pods.mirror import Mirrors
from nodeagent.pods.plan import grace_of
from nodeagent.pods.puller import ImagePuller
from nodeagent.pods.relist import Picture, changed, take_picture
from nodeagent.pods.resources import qos_class
from nodeagent.pods.runtime_class import RuntimeClasses
from nodeagent.pods.sandbox import NodeSettings
from nodeagent.pods.state import Source, Termination
from nodeagent.pods.static import StaticPods
from nodeagent.pods.tools import NoStopwatch, Recorder, Stopwatch, Tools
from nodeagent.pods.worker import PodWorker
from nodeagent.pods.writer import StatusWriter
from nodeagent.probes.check import Checker
from nodeagent.probes.counts import ProbeCounts
from nodeagent.probes.manager import ProbeManager
from nodeagent.volumes.claims import Claims
from nodeagent.volumes.csi.drivers import Drivers
from nodeagent.volumes.csi.node_object import NodeObject
from nodeagent.volumes.csi.prepare import Preparer
from nodeagent.volumes.manager import Volumes
from nodeagent.volumes.objects import Objects
from nodeagent.volumes.tokens import Tokens

_log = logging.getLogger(__name__)

_RELIST_SECONDS = 20.0
_ORPHANS_EVERY = 6  # relists
_RESTART_SECONDS = 5.0
_TERMINAL = ("Succeeded", "Failed")


@dataclass(frozen=True)
class PodAgentConfig:
    """Settings; `slots` is how many sandboxes, and how many containers, are started at once.

    Static pods come from `manifests`, a directory or a file, and from `manifest_url` if there is one.
    """

    node_name: str
    manifests: Path = Path("/etc/sampan/manifests")
    kubelet_root: Path = Path("/var/lib/kubelet")
    parallel_pulls: int = 4
    slots: int = 4
    log_max_bytes: int = 10 * 2**20  # negative: logs are never rotated
    log_max_files: int = 5
    allowed_sysctls: tuple[str, ...] = ()  # names and prefixes beyond those that are safe
    manifest_url: str = ""
    manifest_headers: Headers = ()


class PodAgent:
    """Everything about pods on this node. Build it, run it; the server asks it questions."""

    def __init__(
        self,
        config: PodAgentConfig,
        *,
        client: Client,
        clock: Clock,
        runtime: Runtime,
        images: Images,
        events: RuntimeEvents,
        pods: Informer[Pod],  # of this node: fields="spec.nodeName=NAME"
        services: Informer[Service],
        recorder: Recorder,
        settings: Callable[[], NodeSettings],
        node: Callable[[], Node | None],  # this node's own object, once it is registered
        inotify: Inotify,
        thread: KernelThread,  # for the files of logs
        volume_threads: KeyedThreads | None = None,
        stopwatch: Stopwatch | None = None,
        probe_counts: ProbeCounts | None = None,
        pressures: Callable[[], Collection[str]] = tuple,  # what the node is short of, as conditions
    ):
        self._config, self._client, self._clock = config, client, clock
        self._runtime, self._events, self._informer, self._services = runtime, events, pods, services
        self._recorder, self._settings, self._node, self._stopwatch = (
            recorder,
            settings,
            node,
            stopwatch or NoStopwatch(),
        )
        self._pressures, self.probe_counts = pressures, probe_counts or ProbeCounts()
        self._objects, self._tokens = Objects(client, clock), Tokens(client, clock)
        self._checker = Checker(runtime, clock)
        self.csi_drivers = Drivers(NodeObject(client, config.node_name))
        self._volumes = Volumes(
            config.kubelet_root,
            self._objects,
            self._tokens,
            Claims(client, self._node_labels),
            Preparer(client),
            self.csi_drivers,
            volume_threads or KeyedThreads(clock),
            clock,
            self._allocatable,
        )
        self._leaving: set[str] = set()  # UIDs of pods nobody knows whose directories are being removed
        self._static = StaticPods(config.manifests, config.node_name, clock, inotify, self._static_changed)
        self._http = (
            HttpPods(config.manifest_url, config.manifest_headers, config.node_name, clock, self._static_changed)
            if config.manifest_url
            else None
        )
        self._mirrors = Mirrors(client, clock, pods.lister, self._is_judged_mirror, self._static_pods, node)
        self._rotation = LogRotation(
            runtime, clock, thread, self._logs, max_bytes=config.log_max_bytes, max_files=config.log_max_files
        )
        self._tools = self._make_tools(images)
        self._workers: dict[str, PodWorker] = {}  # by pod UID
        self._tasks: asyncio.TaskGroup | None = None
        self._relist_now = asyncio.Event()
        self._picture: Picture = {}
        self._following_api = False
        self._closed: Refusal | None = None

    def _make_tools(self, images: Images) -> Tools:
        config, clock = self._config, self._clock
        puller = ImagePuller(images, clock, parallel=config.parallel_pulls)
        return Tools(
            client=self._client,
            clock=clock,
            runtime=self._runtime,
            runtime_classes=RuntimeClasses(self._client),
            launcher=Launcher(self._runtime, puller, self._volumes, self._services.lister.list, self._allocatable),
            puller=puller,
            volumes=self._volumes,
            probes=ProbeManager(self._checker, clock),
            probe_counts=self.probe_counts,
            hooks=Hooks(self._runtime, clock),
            recorder=self._recorder,
            writer=StatusWriter(self._client, clock, self._in_api),
            node=self._settings,
            remove_cgroup=self._remove_cgroup,
            sandbox_slots=asyncio.Semaphore(config.slots),
            start_slots=asyncio.Semaphore(config.slots),
            stopwatch=self._stopwatch,
        )

    # What the server and metrics ask

    def workers(self) -> Sequence[PodWorker]:
        return list(self._workers.values())

    def find(self, namespace: str, name: str, uid: str = "") -> PodWorker | None:
        """Return the worker of a pod; of several of one name, the one that is not ending. A mirror's UID is fine."""
        found = [one for one in self._workers.values() if _is_named(one.pod, namespace, name)]
        exact = [one for one in found if one.pod.metadata.uid == uid]
        candidates = exact or found
        return min(candidates, key=lambda one: one.termination is not None, default=None)

    # Running

    async def run(self) -> None:
        """Work until cancelled. Containers keep running: the next agent adopts them."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for component in (self._objects, self._tools.probes, self._tools.writer):
                    self._tasks.create_task(component.run())
                await asyncio.sleep(0)  # let them make their task groups
                self._tasks.create_task(self._static.run())
                if self._http is not None:
                    self._tasks.create_task(self._http.run())
                self._tasks.create_task(self._follow_api())
                self._tasks.create_task(self._follow_runtime())
                self._tasks.create_task(self._relist())
                self._tasks.create_task(self._rotation.run())
        finally:
            await self._checker.close()

    def take_no_more(self, reason: str, message: str) -> None:
        """Refuse every new pod from now on."""
        self._closed = Refusal(reason, message)

    def take_again(self) -> None:
        """Take new pods again."""
        self._closed = None

    async def shut_down(self, seconds: float, *, below: int | None = None) -> None:
        """End every pod, or those below a priority, because the node goes down; return when they have, or in time."""
        message = "Pod was terminated in response to imminent node shutdown."
        chosen = [one for one in self.workers() if below is None or (one.pod.spec.priority or 0) < below]
        for worker in chosen:
            grace = min(grace_of(worker.pod), seconds)
            worker.terminate(Termination(grace, False, "Terminated", message))
        deadline = self._clock.monotonic() + seconds
        while self._clock.monotonic() < deadline and any(one.runtime.running for one in chosen):
            await self._clock.sleep(0.1)
        left = max(0.0, deadline - self._clock.monotonic())
        try:  # who watches is to learn of it from us: the node will say nothing for a while
            await finish_within(self._all_settled(chosen), left, self._clock)
        except TimeoutError:
            _log.warning("not every pod's end could be told before the node goes down")

    async def _all_settled(self, workers: Sequence[PodWorker]) -> None:
        for worker in workers:
            await self._tools.writer.settled(worker.pod.metadata.uid)

    # Pods that come and go

    async def _follow_api(self) -> None:
        await self._informer.synced()
        await self._services.synced()
        self._following_api = True
        self._informer.on_change(self._pod_changed)
        self._relist_now.set()  # only now is it known which sandboxes are nobody's
        await self._mirrors.run()

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        assert pod is not None
        if self._is_mirror(pod):
            self._mirror_changed(old, new)
        elif new is None:
            self._pod_gone(pod)
        else:
            self._pod_assigned(new)

    def _pod_gone(self, pod: Pod) -> None:
        worker = self._workers.get(pod.metadata.uid)
        if worker is not None:
            # Gone before we let it go: its deletion was forced, and nobody waits for a graceful end.
            forced = pod.metadata.deletion_timestamp is not None or pod.metadata.deletion_grace_period_seconds == 0
            worker.gone_from_api()
            worker.terminate(Termination(0.0 if forced else grace_of(pod)))

    def _pod_assigned(self, pod: Pod) -> None:
        pod = names.of_api(pod)
        worker = self._workers.get(pod.metadata.uid)
        if worker is None:
            worker = self._take(pod)
        else:
            worker.update(pod)
        if pod.metadata.deletion_timestamp is not None:
            worker.terminate(Termination(float(pod.metadata.deletion_grace_period_seconds or 0)))

    def _take(self, pod: Pod, source: Source = Source.API) -> PodWorker:
        admission, node = Admission(), self._node()
        fresh = pod.status.start_time is None and pod.status.phase not in _TERMINAL
        if fresh and source is not Source.ORPHAN:
            refusal = self._closed or sysctls.refusal(pod, self._config.allowed_sysctls)
            refusal = refusal or refuse(pod, self._pressures())
            if refusal is not None or node is None:
                admission = Admission(refusal)
            else:
                admission = admit(pod, node, self._active_pods())
        worker = self._workers[pod.metadata.uid] = PodWorker(pod, self._tools, source)
        if refusal := admission.refusal:
            self._recorder.event(pod, "Warning", refusal.reason, refusal.message.removeprefix("Pod was rejected: "))
            worker.terminate(Termination(0.0, False, refusal.reason, refusal.message))
        for victim in admission.victims:
            self._recorder.event(victim, "Warning", preemption.REASON, preemption.MESSAGE)
            ended = Termination(grace_of(victim), False, preemption.REASON, preemption.MESSAGE)
            self._workers[victim.metadata.uid].terminate(ended)
        assert self._tasks is not None
        self._tasks.create_task(self._run_worker(worker))
        return worker

    def _active_pods(self) -> list[Pod]:
        """Return the pods that have a place here; what those have that end for a critical pod is that pod's already."""
        return [
            one.pod
            for one in self._workers.values()
            if one.status.phase not in _TERMINAL
            and not (one.termination and one.termination.reason == preemption.REASON)
        ]

    async def _run_worker(self, worker: PodWorker) -> None:
        uid = worker.pod.metadata.uid
        try:
            await worker.run()
        except Exception:
            # One pod that cannot be handled must not take the others down; it is tried again from scratch.
            _log.exception("pod %s: its worker failed", names.described(worker.pod))
            await self._clock.sleep(_RESTART_SECONDS)
            self._tools.writer.forget(uid)
            del self._workers[uid]
            self._take(worker.pod, worker.source)
            if worker.termination is not None:
                self._workers[uid].terminate(worker.termination)
            return
        self._tools.writer.forget(uid)
        del self._workers[uid]
        self._static_changed()  # a newer version may have waited for the name

    # Static pods

    def _static_pods(self) -> Mapping[str, Pod]:
        """Return them by UID; of several of one name the first counts, and files come first."""
        chosen: dict[Key, Pod] = {}
        for pod in [*self._static.pods.values(), *(self._http.pods.values() if self._http else ())]:
            chosen.setdefault(key_of(pod), pod)
        return {pod.metadata.uid: pod for pod in chosen.values()}

    def _static_changed(self) -> None:
        wanted = self._static_pods()
        for worker in self.workers():
            if worker.source is Source.STATIC and worker.pod.metadata.uid not in wanted:
                worker.terminate(Termination(grace_of(worker.pod)))
        for uid, pod in wanted.items():
            # The older version has to be gone first: both want the same ports and the same name.
            if uid not in self._workers and self.find(pod.metadata.namespace, pod.metadata.name) is None:
                self._take(pod, Source.STATIC)
        self._mirrors.wake()

    def _mirror_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is not None and (old is None or old.metadata.uid != new.metadata.uid):
            digest = new.metadata.annotations[names.CONFIG_MIRROR]
            for uid, pod in self._static_pods().items():
                if pod.metadata.annotations[names.CONFIG_HASH] == digest:
                    self._tools.writer.again(uid)
        self._mirrors.wake()

    def _is_mirror(self, pod: Pod) -> bool:
        """Whether the API's pod is a copy; one that was taken as a pod stays one, whatever it calls itself later."""
        return names.is_mirror(pod) and pod.metadata.uid not in self._workers

    def _is_judged_mirror(self, pod: Pod) -> bool:
        """Whether it can be said of a mirror whether its static pod is there."""
        unknown = pod.metadata.annotations.get(names.CONFIG_SOURCE) == "http" and not self._http_answered
        return self._is_mirror(pod) and not unknown

    @property
    def _http_answered(self) -> bool:
        return self._http is None or self._http.answered

    @property
    def _knows_its_pods(self) -> bool:
        """Whether every source has been heard, so that what else runs here is nobody's."""
        return self._following_api and self._http_answered

    def _in_api(self, pod: Pod) -> Pod | None:
        worker = self._workers.get(pod.metadata.uid)
        return self._mirrors.find(pod) if worker is not None and worker.source is Source.STATIC else pod

    # The runtime

    async def _follow_runtime(self) -> None:
        async with aclosing(self._events.follow()) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, Reconnected):
                    self._relist_now.set()
                elif isinstance(event, Exited):
                    self._exited(event.container_id)
                elif isinstance(event, OutOfMemory):
                    self._ran_out_of_memory(event.container_id)

    def _exited(self, container_id: str) -> None:
        for worker in self._workers.values():
            if container_id in worker.runtime.ids:
                worker.refresh(exited=container_id)
                return
        # It ended before we had seen it start: it may be anybody's who is about to see what it has started.
        for worker in self._workers.values():
            if worker.is_about_to_look:
                worker.refresh(exited=container_id)
        self._relist_now.set()

    def _ran_out_of_memory(self, container_id: str) -> None:
        for worker in self._workers.values():
            if container_id in worker.runtime.ids or worker.is_about_to_look:
                worker.ran_out_of_memory(container_id)

    async def _relist(self) -> None:
        count, failing = 0, False
        while True:
            self._relist_now.clear()
            started = self._clock.monotonic()
            try:
                await self._look_at_everything()
                if self._knows_its_pods and count % _ORPHANS_EVERY == 0:
                    await self._remove_leftovers()
                count += 1 if self._knows_its_pods else 0
                if failing:
                    _log.info("the container runtime answers again")
                failing = False
            except (RuntimeFailure, OSError) as error:
                if not failing:
                    _log.warning("cannot look at the container runtime, trying on: %s", error)
                failing = True
            self._stopwatch.relisted(self._clock.monotonic() - started)
            await happens_within(self._relist_now, _RELIST_SECONDS, self._clock)

    async def _look_at_everything(self) -> None:
        picture, found = await take_picture(self._runtime)
        for uid in changed(self._picture, picture):
            worker = self._workers.get(uid)
            if worker is not None:
                worker.refresh()
            elif uid in found and self._knows_its_pods:
                _log.info("pod %s is not ours any more, ending it", uid)
                orphan = self._take(orphans.stand_in(found[uid]), Source.ORPHAN)
                orphan.terminate(Termination(orphans.grace_of(found[uid])))
        if self._knows_its_pods:
            self._picture = picture

    async def _remove_leftovers(self) -> None:
        known = set(self._workers)
        for uid in self._volumes.pods_on_disk():
            if uid not in known | self._leaving:
                assert self._tasks is not None
                self._leaving.add(uid)
                self._tasks.create_task(self._remove_directory(uid))
        settings = self._settings()
        orphans.remove_logs(settings.logs, settings.log_links, known)
        if settings.cgroup_driver is CgroupDriver.CGROUPFS:
            for path in orphans.unknown_cgroups(cgroup.children, known):
                cgroup.remove(path)

    async def _remove_directory(self, uid: str) -> None:
        """Remove the directory of a pod that nobody knows; a volume that hangs must not stop the relist."""
        try:
            await self._volumes.tear_down(uid)
        except OSError as error:
            _log.warning("the directory of pod %s, which is nobody's, stays for now: %s", uid, error)
        finally:
            self._leaving.discard(uid)

    def _logs(self) -> Iterator[tuple[str, Path]]:
        root = self._settings().logs
        for worker in self._workers.values():
            directory = names.log_directory(worker.pod, root)
            for run in worker.runtime.running:
                yield run.id, directory / names.log_path(run.name, run.attempt)

    def _remove_cgroup(self, pod: Pod) -> None:
        cgroup.remove(cgroup_path(pod.metadata.uid, qos_class(pod), self._settings().cgroup_driver))

    def _node_labels(self) -> Mapping[str, str]:
        node = self._node()
        return node.metadata.labels if node is not None else {}

    def _allocatable(self) -> Mapping[str, Quantity]:
        node = self._node()
        return node.status.allocatable if node is not None else {}


def _is_named(pod: Pod, namespace: str, name: str) -> bool:
    return pod.metadata.namespace == namespace and pod.metadata.name == name
