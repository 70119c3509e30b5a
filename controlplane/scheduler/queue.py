"""The pods that wait for a node, and when each gets its turn.

    add ──► active ──► pop ──► decided: gone
              ▲                 │ no node suits
              │                 ▼
            backoff ◄──── unschedulable ◄── (gated pods wait here too, until their gates are gone)
           1, 2, 4 … 10 s   a change that may help, or 5 minutes

Highest priority first, then who waits longest.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from controlplane.api.core_v1 import Pod, PodStatus
from controlplane.client.keys import Key, key_of
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from controlplane.scheduler.changes import Change, may_help
from controlplane.scheduler.snapshot import PodInfo

# Upstream's podInitialBackoffSeconds and podMaxBackoffSeconds.
_BACKOFF = Backoff(first=1.0, cap=10.0)
# A pod is tried again after this long even if nothing seemed to help, in seconds; looked at every 30 s.
_AT_LATEST, _LOOK_AGAIN = 300.0, 30.0

Arrived = Callable[[str, str], None]
"""arrived(queue, event): a pod enters a pool, for scheduler_queue_incoming_pods_total."""


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod that waits, and what happened to it so far."""

    info: PodInfo
    first_tried: float | None = None  # monotonic seconds
    since: float = 0.0  # when it came into the pool it is in
    attempts: int = 0
    rejected_by: frozenset[str] = field(default_factory=frozenset)
    pool: str = ""  # active, backoff, unschedulable, gated; "" while it is being decided

    @property
    def pod(self) -> Pod:
        return self.info.pod


class SchedulingQueue:
    """Whoever pops from it also runs `keep_time()`."""

    def __init__(self, clock: Clock, arrived: Arrived = lambda queue, event: None):
        self._clock, self._arrived = clock, arrived
        self._pods: dict[Key, QueuedPod] = {}
        self._unschedulable: dict[Key, QueuedPod] = {}  # those of them in that pool: all that a change may help
        self._active: list[tuple[int, float, int, QueuedPod]] = []
        self._backoff: list[tuple[float, int, QueuedPod]] = []
        self._order = itertools.count()
        self._something = asyncio.Event()
        self._sooner = asyncio.Event()

    def add(self, pod: Pod) -> None:
        """Take a pod in that has no node yet."""
        queued = self._pods[key_of(pod)] = QueuedPod(PodInfo(pod))
        if pod.spec.scheduling_gates:
            self._enter(queued, "gated", "PodAdd")
        else:
            self._activate(queued, "PodAdd")

    def update(self, pod: Pod) -> None:
        """Take a pod's new state; one that changed in what matters gets another turn."""
        queued = self._pods.get(key_of(pod))
        if queued is None or queued.info.uid != pod.metadata.uid:
            self.delete(key_of(pod))
            self.add(pod)
            return
        changed = _essence(queued.pod) != _essence(pod)
        queued.info = PodInfo(pod)
        if queued.pool == "gated" and not pod.spec.scheduling_gates:
            self._activate(queued, "UnscheduledPodUpdate")
        elif queued.pool == "unschedulable" and changed:
            self._retry(queued, "UnscheduledPodUpdate")

    def delete(self, key: Key) -> None:
        """Forget a pod: deleted, or it has a node."""
        queued = self._pods.pop(key, None)
        if queued is not None:
            self._leave(queued)  # what is left of it in a heap is passed over

    def done(self, queued: QueuedPod) -> None:
        """Forget a pod that has its node now, but not another one that took its name meanwhile."""
        if self.knows(queued):
            self.delete(queued.info.key)

    def knows(self, queued: QueuedPod) -> bool:
        """Whether a pod that was popped still waits for a node, and no other one took its name."""
        return self._pods.get(queued.info.key) is queued

    async def pop(self) -> QueuedPod:
        """Return the next pod; it stays known until `delete`, or `put_back` gives it another turn."""
        while True:
            while self._active:
                *_, queued = heapq.heappop(self._active)
                if queued.pool == "active":
                    self._leave(queued)
                    queued.attempts += 1
                    if queued.first_tried is None:
                        queued.first_tried = self._clock.monotonic()
                    return queued
            self._something.clear()
            await self._something.wait()

    def put_back(self, queued: QueuedPod, rejected_by: frozenset[str]) -> None:
        """Keep a pod that found no node; without a rule to blame (an error), it is tried after its back-off."""
        if not self.knows(queued):
            return  # deleted meanwhile
        queued.rejected_by = rejected_by
        queued.since = self._clock.monotonic()
        if rejected_by:
            self._enter(queued, "unschedulable", "ScheduleAttemptFailure")
        else:
            self._retry(queued, "ScheduleAttemptFailure")

    def changed(self, change: Change) -> None:
        """Give another turn to the pods that a change in the cluster may help."""
        for queued in list(self._unschedulable.values()):
            if may_help(queued.pod, queued.rejected_by, change):
                self._retry(queued, change.name)

    async def keep_time(self) -> None:
        """End back-offs, and waits that took too long, until cancelled."""
        look_again = self._clock.monotonic() + _LOOK_AGAIN
        while True:
            self._sooner.clear()
            now = self._clock.monotonic()
            if now >= look_again:
                self._retry_those_waiting_too_long(now)
                look_again = now + _LOOK_AGAIN
            self._end_backoffs(now)
            until = min(look_again, self._backoff[0][0]) if self._backoff else look_again
            await happens_within(self._sooner, until - now, self._clock)

    def counts(self) -> Mapping[str, int]:
        """Return how many pods wait in each pool."""
        return Counter(queued.pool for queued in self._pods.values() if queued.pool)

    def _retry(self, queued: QueuedPod, event: str) -> None:
        ready = queued.since + _BACKOFF.delay(max(0, queued.attempts - 1))
        if ready <= self._clock.monotonic():
            self._activate(queued, event)
            return
        self._enter(queued, "backoff", event)
        heapq.heappush(self._backoff, (ready, next(self._order), queued))
        self._sooner.set()

    def _end_backoffs(self, now: float) -> None:
        while self._backoff and self._backoff[0][0] <= now:
            *_, queued = heapq.heappop(self._backoff)
            if queued.pool == "backoff":
                self._activate(queued, "BackoffComplete")

    def _retry_those_waiting_too_long(self, now: float) -> None:
        for queued in list(self._unschedulable.values()):
            if now - queued.since > _AT_LATEST:
                self._retry(queued, "UnschedulableTimeout")

    def _activate(self, queued: QueuedPod, event: str) -> None:
        self._enter(queued, "active", event)
        priority = queued.pod.spec.priority or 0
        heapq.heappush(self._active, (-priority, self._clock.monotonic(), next(self._order), queued))
        self._something.set()

    def _enter(self, queued: QueuedPod, pool: str, event: str) -> None:
        self._leave(queued)
        queued.pool = pool
        if pool == "unschedulable":
            self._unschedulable[queued.info.key] = queued
        self._arrived(pool, event)

    def _leave(self, queued: QueuedPod) -> None:
        if queued.pool == "unschedulable":
            del self._unschedulable[queued.info.key]
        queued.pool = ""


def _essence(pod: Pod) -> Pod:
    """Return the pod without what the scheduler, the server and the node write all the time."""
    metadata = msgspec.structs.replace(pod.metadata, resource_version="", managed_fields=[], generation=None)
    return msgspec.structs.replace(pod, metadata=metadata, status=PodStatus())
