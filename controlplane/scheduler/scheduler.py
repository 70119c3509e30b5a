"""The loop: informers fill queue and cache, every pod gets its turn, binding goes on beside the next decision."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from random import Random

from controlplane.api.core_v1 import Namespace, Node, Pod, Service
from controlplane.api.status import Conflict, NotFound, StatusError
from controlplane.client.client import Client
from controlplane.client.events import EventRecorder
from controlplane.client.informer import Informers
from controlplane.client.keys import key_of
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.scheduler.bind import SCHEDULER_ERROR, UNSCHEDULABLE, bind, not_scheduled, tell
from controlplane.scheduler.cache import Cache
from controlplane.scheduler.changes import NodeChange, PodChange, is_relevant
from controlplane.scheduler.metrics import SchedulerMetrics
from controlplane.scheduler.queue import QueuedPod, SchedulingQueue
from controlplane.scheduler.schedule import Fit, NoFit, schedule

_log = logging.getLogger(__name__)

NAME = "default-scheduler"

# Finished pods hold nothing on their node: upstream's scheduler does not watch them either.
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
# Bindings and status patches under way at once: more than the API server answers in a round trip gains nothing.
_AT_ONCE = 64


class Scheduler:
    """Places the pods whose schedulerName is `name`."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        clock: Clock,
        random: Random,
        metrics: SchedulerMetrics,
        *,
        name: str = NAME,
    ):
        self._client, self._informers, self._recorder = client, informers, recorder
        self._clock, self._random, self._metrics, self._name = clock, random, metrics, name
        self._pods = informers.of(Pod, fields=_UNFINISHED)
        self._nodes = informers.of(Node)
        self.cache = Cache(_Listers(informers))
        self.queue = SchedulingQueue(clock, metrics.arrived)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        metrics.watch(self.queue.counts, self.cache.sizes)

    async def run(self) -> None:
        """Schedule until cancelled. The informers must run beside this."""
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)
        await self._informers.synced()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.queue.keep_time())
            while True:
                queued = await self.queue.pop()
                await self._slots.acquire()
                if self.queue.knows(queued):
                    self._take_turn(queued, tasks)
                else:
                    self._slots.release()  # while it waited for a slot it was deleted, or got a node from somebody else
                await asyncio.sleep(0)  # a long queue must not keep bindings and watches waiting

    # What the informers tell

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is not None:
            self.cache.set_node(new)
        elif old is not None:
            self.cache.remove_node(old.metadata.name)
        change = NodeChange(old, new)
        if is_relevant(change):
            self.queue.changed(change)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is not None and not new.spec.node_name:
            self._waits(new)
            return
        pod = new if new is not None else old
        assert pod is not None
        self.queue.delete(key_of(pod))
        if new is not None:
            self.cache.set_pod(new)
        else:
            self.cache.remove_pod(pod.metadata.uid)
        placed_before = old if old is not None and old.spec.node_name else None
        change = PodChange(placed_before, new)
        if pod.spec.node_name and is_relevant(change):
            self.queue.changed(change)

    def _waits(self, pod: Pod) -> None:
        if pod.spec.scheduler_name not in ("", self._name):
            return
        if pod.metadata.deletion_timestamp is not None:
            self.queue.delete(key_of(pod))
        elif not self.cache.is_placed(pod.metadata.uid):  # else our own binding is on its way
            self.queue.update(pod)

    # A pod's turn

    def _take_turn(self, queued: QueuedPod, tasks: asyncio.TaskGroup) -> None:
        started = self._clock.monotonic()
        decision = schedule(queued.info, self.cache, self._random)
        self._metrics.decided(self._clock.monotonic() - started)
        if isinstance(decision, Fit):
            self.cache.assume(queued.info, decision.node)
            tasks.create_task(self._bind(queued, decision.node, started))
        else:
            self.queue.put_back(queued, decision.rejected_by)
            tasks.create_task(self._explain(queued.pod, decision, started))

    async def _bind(self, queued: QueuedPod, node: str, started: float) -> None:
        pod = queued.pod
        asked = self._clock.monotonic()
        try:
            await bind(self._client, pod, node)
        except (StatusError, Unreachable) as error:
            self._metrics.stepped("Bind", "Error", self._clock.monotonic() - asked)
            await self._could_not_bind(queued, error, started)
            return
        finally:
            self._slots.release()
        now = self._clock.monotonic()
        self.queue.done(queued)
        self._metrics.stepped("Bind", "Success", now - asked)
        self._metrics.attempted("scheduled", now - started)
        self._metrics.bound(queued.attempts, now - (queued.first_tried or started))
        meta = pod.metadata
        message = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._recorder.event(pod, "Normal", "Scheduled", message, action="Binding")

    async def _could_not_bind(self, queued: QueuedPod, error: Exception, started: float) -> None:
        self.cache.forget(queued.info.uid)
        self.queue.changed(PodChange(queued.pod, None))  # what it was to take is free for those it was refused
        self._metrics.attempted("error", self._clock.monotonic() - started)
        if isinstance(error, NotFound):
            self.queue.done(queued)  # the pod is gone, so nobody needs to hear of it
            return
        if not isinstance(error, Conflict):
            _log.warning("binding %s: %s", queued.info.key, error)
        self.queue.put_back(queued, frozenset())
        await self._say(queued.pod, SCHEDULER_ERROR, str(error))

    async def _explain(self, pod: Pod, decision: NoFit, started: float) -> None:
        try:
            self._metrics.attempted("unschedulable", self._clock.monotonic() - started)
            await self._say(pod, UNSCHEDULABLE, decision.message)
        finally:
            self._slots.release()

    async def _say(self, pod: Pod, reason: str, message: str) -> None:
        self._recorder.event(pod, "Warning", "FailedScheduling", message, action="Scheduling")
        condition = not_scheduled(pod, reason, message, self._clock)
        if condition is None:
            return
        try:
            await tell(self._client, pod, condition)
        except NotFound:
            return
        except (StatusError, Unreachable) as error:
            _log.warning("condition of %s: %s", key_of(pod), error)  # the next attempt writes it again


class _Listers:
    def __init__(self, informers: Informers):
        self._namespaces = informers.of(Namespace).lister
        self._services = informers.of(Service).lister

    def namespace(self, name: str) -> Namespace | None:
        return self._namespaces.get("", name)

    def services(self, namespace: str) -> Sequence[Service]:
        return self._services.list(namespace)
