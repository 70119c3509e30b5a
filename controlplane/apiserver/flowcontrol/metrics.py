"""apiserver_flowcontrol_*: upstream's names, kept as plain numbers on the way of a request and told when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from controlplane.apiserver.flowcontrol.limits import Bounds, Demand
from controlplane.kit.tallies import Buckets

_PREFIX = "apiserver_flowcontrol_"
_SECONDS = (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_LENGTHS = (0, 10, 25, 50, 100, 250, 500, 1000)
_SEATS = (1, 2, 4, 8, 16, 32, 64, 100)
_REASONS = ("concurrency-limit", "queue-full", "time-out")


class FlowStats:
    """What became of the requests of one FlowSchema in one priority level."""

    __slots__ = ("executing", "executing_seats", "execution", "length", "rejected", "seats", "waited", "waiting",
                 "waiting_seats")  # fmt: skip

    def __init__(self) -> None:
        self.executing = self.executing_seats = self.waiting = self.waiting_seats = 0
        self.rejected = dict.fromkeys(_REASONS, 0)
        self.waited = {"true": Buckets(_SECONDS), "false": Buckets(_SECONDS)}  # by whether it was executed
        self.execution = {"regular": Buckets(_SECONDS), "watch": Buckets(_SECONDS)}
        self.length, self.seats = Buckets(_LENGTHS), Buckets(_SEATS)

    @property
    def dispatched(self) -> int:
        return self.executing + sum(sum(one.counts) for one in self.execution.values())


class LevelView(Protocol):
    """What is shown of a priority level."""

    @property
    def bounds(self) -> Bounds: ...
    @property
    def demand(self) -> Demand: ...
    @property
    def limit(self) -> int: ...
    @property
    def target(self) -> float: ...


class FlowMetrics:
    """A collector for prometheus_client."""

    def __init__(self) -> None:
        self.flows: dict[tuple[str, str], FlowStats] = {}  # by priority level and FlowSchema
        self.levels: Mapping[str, LevelView] = {}
        self.fair_fraction = 0.0

    def of(self, level: str, schema: str) -> FlowStats:
        return self.flows.setdefault((level, schema), FlowStats())

    def collect(self) -> Iterable[Metric]:
        yield from self._counters()
        yield from self._gauges()
        yield from self._histograms()
        yield from self._of_levels()
        fraction = "Fraction of what levels asked for that they were last given."
        yield GaugeMetricFamily(f"{_PREFIX}seat_fair_frac", fraction, value=self.fair_fraction)

    def _counters(self) -> Iterator[Metric]:
        by_flow = ["priority_level", "flow_schema"]
        rejected = CounterMetricFamily(f"{_PREFIX}rejected_requests", "Requests refused.", labels=[*by_flow, "reason"])
        dispatched = CounterMetricFamily(f"{_PREFIX}dispatched_requests", "Requests let through.", labels=by_flow)
        for flow, stats in self.flows.items():
            dispatched.add_metric(flow, stats.dispatched)
            for reason, count in stats.rejected.items():
                if count:
                    rejected.add_metric([*flow, reason], count)
        yield from (rejected, dispatched)

    def _gauges(self) -> Iterator[Metric]:
        for name, attribute, text in (
            ("current_inqueue_requests", "waiting", "Requests that wait for a seat."),
            ("current_inqueue_seats", "waiting_seats", "Seats that are waited for."),
            ("current_executing_requests", "executing", "Requests that have their seats."),
            ("current_executing_seats", "executing_seats", "Seats taken."),
        ):
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=["priority_level", "flow_schema"])
            for flow, stats in self.flows.items():
                gauge.add_metric(flow, getattr(stats, attribute))
            yield gauge

    def _histograms(self) -> Iterator[Metric]:
        by_flow = ["priority_level", "flow_schema"]
        name = f"{_PREFIX}request_wait_duration_seconds"
        waited = HistogramMetricFamily(name, "Seconds in a queue.", labels=[*by_flow, "execute"])
        name = f"{_PREFIX}request_execution_seconds"
        execution = HistogramMetricFamily(name, "Seconds on seats.", labels=[*by_flow, "type"])
        name = f"{_PREFIX}request_queue_length_after_enqueue"
        length = HistogramMetricFamily(name, "Length of the queue a request came into.", labels=by_flow)
        seats = HistogramMetricFamily(f"{_PREFIX}work_estimated_seats", "Seats a request takes.", labels=by_flow)
        for flow, stats in self.flows.items():
            _add(length, flow, stats.length)
            _add(seats, flow, stats.seats)
            for family, by_label in ((waited, stats.waited), (execution, stats.execution)):
                for label, buckets in by_label.items():
                    _add(family, (*flow, label), buckets)
        yield from (waited, execution, length, seats)

    def _of_levels(self) -> Iterator[Metric]:
        for name, path, text in (
            ("nominal_limit_seats", "bounds.nominal", "Seats by configuration."),
            ("lower_limit_seats", "bounds.lower", "Seats that are not lent."),
            ("upper_limit_seats", "bounds.upper", "Seats with all that may be borrowed."),
            ("current_limit_seats", "limit", "Seats at present."),
            ("target_seats", "target", "Seats that would be given, were there enough for all."),
            ("demand_seats_high_watermark", "demand.peak", "Most seats asked for at once."),
            ("demand_seats_average", "demand.average", "Seats asked for, on average."),
            ("demand_seats_stdev", "demand.deviation", "And the spread of that."),
            ("demand_seats_smoothed", "demand.smoothed", "Seats asked for, falling slowly."),
        ):
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=["priority_level"])
            for level, view in self.levels.items():
                gauge.add_metric([level], attrgetter(path)(view))
            yield gauge


def _add(family: HistogramMetricFamily, labels: Iterable[str], buckets: Buckets) -> None:
    if any(buckets.counts):
        family.add_metric(list(labels), buckets.cumulated(), buckets.total)
