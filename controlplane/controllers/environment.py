"""What every controller is given: the way to the API, the caches, the time, and where to report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from controlplane.client.client import Client
from controlplane.client.informer import Informer, Informers
from controlplane.client.metrics import WorkQueueMetrics
from controlplane.client.workqueue import WorkQueue
from controlplane.kit.clock import Clock


class Recorder(Protocol):
    """Tells users about objects; never waits."""

    def event(self, obj: Any, type_: str, reason: str, message: str) -> None: ...


class Controller(Protocol):
    """A task of the controller manager."""

    async def run(self) -> None:
        """Work until cancelled; raising ends the process."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Shared by all controllers of a process; a controller takes from it what it needs when it is made."""

    client_for: Callable[[str], Client]  # by service account, so that each has its own rights and its own audit trail
    recorder_for: Callable[[str, Client], Recorder]  # by component, as it shows in events
    informers: Informers
    clock: Clock
    random: Random
    registry: CollectorRegistry
    queue_metrics: WorkQueueMetrics | None = None
    own: Client | None = None  # as the controller manager itself, where it is known

    def queue(self, name: str) -> WorkQueue[Any]:
        """Return a work queue under upstream's name, which is its label in the metrics."""
        return WorkQueue(name, self.clock, metrics=self.queue_metrics)


async def synced(*informers: Informer[Any]) -> None:
    """Return once all of these caches hold their first list; a controller waits for its own and for no other."""
    for informer in informers:
        await informer.synced()
