"""Makes one pod be what its spec says, in a loop: observe, plan, act, publish.

       update(pod) · terminate(why) · runtime event · probe verdict · operation finished · time passed
                                          │ wake
                                          ▼
       observe the runtime ──► plan() ──► begin operations ──► render status ──► writer
                                            (sandbox, start, kill, …; never two on one container)

The loop itself never waits for a container: what takes time is an operation, and its end wakes the loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, PodStatus
from controlplane.kit.backoff import Backoff
from controlplane.kit.timestamps import parse_time
from controlplane.kit.waiting import happens_within
from nodeagent.cri.errors import RuntimeFailure, Unavailable
from nodeagent.pods import names, plan, restart
from nodeagent.pods.conditions import OWNED
from nodeagent.pods.describe import last_exit
from nodeagent.pods.ending import Ender
from nodeagent.pods.files import PodFiles
from nodeagent.pods.launch import Launch
from nodeagent.pods.memory import Memory
from nodeagent.pods.observe import Observer
from nodeagent.pods.operations import Kind, Operations
from nodeagent.pods.starting import PodVolumes, Starter
from nodeagent.pods.state import PodRuntime, Situation, Source, Termination, Trouble, Waiting, ended, is_started, moment
from nodeagent.pods.status import pod_ips, render_status
from nodeagent.pods.tools import Tools, spec_of, teller
from nodeagent.probes.verdict import Kind as ProbeKind
from nodeagent.probes.verdict import Result

_log = logging.getLogger(__name__)

_OBSERVE_RETRY = Backoff(first=0.5, cap=10.0)
_LAG, _MAX_LAGS = 0.05, 100  # seconds between looks while the runtime catches up with an event it sent; how many
_REST = 300.0  # seconds after which a pod is looked at again although nothing happened
_TERMINAL = ("Succeeded", "Failed")


class PodWorker:
    """One pod on this node, from the moment it was assigned until nothing of it is left."""

    def __init__(self, pod: Pod, tools: Tools, source: Source = Source.API):
        self._tools, self._pod = tools, pod
        self.source = source
        self._status: PodStatus = pod.status
        self._in_api, self._silent = source is Source.API, source is Source.ORPHAN
        self._observer = Observer(tools.runtime, pod.metadata.uid)
        self._memory = Memory.of(pod)
        self._volumes = PodVolumes(tools, self.objects_changed)
        self._starter, self._ender = Starter(tools, self._memory, self.refresh), Ender(tools, self._memory)
        self._operations: Operations | None = None
        self._wake = asyncio.Event()
        self._stale, self._observing, self._lags, self._failures = True, False, 0, 0
        self._runtime = PodRuntime()
        self._started_at = parse_time(pod.status.start_time) if pod.status.start_time else tools.clock.now()
        # When this node first saw the pod; None once it has run, or if an earlier agent saw it first.
        self._seen_at = None if pod.status.start_time else tools.clock.monotonic()
        self._termination: Termination | None = None
        self._ending_since: float | None = None  # monotonic: a clock that is set must cut nobody's grace short
        self._volumes_gone, self._nothing_left = False, False

    @property
    def pod(self) -> Pod:
        """The pod as its source has it."""
        return self._pod

    @property
    def status(self) -> PodStatus:
        """The status as rendered last."""
        return self._status

    @property
    def runtime(self) -> PodRuntime:
        """What was observed last."""
        return self._runtime

    @property
    def termination(self) -> Termination | None:
        return self._termination

    @property
    def mounted(self) -> bool:
        """Whether its volumes are there."""
        return self._volumes.mounted is not None

    @property
    def is_about_to_look(self) -> bool:
        """Whether something of the pod may have been started that was not observed yet."""
        return self._stale or self._observing or bool(self._operations and self._operations.busy)

    # What happens to the pod

    def update(self, pod: Pod) -> None:
        """Take a newer version of the pod."""
        before, self._pod = self._pod, pod
        if before.spec != pod.spec or _described(before) != _described(pod):
            self._volumes.invalidate()
        self._tools.writer.seen(pod)
        self._wake.set()

    def terminate(self, why: Termination) -> None:
        """End the pod; said again, it may only end sooner, or be deleted as well."""
        before = self._termination
        if before is not None:
            left = self._grace_left(before)
            if before.deleted >= why.deleted and left <= why.grace:
                return
            deleted = before.deleted or why.deleted
            why = dataclasses.replace(before, grace=min(left, why.grace), deleted=deleted)
            self._ending_since = None  # what is left counts from now on
        self._termination = why
        if self._operations is not None:
            self._operations.cancel(Kind.SANDBOX, Kind.START, Kind.KILL, Kind.VOLUMES)
        self._wake.set()

    def _grace_left(self, termination: Termination) -> float:
        return max(0.0, termination.grace - self._ending_for())

    def _ending_for(self) -> float:
        return 0.0 if self._ending_since is None else self._tools.clock.monotonic() - self._ending_since

    def gone_from_api(self) -> None:
        """The API has forgotten the pod: nothing is to be written or deleted there any more."""
        self._in_api, self._silent = False, True
        self._tools.writer.forget(self._pod.metadata.uid)
        self._wake.set()

    def refresh(self, exited: str = "") -> None:
        """Observe the runtime again; `exited` is a container or sandbox known to have ended."""
        if exited:
            self._memory.exit_seen.add(exited)
        self._stale = True
        self._wake.set()

    def ran_out_of_memory(self, container_id: str) -> None:
        """The runtime says that the kernel killed something in the container for want of memory."""
        self._memory.out_of_memory.add(container_id)
        self._stale = True
        self._wake.set()

    def objects_changed(self) -> None:
        """A config map or secret that the pod uses has changed."""
        self._volumes.invalidate()
        self._memory.forgive_configuration()
        self._wake.set()

    def probed(self, container: Container, kind: ProbeKind, success: bool, seconds: float) -> None:
        meta, result = self._pod.metadata, "successful" if success else "failed"
        self._tools.probe_counts.count(kind.value, result, container.name, meta.name, meta.namespace, meta.uid, seconds)

    def probe_failed(self, container: Container, kind: ProbeKind, output: str) -> None:
        tell = teller(self._tools.recorder, self._pod, container)
        tell("Warning", "Unhealthy", f"{kind.value} probe failed: {output}")

    def probe_verdict(self, container: Container, container_id: str, kind: ProbeKind, result: Result) -> None:
        self._memory.judge(container, container_id, kind, result)
        self._wake.set()

    # The loop

    async def run(self) -> None:
        """Work until nothing of the pod is left."""
        try:
            async with asyncio.TaskGroup() as tasks:
                name, clock = names.described(self._pod), self._tools.clock
                self._operations = Operations(name, tasks, clock, self.refresh, self._operation_failed)
                while not (self._nothing_left and not self._in_api):
                    self._wake.clear()
                    began = self._tools.clock.monotonic()
                    seconds = await self._step(self._operations)
                    self._tools.stopwatch.synced(self._tools.clock.monotonic() - began)
                    await happens_within(self._wake, seconds, self._tools.clock)
        finally:
            for run in self._runtime.containers:
                self._tools.probes.stop(run.id)

    async def _step(self, operations: Operations) -> float:
        """Reconcile once; return the seconds after which to do it again at the latest."""
        if self._stale:
            self._stale, self._observing = False, True
            try:
                self._runtime = self._memory.informed(await self._observer.observe())
            except RuntimeFailure as error:
                return self._unobserved(error)
            finally:
                self._observing = False
        self._failures = 0
        if self._memory.lags(self._runtime) and self._lags < _MAX_LAGS:
            self._stale, self._lags = True, self._lags + 1
            return _LAG
        self._lags = 0
        self._note_ends()
        return self._decide(operations)

    def _unobserved(self, error: RuntimeFailure) -> float:
        if self._failures == 0:
            _log.warning("pod %s: the runtime does not answer: %s", names.described(self._pod), error)
        self._stale, self._failures = True, self._failures + 1
        return _OBSERVE_RETRY.delay(self._failures - 1)

    def _note_ends(self) -> None:
        files = PodFiles(self._pod, self._tools.node())
        for run in self._runtime.containers:
            if ended(run) and run.id not in self._memory.messages:
                self._memory.messages[run.id] = files.termination_message(spec_of(self._pod, run.name), run)
                self._tools.probes.stop(run.id)
        self._memory.prune(self._runtime.containers)

    def _decide(self, operations: Operations) -> float:
        situation = self._situation()
        decided = plan.plan(situation)
        self._note_ending(situation)
        for action in decided.actions:
            self._act(operations, action, situation)
        if self._wants_volumes(situation) and self._volumes.due():
            operations.begin("volumes", Kind.VOLUMES, lambda: self._volumes.set_up(self._pod))
        self._announce_back_offs(decided.waiting)
        self._follow_probes(situation)
        self._publish(decided)
        if decided.over:
            self._finish(operations, decided)
        return self._seconds_until(decided.again_at, operations.retry_at(), self._volumes_at(situation))

    def _note_ending(self, situation: Situation) -> None:
        """Remember when the grace period began: all that still runs has to end within the one."""
        if self._termination is None and not plan.is_finished(situation):
            self._ending_since = None
        elif self._ending_since is None:
            self._ending_since = self._tools.clock.monotonic()

    def _seconds_until(self, *moments: datetime | None) -> float:
        known = [one for one in moments if one is not None]
        if not known:
            return _REST
        return min(_REST, max(0.0, (min(known) - self._tools.clock.now()).total_seconds()))

    def _situation(self) -> Situation:
        memory = self._memory
        return Situation(
            pod=replace(self._pod, status=self._believed_status()),
            now=self._tools.clock.now(),
            runtime=self._runtime,
            termination=self._termination,
            ending_for=self._ending_for(),
            started_at=self._started_at,
            crashes=memory.crashes,
            troubles=memory.troubles,
            busy=self._operations.busy if self._operations else frozenset(),
            unhealthy=memory.unhealthy,
            startup_passed=frozenset(memory.startup_passed),
            ready=frozenset(memory.ready),
            hooks_running=frozenset(memory.hooks_running),
            pre_stopped=frozenset(memory.pre_stopped),
            messages=memory.messages,
            host_ips=self._tools.node().host_ips,
        )

    def _believed_status(self) -> PodStatus:
        """Return our own view of the status with what others have added to it: the cache lags behind what we wrote."""
        theirs = self._pod.status
        own = [one for one in self._status.conditions if one.type in OWNED]
        foreign = [one for one in theirs.conditions if one.type not in OWNED]
        status = replace(self._status, conditions=own + foreign)
        if theirs.phase in _TERMINAL and self._in_api:
            return replace(status, phase=theirs.phase, reason=theirs.reason, message=theirs.message)
        return status

    def _publish(self, decided: plan.Plan) -> None:
        before = self._situation()
        if self._silent or before.pod.status.phase in _TERMINAL:
            return  # the end is final: what was written then knew more than we do now
        waiting = {name: one.waiting for name, one in self._memory.troubles.items() if name} | dict(decided.waiting)
        over = decided.over or (self._termination is not None and not self._runtime.running)
        self._status = render_status(before, waiting, over=over)
        self._tools.writer.put(self._pod, self._status)
        if self._seen_at is not None and self._status.phase == "Running":
            self._tools.stopwatch.started(self._tools.clock.monotonic() - self._seen_at)
            self._seen_at = None

    # Acting

    def _act(self, operations: Operations, action: plan.Action, situation: Situation) -> None:
        match action:
            case plan.CreateSandbox():
                operations.begin("", Kind.SANDBOX, lambda: self._starter.create_sandbox(self._pod, action))
            case plan.StartContainer():
                self._start(operations, action, situation)
            case plan.KillContainer():
                ip = next(iter(pod_ips(situation)), "")
                operations.begin(action.name, Kind.KILL, lambda: self._ender.kill(self._pod, action, ip))
            case plan.PreStop():
                ip = next(iter(pod_ips(situation)), "")
                operations.begin(action.name, Kind.KILL, lambda: self._pre_stop(action, ip))
            case plan.StopSandbox(id_):
                operations.begin(id_, Kind.STOP, lambda: self._tools.runtime.stop_sandbox(id_))
            case plan.RemoveSandbox(id_):
                operations.begin(id_, Kind.REMOVE, lambda: self._tools.runtime.remove_sandbox(id_))
            case plan.RemoveContainer(id_):
                runtime = self._runtime
                operations.begin(id_, Kind.REMOVE, lambda: self._ender.remove_container(self._pod, runtime, id_))
            case plan.EndPod(termination):
                teller(self._tools.recorder, self._pod)("Normal", termination.reason, termination.message)
                self.terminate(replace_grace(termination, plan.grace_of(self._pod)))

    def _operation_failed(self, key: str, kind: Kind, error: Exception, retry_at: datetime) -> None:
        """Have the pod say what went wrong unforeseen: a full disk, or a mistake of ours."""
        if isinstance(error, Unavailable) or kind not in (Kind.START, Kind.SANDBOX):
            return  # a runtime that is away is the node's trouble, and heals without the pod
        if kind is Kind.START:
            self._memory.troubles[key] = Trouble(Waiting("CreateContainerError", str(error)), retry_at)
            teller(self._tools.recorder, self._pod, spec_of(self._pod, key))("Warning", "Failed", f"Error: {error}")
        else:
            self._memory.troubles[""] = Trouble(Waiting("ContainerCreating"), retry_at)
            tell = teller(self._tools.recorder, self._pod)
            tell("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")

    async def _pre_stop(self, action: plan.PreStop, pod_ip: str) -> None:
        await self._ender.pre_stop(self._pod, action, pod_ip)

    def _start(self, operations: Operations, action: plan.StartContainer, situation: Situation) -> None:
        container, sandbox = spec_of(self._pod, action.name), self._runtime.ready_sandbox
        mounted = self._volumes.mounted
        if container is None or sandbox is None or mounted is None:
            return  # the volumes are not made yet; the end of that wakes us again
        self._count_crash(action.name, situation)
        launch = Launch(
            pod=self._pod,
            container=container,
            attempt=action.attempt,
            sandbox=sandbox,
            mounted=mounted,
            node=self._tools.node(),
            pod_ips=tuple(pod_ips(situation)),
            target_id=self._target(container),
        )
        operations.begin(action.name, Kind.START, lambda: self._starter.launch(launch))

    def _count_crash(self, name: str, situation: Situation) -> None:
        memory, previous = self._memory, self._runtime.last(name)
        if previous is None or not ended(previous) or memory.counted.get(name) == previous.id:
            return
        memory.counted[name] = previous.id
        ended_at = moment(previous.finished_at)
        memory.crashes[name] = restart.restarted(memory.crashes.get(name), ended_at, situation.now)

    def _target(self, container: Container | EphemeralContainer) -> str:
        if not isinstance(container, EphemeralContainer) or not container.target_container_name:
            return ""
        target = self._runtime.current(container.target_container_name)
        return target.id if target else ""

    def _announce_back_offs(self, waiting: Mapping[str, Waiting]) -> None:
        for name in waiting:
            last = self._runtime.last(name)
            if last is None or last.id in self._memory.backed_off:
                continue
            self._memory.backed_off.add(last.id)
            words = f"Back-off restarting failed container {name} in pod {names.described(self._pod)}"
            tell = teller(self._tools.recorder, self._pod, spec_of(self._pod, name))
            log = PodFiles(self._pod, self._tools.node()).last_lines(last)
            tell("Warning", "BackOff", f"{words}; {last_exit(last, log)}")

    def _follow_probes(self, situation: Situation) -> None:
        if self._termination is not None:
            for ending in self._runtime.running:
                self._tools.probes.only_readiness(ending.id)
            return
        ip = next(iter(pod_ips(situation)), "")
        for container in [*self._pod.spec.init_containers, *self._pod.spec.containers]:
            run = self._runtime.current(container.name)
            if run is None or not run.running or run.id in self._memory.hooks_running | self._memory.unhealthy.keys():
                continue
            age = (situation.now - moment(run.started_at)).total_seconds()
            started = is_started(situation, container, run)
            self._tools.probes.start(container, run.id, ip, self, started=started, age=age)

    # Volumes and the end

    def _wants_volumes(self, situation: Situation) -> bool:
        return self._termination is None and not plan.is_finished(situation)

    def _volumes_at(self, situation: Situation) -> datetime | None:
        return self._volumes.next_at() if self._wants_volumes(situation) else None

    def _finish(self, operations: Operations, decided: plan.Plan) -> None:
        forget = self._termination is not None and self._termination.deleted
        if forget and self._in_api:
            operations.begin("delete", Kind.DELETE, self._delete)
        if decided.actions or operations.runs(Kind.STOP):
            return  # the network is taken down first
        if not self._nothing_left and (forget or not self._volumes_gone):
            operations.begin("clean", Kind.CLEAN, lambda: self._clean(forget=forget))

    async def _delete(self) -> None:
        await self._ender.delete_from_api(self._pod)
        self.gone_from_api()

    async def _clean(self, *, forget: bool) -> None:
        await self._ender.clean(self._pod, self._runtime, forget=forget)
        self._volumes.mounted = None
        self._volumes_gone, self._nothing_left = True, forget


def replace_grace(termination: Termination, grace: float) -> Termination:
    """Return the same end with another grace period."""
    return dataclasses.replace(termination, grace=grace)


def _described(pod: Pod) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What downward API volumes show of a pod that may change."""
    return pod.metadata.labels, pod.metadata.annotations
