"""How many aggregated APIs are down: what the alert KubeAggregatedAPIDown looks at."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_NAME = "aggregator_unavailable_apiservice"


class AvailabilityMetrics:
    """A gauge and a counter of nearly one name, which the library's own classes would refuse to be."""

    def __init__(self, registry: CollectorRegistry):
        self._unavailable: dict[str, bool] = {}
        self._times: dict[tuple[str, str], int] = {}
        registry.register(self)

    def said(self, name: str, *, available: bool, reason: str, changed: bool) -> None:
        """Note the state of an APIService, and that it has just become unavailable."""
        self._unavailable[name] = not available
        if changed and not available:
            self._times[name, reason] = self._times.get((name, reason), 0) + 1

    def forget(self, name: str) -> None:
        self._unavailable.pop(name, None)

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily(
            _NAME, "APIServices that are marked as unavailable, by APIService name.", labels=["name"]
        )
        for name, unavailable in self._unavailable.items():
            gauge.add_metric([name], float(unavailable))
        yield gauge
        counter = CounterMetricFamily(
            _NAME, "How often APIServices were marked as unavailable, by name and reason.", labels=["name", "reason"]
        )
        for (name, reason), times in self._times.items():
            counter.add_metric([name, reason], float(times))
        yield counter
