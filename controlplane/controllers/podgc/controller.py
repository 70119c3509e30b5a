"""Looks at all pods every 20 seconds and deletes those that `plan` names."""

from __future__ import annotations

import logging

from controlplane.api.codec import to_document
from controlplane.api.core_v1 import Node, Pod, PodCondition
from controlplane.api.status import NotFound, StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.transport import Unreachable
from controlplane.controllers.environment import Environment, synced
from controlplane.controllers.podgc.plan import (
    Doomed,
    Quarantine,
    beyond_threshold,
    once_each,
    orphaned,
    out_of_service,
    unknown_nodes,
    unscheduled,
)
from controlplane.controllers.pods import has_finished
from controlplane.kit.timestamps import format_time

_log = logging.getLogger(__name__)

_NAME = "pod-garbage-collector"
# Seconds; upstream's numbers.
_PERIOD, _QUARANTINE = 20.0, 40.0


class PodGarbageCollector:
    """One loop over all pods."""

    def __init__(self, environment: Environment, *, terminated_threshold: int = 12_500):
        self._threshold, self._clock = terminated_threshold, environment.clock
        self._client: Client = environment.client_for(_NAME)
        self._pods, self._nodes = environment.informers.of(Pod), environment.informers.of(Node)
        self._quarantine = Quarantine(_QUARANTINE)

    async def run(self) -> None:
        await synced(self._pods, self._nodes)
        while True:
            await self.look()
            await self._clock.sleep(_PERIOD)

    async def look(self) -> None:
        """Delete what is to be deleted now; what fails is tried again at the next look."""
        pods = self._pods.lister.list()
        gone = await self._gone(unknown_nodes(pods, {node.metadata.name for node in self._nodes.lister.list()}))
        doomed = [
            *beyond_threshold(pods, self._threshold),
            *out_of_service(pods, lambda name: self._nodes.lister.get("", name)),
            *orphaned(pods, gone),
            *unscheduled(pods),
        ]
        for one in once_each(doomed):
            try:
                await self._delete(one)
            except (StatusError, Unreachable) as error:
                _log.info("pod %s/%s: %s", one.pod.metadata.namespace, one.pod.metadata.name, error)

    async def _gone(self, unknown: set[str]) -> set[str]:
        suspects = list(self._quarantine.served(unknown, self._clock.monotonic()))
        return {name for name in suspects if await self._is_gone(name)}

    async def _is_gone(self, node: str) -> bool:
        """Ask the server itself: deleting a running pod's object would let its containers run on unseen."""
        try:
            await self._client.get(Node, node)
        except NotFound:
            return True
        except (StatusError, Unreachable) as error:
            _log.info("node %s: %s", node, error)
        return False

    async def _delete(self, doomed: Doomed) -> None:
        metadata = doomed.pod.metadata
        _log.info("deleting pod %s/%s: %s", metadata.namespace, metadata.name, doomed.why or "nobody will finish it")
        try:
            if not has_finished(doomed.pod):
                await self._mark_failed(doomed)
            await self._client.delete(Pod, metadata.name, metadata.namespace, uid=metadata.uid, grace_period_seconds=0)
        except NotFound:
            return

    async def _mark_failed(self, doomed: Doomed) -> None:
        """Nobody else will ever say how the pod ended, and its Job or ReplicaSet wants to know."""
        status: dict[str, object] = {"phase": "Failed"}
        if doomed.why:
            condition = PodCondition(
                type="DisruptionTarget",
                status="True",
                reason="DeletionByPodGC",
                message=doomed.why,
                last_transition_time=format_time(self._clock.now()),
            )
            status["conditions"] = [to_document(condition)]
        metadata = doomed.pod.metadata
        patch = {"metadata": {"uid": metadata.uid}, "status": status}
        await self._client.patch(
            Pod, metadata.name, patch, metadata.namespace, kind=PatchType.STRATEGIC, subresource="status"
        )
