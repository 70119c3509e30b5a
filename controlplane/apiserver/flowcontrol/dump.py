"""/debug/api_priority_and_fairness/: what priority and fairness is doing at the moment, as columns of text.

dump_priority_levels      a line for each level
dump_queues               a line for each queue
dump_requests             a line for each request, and with ?includeRequestDetails=1 what it asks for
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from controlplane.apiserver.flowcontrol.control import Entry, FlowControl, Level
from controlplane.apiserver.flowcontrol.queues import ESTIMATE, Ticket
from controlplane.apiserver.messages import Query, Response
from controlplane.kit.timestamps import format_micro_time

ROOT = "/debug/api_priority_and_fairness/"

_LEVELS = ("PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
           "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests")  # fmt: skip
_QUEUES = ("PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
           "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum")  # fmt: skip
_REQUESTS = ("PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher",
             "ArriveTime", "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime")  # fmt: skip
_DETAILS = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")
_NEVER = "0001-01-01T00:00:00Z"

Row = Sequence[str]


def answer(flow: FlowControl, path: str, query: Query, now: datetime, monotonic: float) -> Response | None:
    """Answer a GET of one of the pages; None for any other path."""
    if not path.startswith(ROOT):
        return None
    levels = list(flow.levels.values())
    match path.removeprefix(ROOT):
        case "dump_priority_levels":
            rows = [_LEVELS, *map(_level, levels)]
        case "dump_queues":
            rows = [_QUEUES, *(row for level in levels for row in _queues(level))]
        case "dump_requests":
            detailed = bool(query.get("includeRequestDetails"))
            began = now - timedelta(seconds=monotonic)
            requests = (row for level in levels for row in _requests(level, began, detailed))
            rows = [(*_REQUESTS, *_DETAILS) if detailed else _REQUESTS, *requests]
        case _:
            return None
    return Response(200, columns(rows).encode(), "text/plain; charset=utf-8")


def columns(rows: Sequence[Row]) -> str:
    """Return rows as text, a comma after each cell but the last, cells of a column one below the other."""
    cells = [[*(f"{cell}," for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(8, max(map(len, column)) + 1) for column in zip(*cells, strict=True)]
    lines = ["".join(f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=False)) + row[-1]
             for row in cells]  # fmt: skip
    return "\n".join([*lines, ""])


def _level(level: Level) -> Row:
    queues = level.queues
    active = sum(bool(queue.waiting) for queue in queues.queues.values())
    counts = (queues.waiting, queues.executing, queues.dispatched, queues.rejected, 0, queues.timed_out)
    return (level.name, str(active), _boolean(queues.idle), "false", *map(str, counts))


def _queues(level: Level) -> Iterator[Row]:
    for queue in level.queues.queues.values():
        seats = sum(ticket.seats for ticket in level.seated if ticket.queue is queue)
        yield (
            level.name, str(queue.number), str(len(queue.waiting)), str(queue.executing), str(seats),
            _seat_seconds(queue.next_r), str(queue.work), str(queue.work), _seat_seconds(queue.work * ESTIMATE),
        )  # fmt: skip


def _requests(level: Level, began: datetime, detailed: bool) -> Iterator[Row]:
    for queue in level.queues.queues.values():
        for position, ticket in enumerate(queue.waiting):
            yield _request(level, ticket, str(queue.number), str(position), began, detailed)
    for ticket in level.seated:
        number = str(ticket.queue.number) if ticket.queue is not None else "-1"
        yield _request(level, ticket, number, "-1", began, detailed)


def _request(level: Level, ticket: Ticket, queue: str, position: str, began: datetime, detailed: bool) -> Row:
    entry: Entry = ticket.owner
    started = _NEVER if ticket.started is None else _moment(began, ticket.started)
    row = (
        level.name, entry.flow.schema, queue, position, entry.flow.distinguisher, _moment(began, ticket.arrived),
        str(ticket.seats), "0", "0s", started,
    )  # fmt: skip
    if not detailed:
        return row
    info = entry.info
    version = f"{info.group}/{info.version}" if info.group else info.version
    return (
        *row, entry.user.name, info.verb, info.path, info.namespace, info.name, version, info.resource,
        info.subresource,
    )  # fmt: skip


def _moment(began: datetime, seconds: float) -> str:
    return format_micro_time(began + timedelta(seconds=seconds))


def _seat_seconds(value: float) -> str:
    return f"{value:.8f}ss"


def _boolean(value: bool) -> str:
    return "true" if value else "false"
