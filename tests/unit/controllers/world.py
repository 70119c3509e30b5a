"""A cluster in memory for controllers: the fake API, their caches, their queues, and time that we move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.client.metrics import WorkQueueMetrics
from controlplane.controllers.environment import Controller, Environment
from controlplane.kit.clock import ManualClock
from tests.fakes.api import FakeApi


class Events:
    """A recorder that keeps what it is told: "Normal SuccessfulCreate Created pod: a"."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def event(self, obj: Any, type_: str, reason: str, message: str) -> None:
        self.told.append(f"{type_} {reason} {message}")


class World:
    """`async with World().running(SomeController(world.environment))`."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.api = FakeApi(self.clock)
        self.client = Client(self.api)
        self.events = Events()
        self.registry = CollectorRegistry()
        self.environment = Environment(
            client_for=lambda _: self.client,
            recorder_for=lambda _, __: self.events,
            informers=Informers(self.client, self.clock, Random(1)),
            clock=self.clock,
            random=Random(1),
            registry=self.registry,
            queue_metrics=WorkQueueMetrics(self.registry),
        )

    @asynccontextmanager
    async def running(self, *controllers: Controller) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.environment.informers.run())]
        tasks += [asyncio.create_task(controller.run()) for controller in controllers]
        try:
            await self.settle()
            yield
            for task in tasks:
                assert not task.done(), task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let time pass, then let everything that woke finish."""
        await self.clock.advance(seconds)
        before = -1
        while before != len(self.api.requests):
            before = len(self.api.requests)
            for _ in range(10):
                await self.clock.advance(0.001)
