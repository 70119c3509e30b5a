"""What Prometheus sees of the scheduler, under upstream's names and with its buckets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PROFILE = "default-scheduler"


def _doubling(first: float, count: int) -> tuple[float, ...]:
    return tuple(first * 2**step for step in range(count))


class SchedulerMetrics:
    """The numbers of one scheduler."""

    def __init__(self, registry: CollectorRegistry):
        self._attempts = Counter(
            "scheduler_schedule_attempts",
            "Attempts by result: scheduled, unschedulable (no node suits) or error.",
            ["result", "profile"],
            registry=registry,
        )
        self._attempt_duration = Histogram(
            "scheduler_scheduling_attempt_duration_seconds",
            "Seconds of an attempt, from its turn to the binding.",
            ["result", "profile"],
            buckets=_doubling(0.001, 15),
            registry=registry,
        )
        self._algorithm_duration = Histogram(
            "scheduler_scheduling_algorithm_duration_seconds",
            "Seconds of the decision alone.",
            buckets=_doubling(0.001, 15),
            registry=registry,
        )
        self._sli_duration = Histogram(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "Seconds from a pod's first turn until it is bound, by number of attempts.",
            ["attempts"],
            buckets=_doubling(0.01, 20),
            registry=registry,
        )
        self._pod_attempts = Histogram(
            "scheduler_pod_scheduling_attempts",
            "Attempts that a pod took until it was bound.",
            buckets=_doubling(1, 5),
            registry=registry,
        )
        self._extension_point = Histogram(
            "scheduler_framework_extension_point_duration_seconds",
            "Seconds at each step of an attempt.",
            ["extension_point", "status", "profile"],
            buckets=_doubling(0.0001, 12),
            registry=registry,
        )
        self._incoming = Counter(
            "scheduler_queue_incoming_pods",
            "Pods that entered a queue, by what brought them there.",
            ["queue", "event"],
            registry=registry,
        )
        self._pending = Gauge("scheduler_pending_pods", "Pods that wait, by queue.", ["queue"], registry=registry)
        self._cache = Gauge("scheduler_scheduler_cache_size", "What is cached.", ["type"], registry=registry)

    def watch(self, pending: Callable[[], Mapping[str, int]], cached: Callable[[], Mapping[str, int]]) -> None:
        """Read these whenever Prometheus asks."""
        for pool in ("active", "backoff", "unschedulable", "gated"):
            self._pending.labels(pool).set_function(partial(_one, pending, pool))
        for kind in ("nodes", "pods", "assumed_pods"):
            self._cache.labels(kind).set_function(partial(_one, cached, kind))

    def arrived(self, pool: str, event: str) -> None:
        self._incoming.labels(pool, event).inc()

    def decided(self, seconds: float) -> None:
        self._algorithm_duration.observe(seconds)

    def attempted(self, result: str, seconds: float) -> None:
        self._attempts.labels(result, PROFILE).inc()
        self._attempt_duration.labels(result, PROFILE).observe(seconds)

    def stepped(self, extension_point: str, status: str, seconds: float) -> None:
        self._extension_point.labels(extension_point, status, PROFILE).observe(seconds)

    def bound(self, attempts: int, seconds: float) -> None:
        self._pod_attempts.observe(attempts)
        self._sli_duration.labels(str(min(attempts, 16))).observe(seconds)


def _one(read: Callable[[], Mapping[str, int]], name: str) -> float:
    return read().get(name, 0)
