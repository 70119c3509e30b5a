"""The scheduler with all that it needs, for whoever runs one."""

from __future__ import annotations

from random import Random

from prometheus_client import CollectorRegistry

from controlplane.client.client import Client
from controlplane.client.events import EventRecorder
from controlplane.client.informer import Informers
from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.scheduler.metrics import SchedulerMetrics
from controlplane.scheduler.scheduler import NAME, Scheduler


async def run_all(client: Client, *, clock: Clock, random: Random, registry: CollectorRegistry) -> None:
    """Schedule pods until cancelled."""
    informers, recorder = Informers(client, clock, random), EventRecorder(client, clock, NAME)
    scheduler = Scheduler(client, informers, recorder, clock, random, SchedulerMetrics(registry))
    async with running(informers.run(), recorder.run()):
        await scheduler.run()
