"""Fair queues of one priority level: who gets the next free seat.

Time is counted in R, the seat-seconds that each busy queue has been owed since the beginning: R grows by
`seats in use / busy queues` a second. A queue remembers the R at which its next request would start if every queue had
got exactly its part, `next_r`; the request that would be the first to end at that rate goes first. Nobody knows how
long a request will take, so each is charged 3 ms a seat when it starts and the difference when it has ended.

Simplified from upstream's queue sets in that R is a plain float that never starts anew (a century of it still counts
microseconds), and that a request ends with its answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from controlplane.apiserver.flowcontrol.limits import Demand

ESTIMATE = 0.003  # seconds a request is taken to last until that is known


@dataclass(frozen=True, slots=True)
class Queuing:
    """How a level queues: in how many queues, how many of them a flow may use, how many requests each holds."""

    queues: int
    hand_size: int
    length: int


@dataclass(slots=True, eq=False)
class Queue:
    """Requests of some flows, first come, first served."""

    number: int
    waiting: deque[Ticket] = field(default_factory=deque)
    work: int = 0  # seats of those that wait
    executing: int = 0
    next_r: float = 0.0


@dataclass(slots=True, eq=False)
class Ticket:
    """One request: the seats it takes, and since when, once it has them."""

    queue: Queue | None
    seats: int
    arrived: float
    arrived_r: float
    started: float | None = None
    owner: Any = None  # whatever the caller wants to find here again


class QueueSet:
    """The seats of one level. Every `now` is in seconds and never before the one of the last call."""

    def __init__(self, limit: int, queuing: Queuing | None, demand: Demand, *, unlimited: bool = False):
        """Without `queuing` what finds no seat is refused; `unlimited` only counts."""
        self.limit, self.demand = limit, demand
        self._unlimited = unlimited
        self.queues: dict[int, Queue] = {}  # by number, those that have been used
        self.seats_in_use = self.executing = 0
        self.seats_waiting = self.waiting = 0
        self.dispatched = self.rejected = self.timed_out = 0
        self._r, self._at = 0.0, demand.since
        self._busy = 0  # queues with requests in them or on seats
        self._arrivals = 0
        self._turn = 0  # the queue that was served last
        self._backlog: dict[int, Queue] = {}  # queues in which somebody waits, by number
        self.requeue(queuing)

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.executing

    def arrive(self, hand: Sequence[int], seats: int, now: float) -> Ticket | None:
        """Take in a request of the flow that holds `hand`; it may have been started. None: it is refused."""
        if not hand:
            return self._arrive_without_queue(seats, now)
        self._pass_time(now)
        number = self._shortest(hand)
        queue = self.queues.get(number)
        if queue is None:
            queue = self.queues[number] = Queue(number)
        if self.seats_in_use >= self.limit and len(queue.waiting) >= self._length:
            self.rejected += 1
            return None
        ticket = Ticket(queue, seats, now, self._r)
        if not queue.executing and not queue.waiting:
            queue.next_r = self._r
            self._busy += 1
        if not self.waiting and self._fits(seats):
            self._start(ticket, now)  # nobody is in front, so there is no order to find
        else:
            self._enqueue(queue, ticket)
        self.demand.note(self.seats_in_use + self.seats_waiting, now)
        return ticket

    def started_by(self, now: float) -> list[Ticket]:
        """Start whom there are seats for, and return them."""
        started: list[Ticket] = []
        while self.waiting and self.seats_in_use < self.limit:
            queue = self._next()
            ticket = queue.waiting[0]
            if not self._fits(ticket.seats):
                break  # nobody overtakes a wide request: it would wait for ever
            self._dequeue(queue, ticket)
            self._turn = queue.number
            self._start(ticket, now)
            _catch_up(queue)
            started.append(ticket)
        return started

    def finish(self, ticket: Ticket, now: float) -> list[Ticket]:
        """Take back the seats of a request that has been answered; return those that start instead."""
        self._pass_time(now)
        self.executing -= 1
        self.seats_in_use -= ticket.seats
        queue = ticket.queue
        if queue is not None:
            queue.executing -= 1
            assert ticket.started is not None, "what has not started does not finish"
            queue.next_r += ticket.seats * (now - ticket.started - ESTIMATE)
            _catch_up(queue)
            if not queue.executing and not queue.waiting:
                self._busy -= 1
        started = self.started_by(now) if self.waiting else []
        self.demand.note(self.seats_in_use + self.seats_waiting, now)
        return started

    def give_up(self, ticket: Ticket, now: float) -> list[Ticket]:
        """Take a request out of its queue; return those that start because it no longer stands in front."""
        self._pass_time(now)
        queue = ticket.queue
        assert queue is not None, "what does not queue never waits"
        self._dequeue(queue, ticket)
        self.rejected += 1
        self.timed_out += 1
        _catch_up(queue)
        if not queue.executing and not queue.waiting:
            self._busy -= 1
        started = self.started_by(now)
        self.demand.note(self.seats_in_use + self.seats_waiting, now)
        return started

    def resize(self, limit: int, now: float) -> list[Ticket]:
        """Change the number of seats; return those that start."""
        self._pass_time(now)
        self.limit = limit
        return self.started_by(now)

    def requeue(self, queuing: Queuing | None) -> None:
        """Change the queues. Those that are no longer dealt are served until they are empty."""
        self._count, self._length = (queuing.queues, queuing.length) if queuing else (0, 0)
        self.queues = {
            number: queue
            for number, queue in self.queues.items()
            if number < self._count or queue.waiting or queue.executing
        }

    # --- the parts

    def _arrive_without_queue(self, seats: int, now: float) -> Ticket | None:
        if not self._unlimited and not self._fits(seats):
            self.rejected += 1
            return None
        ticket = Ticket(None, seats, now, self._r)
        self._start(ticket, now)
        self.demand.note(self.seats_in_use + self.seats_waiting, now)
        return ticket

    def _pass_time(self, now: float) -> None:
        if self._busy:
            wanted = self.seats_in_use + self.seats_waiting
            self._r += (now - self._at) * min(wanted, self.limit) / self._busy
        self._at = now

    def _fits(self, seats: int) -> bool:
        if seats > self.limit:  # it never will, so it goes alone
            return self.executing == 0
        return self.seats_in_use + seats <= self.limit

    def _shortest(self, hand: Sequence[int]) -> int:
        """Return the queue of a hand with the least work in it; equal ones in turns."""
        first = self._arrivals % len(hand)
        self._arrivals += 1
        if not self.waiting:
            return hand[first]
        turned = (*hand[first:], *hand[:first])
        return min(turned, key=lambda number: queue.work if (queue := self.queues.get(number)) else 0)

    def _enqueue(self, queue: Queue, ticket: Ticket) -> None:
        queue.waiting.append(ticket)
        queue.work += ticket.seats
        self._backlog[queue.number] = queue
        self.waiting += 1
        self.seats_waiting += ticket.seats

    def _dequeue(self, queue: Queue, ticket: Ticket) -> None:
        queue.waiting.remove(ticket)
        queue.work -= ticket.seats
        if not queue.waiting:
            del self._backlog[queue.number]
        self.waiting -= 1
        self.seats_waiting -= ticket.seats

    def _start(self, ticket: Ticket, now: float) -> None:
        ticket.started = now
        self.dispatched += 1
        self.executing += 1
        self.seats_in_use += ticket.seats
        queue = ticket.queue
        if queue is not None:
            queue.executing += 1
            queue.next_r += ticket.seats * ESTIMATE

    def _next(self) -> Queue:
        """Return the queue whose first request would end first; of equal ones the next in turn."""
        size = max(self._count, 1)

        def finish(queue: Queue) -> tuple[float, int]:
            return queue.next_r + queue.waiting[0].seats * ESTIMATE, (queue.number - self._turn - 1) % size

        return min(self._backlog.values(), key=finish)


def _catch_up(queue: Queue) -> None:
    """Let a queue not save up: what waits first could not have started before it came."""
    if queue.waiting:
        queue.next_r = max(queue.next_r, queue.waiting[0].arrived_r)
