"""The policy, the sinks and the metrics of a server's audit, together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter

from controlplane.apiserver.audit.event import Event, legacy_line
from controlplane.apiserver.audit.policy import Policy, match
from controlplane.apiserver.audit.trail import Trail
from controlplane.apiserver.messages import Request
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_micro_time

_log = logging.getLogger(__name__)

Lost = Callable[[str, Sequence[Event], str], None]
"""Says that the plug-in of this name lost events, and why."""


class Sink(Protocol):
    """Where events go."""

    def take(self, event: Event) -> bool:
        """Keep an event; False: it could not be kept, and the request must not go on."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Work until the block ends, and then finish."""


MakeSink = Callable[[Clock, Random, Lost], Sink]


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What is audited, and where to."""

    policy: Policy
    sinks: tuple[MakeSink, ...]


class AuditMetrics:
    """apiserver_audit_*, there without an audit, too."""

    def __init__(self, registry: CollectorRegistry):
        self.events = Counter("apiserver_audit_event", "Audit events made.", registry=registry)
        self.errors = Counter("apiserver_audit_error", "Audit events lost.", ["plugin"], registry=registry)
        self.levels = Counter("apiserver_audit_level", "Requests by audit level.", ["level"], registry=registry)
        self.rejected = Counter(
            "apiserver_audit_requests_rejected", "Requests refused as they could not be audited.", registry=registry
        )


class Auditor:
    """Begins the trail of each request that the policy wants to hear of."""

    def __init__(self, settings: AuditSettings, clock: Clock, random: Random, metrics: AuditMetrics):
        self._policy, self._clock, self._metrics = settings.policy, clock, metrics
        self._sinks = [make(clock, random, self._lost) for make in settings.sinks]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the sinks until the block ends, and let them finish."""
        async with AsyncExitStack() as stack:
            for sink in self._sinks:
                await stack.enter_async_context(sink.running())
            yield

    def begin(self, request: Request, info: RequestInfo, user: User | None, audit_id: str) -> Trail | None:
        """Return the trail of a request, nothing told yet; None if nobody wants to hear of it."""
        verdict = match(self._policy, user, info)
        self._metrics.levels.labels(verdict.level.text).inc()
        if not verdict.level:
            return None
        return Trail(self._emit, verdict, request, info, user, audit_id, self._now)

    def rejected(self) -> None:
        """Count a request that could not be audited, and so was refused."""
        self._metrics.rejected.inc()

    def _emit(self, event: Event) -> bool:
        self._metrics.events.inc()
        taken = [sink.take(event) for sink in self._sinks]
        return all(taken)

    def _lost(self, plugin: str, events: Sequence[Event], why: str) -> None:
        self._metrics.errors.labels(plugin).inc(len(events))
        first = legacy_line(events[0]).decode().strip() if events else ""
        _log.error("audit plug-in %s lost %d events: %s; the first of them: %s", plugin, len(events), why, first)

    def _now(self) -> str:
        return format_micro_time(self._clock.now())
