"""The gate that every request passes: it finds the request's flow, and lets it in now, later or never.

    ticket = control.begin(user, info, query)          # raises Rejected
    if ticket.started is None:
        await control.wait(ticket, seconds)            # raises Rejected
    ...                                                # the request has its seats
    control.end(ticket)

The configuration is read from FlowSchema and PriorityLevelConfiguration objects, anew when one of them has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.api.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration
from controlplane.api.reader import ObjectReader
from controlplane.api.validation.flow_schemas import CATCH_ALL, EXEMPT
from controlplane.apiserver.flowcontrol import bootstrap
from controlplane.apiserver.flowcontrol.dealer import deal, flow_hash
from controlplane.apiserver.flowcontrol.estimate import Count, seats_of, widest_request
from controlplane.apiserver.flowcontrol.limits import ADJUSTMENT_PERIOD, Bounds, Demand, Need, adjusted, bounds_of
from controlplane.apiserver.flowcontrol.metrics import FlowMetrics, FlowStats
from controlplane.apiserver.flowcontrol.queues import QueueSet, Queuing, Ticket
from controlplane.apiserver.flowcontrol.retry_after import RetryAfter
from controlplane.apiserver.flowcontrol.rules import distinguisher, in_order, matches
from controlplane.apiserver.messages import Query
from controlplane.apiserver.request_info import RequestInfo
from controlplane.auth.interface import User
from controlplane.kit.clock import Clock

SCHEMA_HEADER = "X-Kubernetes-Pf-Flowschema-Uid"
LEVEL_HEADER = "X-Kubernetes-Pf-Prioritylevel-Uid"

_REMEMBERED = 8192  # flows kept by who asks for what

_Key: TypeAlias = tuple[str, tuple[str, ...], str, str, str, str, str]


class Rejected(Exception):
    """There is no room; `headers` tell the caller which rule says so and when to come again."""

    def __init__(self, headers: Mapping[str, str]):
        super().__init__("Too many requests, please try again later.")
        self.headers = headers


class Level:
    """One priority level at work."""

    def __init__(self, name: str, demand: Demand, queues: QueueSet):
        self.name, self.demand, self.queues = name, demand, queues
        self.bounds = Bounds(0, 0, 0)
        self.uid, self.exempt = "", False
        self.queue_count, self.hand_size, self.widest = 0, 0, 1
        self.target = 0.0  # seats it would have been given last, had there been enough for all
        self.retry_after = RetryAfter()
        self.seated: set[Ticket] = set()  # those that have their seats

    @property
    def limit(self) -> int:
        return self.queues.limit


@dataclass(slots=True)
class Flow:
    """Requests that are dealt with alike: of one schema, in one hand of queues."""

    level: Level
    schema: str
    distinguisher: str
    hand: tuple[int, ...]
    headers: Mapping[str, str]
    stats: FlowStats


@dataclass(slots=True)
class Entry:
    """What a ticket stands for."""

    flow: Flow
    kind: str  # "regular" or "watch"
    user: User
    info: RequestInfo
    ended: bool = False
    seated: asyncio.Future[bool] | None = None  # there is somebody who waits: True when the seats are there


class FlowControl:
    """Priority and fairness of one server, over `total` seats."""

    def __init__(self, reader: ObjectReader, clock: Clock, total: int, count: Count):
        self._reader, self._clock, self._total, self._count = reader, clock, total, count
        self.metrics = FlowMetrics()
        self.levels: dict[str, Level] = {}
        self._schemas: list[FlowSchema] = []
        self._catch_all = bootstrap.CATCH_ALL_SCHEMA
        self._flows: dict[_Key, Flow] = {}
        self._seen: tuple[int, int] = (-1, -1)

    def begin(self, user: User, info: RequestInfo, query: Query) -> Ticket:
        """Return a request's ticket; it must wait if it has not been started. Raises Rejected."""
        flow = self._flow_of(user, info)
        level, stats = flow.level, flow.stats
        seats = 1 if info.verb not in ("list", "watch") else seats_of(info, query, self._count, level.widest)
        now = self._clock.monotonic()
        ticket = level.queues.arrive(flow.hand, seats, now)
        stats.seats.observe(seats)
        if ticket is None:
            raise self._rejected(flow, "queue-full" if flow.hand else "concurrency-limit", 0.0)
        ticket.owner = Entry(flow, "watch" if info.verb == "watch" else "regular", user, info)
        if ticket.started is None:
            self._queued(ticket, now)
        else:
            self._seated(ticket)
        return ticket

    async def wait(self, ticket: Ticket, seconds: float) -> None:
        """Return when a queued request has its seats. Raises Rejected after `seconds`."""
        entry: Entry = ticket.owner
        seated = entry.seated = asyncio.get_running_loop().create_future()
        alarm = asyncio.create_task(self._clock.sleep(seconds))
        alarm.add_done_callback(lambda _: None if seated.done() else seated.set_result(False))
        try:
            if await seated or ticket.started is not None:  # the alarm may ring while the seats are given
                return
        except BaseException:  # whoever asked has gone
            self.end(ticket)
            raise
        finally:
            alarm.cancel()
        self._leave_queue(ticket)
        raise self._rejected(entry.flow, "time-out", self._clock.monotonic() - ticket.arrived)

    def end(self, ticket: Ticket) -> None:
        """Give back a request's seats, or its place in the queue; once is enough."""
        entry: Entry = ticket.owner
        if entry.ended:
            return
        if ticket.started is None:
            self._leave_queue(ticket)
            entry.flow.stats.rejected["time-out"] += 1
            return
        entry.ended = True
        now = self._clock.monotonic()
        stats, level = entry.flow.stats, entry.flow.level
        level.seated.discard(ticket)
        stats.executing -= 1
        stats.executing_seats -= ticket.seats
        stats.execution[entry.kind].observe(now - ticket.started)
        self._wake(level.queues.finish(ticket, now))

    async def adjust(self) -> None:
        """Deal the seats of all levels anew every ten seconds, for ever."""
        while True:
            await self._clock.sleep(ADJUSTMENT_PERIOD)
            if not self.refresh():
                self.deal_seats()

    def refresh(self) -> bool:
        """Take over the configuration if it has changed; return whether it had."""
        reader = self._reader
        seen = (reader.version(FlowSchema), reader.version(PriorityLevelConfiguration))
        if seen == self._seen:
            return False
        self._seen = seen
        self._configure(reader.list(FlowSchema), reader.list(PriorityLevelConfiguration))
        self.deal_seats()
        return True

    def deal_seats(self) -> None:
        """Give each level the seats that its demand of the last period asks for, and begin the next period."""
        now = self._clock.monotonic()
        for level in self.levels.values():
            level.demand.settle(now)
        needs = {
            name: Need(level.bounds, level.demand.peak, level.demand.smoothed, level.exempt)
            for name, level in self.levels.items()
        }
        seats, self.metrics.fair_fraction = adjusted(needs)
        for name, level in self.levels.items():
            level.target = needs[name].target
            self._wake(level.queues.resize(seats[name], now))

    # --- one request

    def _queued(self, ticket: Ticket, now: float) -> None:
        entry: Entry = ticket.owner
        stats, queue = entry.flow.stats, ticket.queue
        assert queue is not None, "only who queues is not started at once"
        stats.waiting += 1
        stats.waiting_seats += ticket.seats
        stats.length.observe(len(queue.waiting))
        self._wake(entry.flow.level.queues.started_by(now))

    def _wake(self, started: Iterable[Ticket]) -> None:
        for ticket in started:
            entry: Entry = ticket.owner
            self._left_queue(ticket)
            self._seated(ticket)
            if entry.seated is not None and not entry.seated.done():
                entry.seated.set_result(True)

    def _seated(self, ticket: Ticket) -> None:
        entry: Entry = ticket.owner
        level, stats = entry.flow.level, entry.flow.stats
        assert ticket.started is not None, "it has just been started"
        level.seated.add(ticket)
        stats.executing += 1
        stats.executing_seats += ticket.seats
        if not level.exempt:
            stats.waited["true"].observe(ticket.started - ticket.arrived)

    def _leave_queue(self, ticket: Ticket) -> None:
        entry: Entry = ticket.owner
        entry.ended = True
        self._left_queue(ticket)
        self._wake(entry.flow.level.queues.give_up(ticket, self._clock.monotonic()))

    def _left_queue(self, ticket: Ticket) -> None:
        stats = ticket.owner.flow.stats
        stats.waiting -= 1
        stats.waiting_seats -= ticket.seats

    def _rejected(self, flow: Flow, reason: str, waited: float) -> Rejected:
        flow.stats.rejected[reason] += 1
        flow.stats.waited["false"].observe(waited)
        retry_after = flow.level.retry_after
        retry_after.note(self._clock.monotonic())
        return Rejected({**flow.headers, "Retry-After": str(retry_after.seconds)})

    # --- configuration

    def _flow_of(self, user: User, info: RequestInfo) -> Flow:
        self.refresh()
        where = info.namespace if info.is_resource else info.path
        key = (user.name, user.groups, info.verb, info.group, info.resource, info.subresource, where)
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= _REMEMBERED:  # users, namespaces and paths come and go
                self._flows.clear()
            flow = self._flows[key] = self._classify(user, info)
        return flow

    def _classify(self, user: User, info: RequestInfo) -> Flow:
        schema = next((one for one in self._schemas if matches(one, user, info)), self._catch_all)
        level = self.levels[_level_name(schema)]
        name, who = schema.metadata.name, ""
        hand: tuple[int, ...] = ()
        if level.hand_size:
            who = distinguisher(schema, user, info)
            hand = deal(flow_hash(name, who), level.queue_count, level.hand_size)
        headers = {SCHEMA_HEADER: schema.metadata.uid, LEVEL_HEADER: level.uid}
        return Flow(level, name, who, hand, headers, self.metrics.of(level.name, name))

    def _configure(self, schemas: Iterable[FlowSchema], levels: Iterable[PriorityLevelConfiguration]) -> None:
        """Take over a configuration; what must exist and does not is imagined."""
        configured = {one.metadata.name: one for one in bootstrap.MANDATORY_LEVELS}
        configured |= {one.metadata.name: one for one in levels if _is_sound(one)}
        bounds = bounds_of({name: one.spec for name, one in configured.items()}, self._total)
        before = self.levels
        self.levels = {
            name: self._level(before.get(name), one, bounds[name]) for name, one in sorted(configured.items())
        }
        known = {one.metadata.name: one for one in bootstrap.MANDATORY_SCHEMAS}
        known |= {one.metadata.name: one for one in schemas if _level_name(one) in self.levels}
        self._schemas, self._catch_all = in_order(known.values()), known[CATCH_ALL]
        self._flows.clear()
        self.metrics.levels = self.levels

    def _level(self, level: Level | None, configured: PriorityLevelConfiguration, bounds: Bounds) -> Level:
        now, name = self._clock.monotonic(), configured.metadata.name
        queuing, exempt = _queuing(configured), configured.spec.exempt is not None
        if level is None:
            demand = Demand(now)
            level = Level(name, demand, QueueSet(bounds.nominal, queuing, demand, unlimited=exempt))
        level.queues.requeue(queuing)
        level.bounds, level.uid, level.exempt = bounds, configured.metadata.uid, exempt
        level.queue_count, level.hand_size = (queuing.queues, queuing.hand_size) if queuing else (0, 0)
        level.widest = widest_request(bounds.nominal, level.hand_size)
        return level


def _level_name(schema: FlowSchema) -> str:
    reference = schema.spec.priority_level_configuration
    return reference.name if reference is not None else ""


def _is_sound(level: PriorityLevelConfiguration) -> bool:
    """Return whether a level says one thing only; validation leaves no others, older servers may have."""
    spec = level.spec
    exempt = level.metadata.name == EXEMPT
    return (spec.type == "Exempt") == exempt == (spec.exempt is not None) and (spec.limited is None) == exempt


def _queuing(level: PriorityLevelConfiguration) -> Queuing | None:
    limited = level.spec.limited
    response = limited.limit_response if limited is not None else None
    if response is None or response.queuing is None:
        return None
    queuing = response.queuing
    queues = queuing.queues or 64
    return Queuing(queues, min(queuing.hand_size or 8, queues), queuing.queue_length_limit or 50)
