"""Counters and histograms in plain numbers, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from controlplane.kit.metrics import render
from controlplane.kit.tallies import Buckets, Counters, Histograms


def test_a_value_counts_for_the_bound_it_equals() -> None:
    buckets = Buckets((1, 5))
    for value in (0.5, 1, 1.5, 5, 7):
        buckets.observe(value)
    assert buckets.cumulated() == [("1.0", 2.0), ("5.0", 4.0), ("+Inf", 5.0)]
    assert buckets.total == 15


def test_as_text() -> None:
    registry = CollectorRegistry()
    seconds = Histograms("x_seconds", "X.", ("verb",), (0.5, 30), registry)
    counts = Counters("x", "Y.", ("verb",), registry)
    seconds.of("GET").observe(2)
    counts.of("GET").value += 3
    assert counts.of("GET") is counts.of("GET")
    assert render(registry).decode().splitlines() == [
        "# HELP x_seconds X.",
        "# TYPE x_seconds histogram",
        'x_seconds_bucket{le="0.5",verb="GET"} 0.0',
        'x_seconds_bucket{le="30",verb="GET"} 1.0',
        'x_seconds_bucket{le="+Inf",verb="GET"} 1.0',
        'x_seconds_count{verb="GET"} 1.0',
        'x_seconds_sum{verb="GET"} 2.0',
        "# HELP x_total Y.",
        "# TYPE x_total counter",
        'x_total{verb="GET"} 3.0',
    ]
