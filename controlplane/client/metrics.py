"""What Prometheus sees of a client and of work queues, under upstream's names and with its buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# client-go's buckets for request latency, in seconds.
_LATENCY = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
# client-go's buckets for queue and work durations: 10 ns growing tenfold, in seconds.
_QUEUE = tuple(10.0**exponent for exponent in range(-8, 2))


class RestClientMetrics:
    """Counts and times the requests of one process."""

    def __init__(self, registry: CollectorRegistry):
        self._requests = Counter(
            "rest_client_requests",
            "Requests by status code, method and host.",
            ["code", "method", "host"],
            registry=registry,
        )
        self._duration = Histogram(
            "rest_client_request_duration_seconds",
            "Seconds until the answer, by verb and host.",
            ["verb", "host"],
            buckets=_LATENCY,
            registry=registry,
        )

    def observe(self, method: str, code: str, host: str, seconds: float) -> None:
        self._requests.labels(code, method, host).inc()
        self._duration.labels(method, host).observe(seconds)


class WorkQueueMetrics:
    """Depth, waiting time and working time of every named work queue of one process."""

    def __init__(self, registry: CollectorRegistry):
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"workqueue_{name}", text, ["name"], registry=registry)

        def counter(name: str, text: str) -> Counter:
            return Counter(f"workqueue_{name}", text, ["name"], registry=registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(f"workqueue_{name}", text, ["name"], buckets=_QUEUE, registry=registry)

        self._depth = gauge("depth", "Keys waiting.")
        self._adds = counter("adds", "Keys added.")
        self._retries = counter("retries", "Keys added again after a failure.")
        self._queue_duration = histogram("queue_duration_seconds", "Seconds a key waits before it is worked on.")
        self._work_duration = histogram("work_duration_seconds", "Seconds a key is worked on.")
        self._unfinished = gauge("unfinished_work_seconds", "Sum of the seconds that work under way has taken so far.")
        self._longest = gauge("longest_running_processor_seconds", "Seconds of the longest work under way.")

    def of(self, name: str, working: Callable[[], Sequence[float]]) -> QueueNumbers:
        """Return the numbers of one queue; `working` says how long each piece of work under way has taken."""
        self._unfinished.labels(name).set_function(lambda: sum(working()))
        self._longest.labels(name).set_function(lambda: max(working(), default=0.0))
        return QueueNumbers(
            depth=self._depth.labels(name),
            adds=self._adds.labels(name),
            retries=self._retries.labels(name),
            queue_duration=self._queue_duration.labels(name),
            work_duration=self._work_duration.labels(name),
        )


@dataclass(frozen=True, slots=True)
class QueueNumbers:
    """The metrics of one named queue."""

    depth: Gauge
    adds: Counter
    retries: Counter
    queue_duration: Histogram
    work_duration: Histogram

    def added(self, depth: int) -> None:
        self.adds.inc()
        self.depth.set(depth)

    def taken(self, waited: float, depth: int) -> None:
        self.queue_duration.observe(waited)
        self.depth.set(depth)
