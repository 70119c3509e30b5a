"""Events to an HTTPS server, as an EventList, tried again while it does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from controlplane.apiserver.audit.auditor import Lost, Sink
from controlplane.apiserver.audit.batch import BatchConfig, Batched
from controlplane.apiserver.audit.event import Event, event_list
from controlplane.client.kubeconfig import Connection
from controlplane.client.transport import Transport, Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock

PLUGIN = "webhook"
_TRIES = 5
_FACTOR, _JITTER = 1.5, 0.2  # of the time between tries, as upstream's


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """The --audit-webhook-* flags; batches only, for no request is to wait for another server."""

    connection: Connection  # of the kubeconfig that --audit-webhook-config-file names
    initial_backoff: float = 10.0  # seconds
    batch: BatchConfig = BatchConfig()  # noqa: RUF009  # frozen

    def __call__(self, clock: Clock, random: Random, lost: Lost) -> Sink:
        return WebhookSink(self, clock, random, lost)


class Webhook:
    """Sends events until they are taken, or it has been tried five times."""

    def __init__(self, transport: Transport, initial_backoff: float, clock: Clock, random: Random, lost: Lost):
        self._transport, self._clock, self._random, self._lost = transport, clock, random, lost
        self._backoff = Backoff(initial_backoff, cap=float("inf"), factor=_FACTOR, jitter=_JITTER)

    async def deliver(self, events: Sequence[Event]) -> None:
        body = event_list(list(events))
        for attempt in range(_TRIES):
            problem = await self._send(body)
            if not problem:
                return
            if attempt + 1 < _TRIES:
                await self._clock.sleep(self._backoff.delay(attempt, self._random))
        self._lost(PLUGIN, events, problem)

    async def _send(self, body: bytes) -> str:
        """Send once; return what went wrong, or ""."""
        try:
            answer = await self._transport.request("POST", "", body=body)
        except Unreachable as error:
            return str(error)
        return "" if 200 <= answer.status < 300 else f"the webhook answered with status {answer.status}"


class WebhookSink:
    """Batches to a webhook, over connections of its own."""

    def __init__(self, settings: WebhookSettings, clock: Clock, random: Random, lost: Lost):
        self._transport = settings.connection.open(clock, connections=1)
        webhook = Webhook(self._transport, settings.initial_backoff, clock, random, lost)
        self._batched = Batched(webhook.deliver, settings.batch, clock, lost)

    def take(self, event: Event) -> bool:
        return self._batched.take(event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with self._batched.running():
                yield
        finally:
            await self._transport.close()
