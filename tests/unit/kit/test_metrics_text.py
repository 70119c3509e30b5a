"""Metrics as the text that Prometheus reads."""

from __future__ import annotations

from prometheus_client import Histogram

from controlplane.kit.metrics import new_registry, render


def test_bounds_of_buckets_are_written_as_published_rules_select_them() -> None:
    registry = new_registry("v1.37.0")
    Histogram("x_seconds", "X.", ["verb"], buckets=(0.5, 1, 30), registry=registry).labels("GET").observe(1)
    lines = [line for line in render(registry).decode().splitlines() if line.startswith("x_seconds_bucket")]
    assert lines == [
        'x_seconds_bucket{le="0.5",verb="GET"} 0.0',
        'x_seconds_bucket{le="1",verb="GET"} 1.0',
        'x_seconds_bucket{le="30",verb="GET"} 1.0',
        'x_seconds_bucket{le="+Inf",verb="GET"} 1.0',
    ]
