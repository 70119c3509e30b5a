"""The metrics every component has, whatever it does, under the names that dashboards plot."""

from __future__ import annotations

import asyncio
import platform
import re
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST


def new_registry(version: str) -> CollectorRegistry:
    """Return a registry that knows this process and build. One registry a component: nothing is reported twice."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a *_created series beside each counter, which upstream does not have
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Runtime())
    build = Gauge(
        "kubernetes_build_info",
        "The build of this program.",
        ["major", "minor", "git_version", "go_version", "compiler", "platform"],
        registry=registry,
    )
    major, minor = version.lstrip("v").split(".")[:2]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    build.labels(major, minor, version, python, "cpython", f"linux/{platform.machine()}").set(1)
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """Return every metric as Prometheus text, bounds of buckets as Go writes them: published rules select le="1"."""
    return _WHOLE_BOUND.sub(rb'le="\1"', generate_latest(registry))


_WHOLE_BOUND = re.compile(rb'\ble="(\d+)\.0"')


class _Runtime:
    """Counts tasks under the name that published dashboards plot for Go's."""

    def collect(self) -> Iterable[Metric]:
        try:
            tasks = len(asyncio.all_tasks())
        except RuntimeError:  # scraped from outside the event loop
            tasks = 0
        yield GaugeMetricFamily("go_goroutines", "Tasks that exist: Python's counterpart of goroutines.", value=tasks)
