"""Looks every 10 s at what is left of the node, and ends pods before it runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from controlplane.api.core_v1 import Node, Pod, PodCondition
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.pods import names
from nodeagent.pods.eviction import words
from nodeagent.pods.eviction.limits import excess, has_limits
from nodeagent.pods.eviction.observe import Seen, Signals, Usage
from nodeagent.pods.eviction.rank import is_critical, rank
from nodeagent.pods.eviction.thresholds import (
    CONDITION,
    DISK_PRESSURE,
    RESOURCE,
    Memory,
    Settings,
    Signal,
    Threshold,
    decide,
    is_met,
)
from nodeagent.pods.plan import grace_of
from nodeagent.pods.state import Termination
from nodeagent.pods.tools import Recorder
from nodeagent.pods.worker import PodWorker

_log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # upstream's evictionMonitoringPeriod
_HARD_GRACE = 1.0  # seconds: upstream's immediateEvictionGracePeriodSeconds
_CLEANUP_SECONDS, _CLEANUP_LOOK = 30.0, 1.0  # upstream's podCleanupTimeout and podCleanupPollFreq
_MIN_KILL_SECONDS = 10.0  # upstream waits for half as long again as the grace period, and at least so long
_MEASURE_REST = 50  # times as long as it took: pods with a million files are not counted all the time
_TERMINAL = ("Succeeded", "Failed")


class FreesDisk(Protocol):
    """Frees what no pod needs."""

    async def free_disk(self) -> None: ...


class EvictionManager:
    """Decides for the whole node; `conditions` are those that are true now."""

    def __init__(
        self,
        settings: Settings,
        signals: Signals,
        usage: Usage,
        reclaim: FreesDisk,
        *,
        workers: Callable[[], Sequence[PodWorker]],
        recorder: Recorder,
        node: Callable[[], Node | None],
        clock: Clock,
        count: Callable[[str], None] = lambda signal: None,  # is told by which signal a pod was ended
    ):
        self._settings, self._signals, self._usage, self._reclaim = settings, signals, usage, reclaim
        self._workers, self._recorder, self._node, self._clock, self._count = workers, recorder, node, clock, count
        self._memory, self._measure_at = Memory(), 0.0
        self.conditions: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look until cancelled; at once again after a pod was ended, for that may not have been enough."""
        failing = False
        while True:
            ended: PodWorker | None = None
            try:
                ended = await self.look()
                failing = False
            except (RuntimeFailure, OSError) as error:
                if not failing:
                    _log.warning("cannot see whether the node runs short of something, trying on: %s", error)
                failing = True
            if ended is not None:
                await self._gone(ended)
            else:
                await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> PodWorker | None:
        """Look once, and return the pod that was ended. Raises RuntimeFailure, OSError."""
        seen = await self._signals.read()
        decided = decide(self._settings, seen.signals, self._memory, self._clock.monotonic())
        self._memory = decided.memory
        self._set(decided.conditions)
        greedy = await self._end_greedy(seen)
        if greedy is not None or not decided.act_on:
            return greedy
        threshold = decided.act_on[0]
        resource = RESOURCE[threshold.signal]
        _log.warning("low on %s, reclaiming: %s", resource, seen.signals[threshold.signal])
        node = self._node()
        if node is not None:
            self._recorder.event(node, "Warning", "EvictionThresholdMet", f"Attempting to reclaim {resource}")
        if _can_reclaim(threshold, seen):
            await self._reclaim.free_disk()
            seen = await self._signals.read()
            if not any(is_met(one, seen.signals, with_reclaim=True) for one in self._settings.thresholds):
                return None
        return await self._end_first(threshold, seen)

    def _set(self, conditions: frozenset[str]) -> None:
        for name in sorted(conditions - self.conditions):
            _log.warning("the node has %s", name)
        for name in sorted(self.conditions - conditions):
            _log.info("the node has no %s any more", name)
        self.conditions = conditions

    # Whom to end

    def _active(self) -> list[PodWorker]:
        """The pods that can be ended and are not already; a stand-in for an orphan has no containers."""
        return [
            one
            for one in self._workers()
            if one.pod.spec.containers
            and one.status.phase not in _TERMINAL
            and not (one.termination and one.termination.reason)
            and not is_critical(one.pod)
        ]

    async def _end_greedy(self, seen: Seen) -> PodWorker | None:
        """End the pods that use more local storage than they may; return one of them."""
        limited = [one for one in self._active() if has_limits(one.pod)]
        began = self._clock.monotonic()
        if not limited or began < self._measure_at:
            return None
        uses = await self._usage.read([one.pod for one in limited])
        self._measure_at = began + _MEASURE_REST * (self._clock.monotonic() - began)
        last = None
        for worker in limited:
            found = excess(worker.pod, uses[worker.pod.metadata.uid], one_disk=seen.one_disk)
            if found is not None:
                self._end(worker, _HARD_GRACE, found.message, found.signal)
                last = worker
        return last

    async def _end_first(self, threshold: Threshold, seen: Seen) -> PodWorker | None:
        by_uid = {one.pod.metadata.uid: one for one in self._active()}
        if not by_uid:
            _log.warning("low on %s, and there is no pod that could be ended", RESOURCE[threshold.signal])
            return None
        pods: Collection[Pod] = [one.pod for one in by_uid.values()]
        uses = await self._usage.read(pods)
        uid = rank(threshold.signal, pods, uses, one_disk=seen.one_disk)[0].metadata.uid
        worker = by_uid[uid]
        observed = seen.signals.get(threshold.signal)
        message = words.eviction_message(worker.pod, threshold, observed, uses.get(uid))
        disruption = PodCondition(
            type="DisruptionTarget",
            status="True",
            reason="TerminationByKubelet",
            message=message,
            last_transition_time=format_time(self._clock.now()),
            observed_generation=worker.pod.metadata.generation,
        )
        self._end(worker, self._grace(threshold, worker.pod), message, threshold.signal, disruption)
        return worker

    def _grace(self, threshold: Threshold, pod: Pod) -> float:
        if not threshold.soft:
            return _HARD_GRACE
        own, most = grace_of(pod), self._settings.max_pod_grace
        return own if most < 0 else min(own, most)

    def _end(self, worker: PodWorker, grace: float, message: str, signal: str, *conditions: PodCondition) -> None:
        _log.warning("ending pod %s: %s", names.described(worker.pod), message)
        self._recorder.event(worker.pod, "Warning", words.REASON, message)
        worker.terminate(Termination(grace, False, words.REASON, message, conditions))
        self._count(signal)

    async def _gone(self, worker: PodWorker) -> None:
        """Return when a pod that was ended has given back what it had, or should have."""
        grace = worker.termination.grace if worker.termination else 0.0
        until = self._clock.monotonic() + max(_MIN_KILL_SECONDS, 1.5 * grace) + _CLEANUP_SECONDS
        while self._clock.monotonic() < until:
            if not worker.runtime.running and not worker.mounted and worker.status.phase in _TERMINAL:
                return
            await self._clock.sleep(_CLEANUP_LOOK)
        _log.warning("pod %s has not ended yet", names.described(worker.pod))


def _can_reclaim(threshold: Threshold, seen: Seen) -> bool:
    """Whether removing images and dead containers helps: they take space where images lie."""
    if CONDITION[threshold.signal] != DISK_PRESSURE:
        return False
    return seen.one_disk or threshold.signal in (Signal.IMAGE_DISK, Signal.IMAGE_INODES)
