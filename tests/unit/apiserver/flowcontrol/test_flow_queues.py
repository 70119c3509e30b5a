"""Who gets the next seat."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.flowcontrol.limits import Demand
from controlplane.apiserver.flowcontrol.queues import QueueSet, Queuing, Ticket


def queue_set(limit: int, *, queues: int = 4, hand_size: int = 1, length: int = 50) -> QueueSet:
    return QueueSet(limit, Queuing(queues, hand_size, length), Demand(0.0))


def arrived(queues: QueueSet, hand: tuple[int, ...], seats: int = 1, now: float = 0.0) -> Ticket:
    ticket = queues.arrive(hand, seats, now)
    assert ticket is not None
    return ticket


def test_a_free_seat_is_taken_at_once() -> None:
    queues = queue_set(2)
    assert [arrived(queues, (0,)).started for _ in range(3)] == [0.0, 0.0, None]
    assert (queues.seats_in_use, queues.waiting) == (2, 1)


def test_what_waits_starts_when_a_seat_is_given_back() -> None:
    queues = queue_set(1)
    first, second = arrived(queues, (0,)), arrived(queues, (0,), now=1.0)
    assert queues.finish(first, 2.0) == [second] and second.started == 2.0
    assert queues.finish(second, 3.0) == [] and queues.idle


def test_a_full_queue_refuses() -> None:
    queues = queue_set(1, length=2)
    first = arrived(queues, (0,))
    assert [queues.arrive((0,), 1, 0.0) is None for _ in range(3)] == [False, False, True]
    assert queues.rejected == 1
    assert len(queues.finish(first, 1.0)) == 1
    assert queues.arrive((0,), 1, 1.0) is not None
    assert queues.arrive((1,), 1, 1.0) is not None, "another queue has room all the time"


def test_a_level_that_does_not_queue_refuses_what_finds_no_seat() -> None:
    queues = QueueSet(1, None, Demand(0.0))
    ticket = queues.arrive((), 1, 0.0)
    assert ticket is not None and queues.arrive((), 1, 0.0) is None
    queues.finish(ticket, 1.0)
    assert queues.arrive((), 1, 1.0) is not None


def test_an_exempt_level_only_counts() -> None:
    queues = QueueSet(0, None, Demand(0.0), unlimited=True)
    assert all(queues.arrive((), 5, 0.0) is not None for _ in range(100))
    assert queues.executing == 100 and queues.seats_in_use == 500


def test_a_noisy_flow_does_not_hold_up_a_quiet_one() -> None:
    queues = queue_set(2)
    running = [arrived(queues, (0,)) for _ in range(2)]
    for _ in range(40):
        arrived(queues, (0,))
    quiet = [arrived(queues, (1,)) for _ in range(3)]
    order = []
    for second in range(1, 8):
        order += queues.finish(running.pop(0), float(second))
        running += order[-1:]
    assert [ticket in quiet for ticket in order[:6]].count(True) == 3, "each gets every other seat"


def test_flows_share_by_seat_seconds_not_by_requests() -> None:
    """The requests of one flow take four times as long, so the other gets four times as many through."""
    queues, seconds, now = queue_set(1), {0: 4.0, 1: 1.0}, 0.0
    done: Counter[int] = Counter()
    running = [arrived(queues, (2,))]
    for _ in range(50):
        arrived(queues, (0,))
        arrived(queues, (1,))
    running = queues.finish(running[0], now)
    while queues.queues[0].waiting and queues.queues[1].waiting:
        (ticket,) = running
        assert ticket.queue is not None
        done[ticket.queue.number] += 1
        now += seconds[ticket.queue.number]
        running = queues.finish(ticket, now)
    assert done[1] >= 48 and done[0] <= 13


def test_nobody_overtakes_a_wide_request_that_is_next() -> None:
    queues = queue_set(4)
    running = [arrived(queues, (0,)) for _ in range(4)]
    wide = arrived(queues, (1,), seats=4)
    narrow = [arrived(queues, (0,)) for _ in range(3)]
    started = [queues.finish(ticket, 1.0 + number) for number, ticket in enumerate(running)]
    assert wide in [ticket for each in started for ticket in each]
    assert sum(ticket.started is not None for ticket in narrow) < 3


def test_a_request_wider_than_the_level_goes_alone() -> None:
    queues = queue_set(2)
    running = arrived(queues, (0,))
    wide = arrived(queues, (1,), seats=5)
    assert wide.started is None
    assert queues.finish(running, 1.0) == [wide]
    assert arrived(queues, (0,)).started is None


def test_giving_up_makes_room() -> None:
    queues = queue_set(1, length=1)
    running = arrived(queues, (0,))
    waiting = arrived(queues, (0,))
    assert queues.arrive((0,), 1, 0.0) is None
    queues.give_up(waiting, 1.0)
    assert queues.timed_out == 1 and arrived(queues, (0,), now=1.0).started is None
    assert len(queues.finish(running, 2.0)) == 1


def test_giving_up_in_front_of_a_wide_request_lets_others_go() -> None:
    queues = queue_set(2)
    running = arrived(queues, (0,))
    wide = arrived(queues, (1,), seats=2)
    behind = arrived(queues, (1,))
    assert (wide.started, behind.started) == (None, None)
    assert queues.give_up(wide, 1.0) == [behind]
    queues.finish(running, 2.0)


def test_more_seats_let_more_start_and_fewer_queues_drain() -> None:
    queues = queue_set(1)
    running = arrived(queues, (3,))
    waiting = [arrived(queues, (3,)) for _ in range(3)]
    queues.requeue(Queuing(2, 1, 50))
    assert list(queues.queues) == [3], "it is in use"
    assert queues.resize(3, 1.0) == waiting[:2]
    assert queues.finish(running, 2.0) == waiting[2:]
    for ticket in waiting:
        queues.finish(ticket, 3.0)
    queues.requeue(Queuing(2, 1, 50))
    assert not queues.queues


def test_the_shortest_queue_of_a_hand_is_taken() -> None:
    queues = queue_set(1, hand_size=2)
    arrived(queues, (0, 1))
    for _ in range(3):
        arrived(queues, (0,))
    assert [arrived(queues, (0, 1)).queue for _ in range(3)] == [queues.queues[1]] * 3


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(1, 3), st.floats(0, 2)), max_size=120),
    st.integers(1, 6),
)
def test_seats_are_never_oversold_and_never_idle(steps: list[tuple[int, int, int, float]], limit: int) -> None:
    queues, now = queue_set(limit, length=5), 0.0
    executing: list[Ticket] = []
    waiting: list[Ticket] = []

    def started(tickets: list[Ticket]) -> None:
        for ticket in tickets:
            waiting.remove(ticket)
            executing.append(ticket)

    for what, queue, seats, seconds in steps:
        now += seconds
        if what == 0 and executing:
            started(queues.finish(executing.pop(0), now))
        elif what == 1 and waiting:
            started(queues.give_up(waiting.pop(len(waiting) // 2), now))
        elif (ticket := queues.arrive((queue,), seats, now)) is not None:
            (waiting if ticket.started is None else executing).append(ticket)
            started(queues.started_by(now))
        assert queues.seats_in_use == sum(ticket.seats for ticket in executing)
        assert queues.seats_in_use <= limit or len(executing) == 1
        assert queues.waiting == len(waiting) == sum(len(queue.waiting) for queue in queues.queues.values())
        assert executing or not waiting, "seats are free, and somebody waits"
    for _ in range(len(executing) + len(waiting)):
        started(queues.finish(executing.pop(0), now))
    assert queues.idle and not waiting
