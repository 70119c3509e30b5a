"""Counters and histograms that cost next to nothing, for what every request is counted in.

prometheus_client takes a lock for each step of each observation. What happens on one event loop needs none: it is kept
in plain numbers here, and turned into Prometheus' metrics when somebody scrapes.

    seconds = Histograms("apiserver_request_duration_seconds", "Seconds until ...", ("verb", "code"), (0.1, 1.0))
    observe = seconds.of("GET", "200").observe      # looked up once
    observe(0.034)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Buckets:
    """Counts of values by upper bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]):
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulated(self) -> list[tuple[str, float]]:
        """Return how many values are at most each bound, as HistogramMetricFamily wants them."""
        found, sum_ = list[tuple[str, float]](), 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            sum_ += count
            found.append(("+Inf" if bound == float("inf") else str(float(bound)), float(sum_)))
        return found


class Count:
    """Something that is counted."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Histograms(Collector):
    """A histogram with labels."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        bounds: Sequence[float],
        registry: CollectorRegistry | None = None,
    ):
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._of: dict[tuple[str, ...], Buckets] = {}
        if registry is not None:
            registry.register(self)

    def of(self, *labels: str) -> Buckets:
        """Return the buckets of one combination of labels."""
        found = self._of.get(labels)
        if found is None:
            found = self._of[labels] = Buckets(self._bounds)
        return found

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, buckets in self._of.items():
            family.add_metric(labels, buckets.cumulated(), buckets.total)
        yield family


class Counters(Collector):
    """A counter with labels; Prometheus sees its name with `_total`."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry | None = None):
        self._name, self._text, self._labels = name, text, labels
        self._of: dict[tuple[str, ...], Count] = {}
        if registry is not None:
            registry.register(self)

    def of(self, *labels: str) -> Count:
        """Return the count of one combination of labels."""
        found = self._of.get(labels)
        if found is None:
            found = self._of[labels] = Count()
        return found

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._of.items():
            family.add_metric(labels, count.value)
        yield family
