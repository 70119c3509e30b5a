"""The agent's own figures, under kubelet's names and buckets."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from controlplane.kit.clock import Clock

_DEFAULT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_POD_START = (
    0.5,
    1.0,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
    20.0,
    30.0,
    45.0,
    60.0,
    120.0,
    180.0,
    240.0,
    300.0,
    360.0,
    480.0,
    600.0,
    900.0,
    1200.0,
    1800.0,
    2700.0,
    3600.0,
)
_RUNTIME = tuple(0.005 * 2.5**power for power in range(14))


class KubeletMetrics:
    """What the agent counts; also the stopwatch of its pods."""

    def __init__(self, registry: CollectorRegistry, node_name: str, clock: Clock):
        self._clock, self._relisted_at = clock, -1.0

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = _DEFAULT) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        gauge("kubelet_node_name", "The node's name. The count is always 1.", "node").labels(node_name).set(1)
        gauge("kubelet_node_config_error", "1 if the node is experiencing a configuration error.")
        self.running_pods = gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox")
        self.running_containers = gauge(
            "kubelet_running_containers", "Number of containers currently running", "container_state"
        )
        self.pod_start = histogram(
            "kubelet_pod_start_duration_seconds", "From seeing a pod to its containers running.", buckets=_POD_START
        )
        self.pod_worker = histogram(
            "kubelet_pod_worker_duration_seconds", "Duration of one sync of one pod.", "operation_type"
        )
        self.pleg_relist = histogram("kubelet_pleg_relist_duration_seconds", "Duration of relisting pods in PLEG.")
        self.pleg_interval = histogram("kubelet_pleg_relist_interval_seconds", "Interval between relisting in PLEG.")
        self.runtime_operations = counter(
            "kubelet_runtime_operations", "Cumulative number of runtime operations.", "operation_type"
        )
        self.runtime_errors = counter(
            "kubelet_runtime_operations_errors", "Cumulative number of runtime operation errors.", "operation_type"
        )
        self.runtime_duration = histogram(
            "kubelet_runtime_operations_duration_seconds",
            "Duration of runtime operations.",
            "operation_type",
            buckets=_RUNTIME,
        )
        self.volumes = gauge(
            "volume_manager_total_volumes", "Number of volumes in Volume Manager", "plugin_name", "state"
        )
        self.evictions = counter(
            "kubelet_evictions", "Cumulative number of pod evictions by eviction signal", "eviction_signal"
        )
        self.certificate_ttl = gauge(
            "kubelet_certificate_manager_client_ttl_seconds", "Time left of the client certificate."
        )
        self.serving_ttl = gauge(
            "kubelet_certificate_manager_server_ttl_seconds", "Time left of the serving certificate."
        )
        self.renew_errors = gauge(
            "kubelet_certificate_manager_client_expiration_renew_errors", "Failed renewals of the client certificate."
        )
        self.startup = gauge("kubelet_node_startup_duration_seconds", "Seconds from the agent's start to a ready node.")

    def synced(self, seconds: float) -> None:
        self.pod_worker.labels("sync").observe(seconds)

    def started(self, seconds: float) -> None:
        self.pod_start.observe(seconds)

    def relisted(self, seconds: float) -> None:
        self.pleg_relist.observe(seconds)
        now = self._clock.monotonic()
        if self._relisted_at >= 0:
            self.pleg_interval.observe(now - self._relisted_at)
        self._relisted_at = now

    def since_relist(self) -> float | None:
        """Return how many seconds ago everything was looked at last; None: not yet."""
        return None if self._relisted_at < 0 else self._clock.monotonic() - self._relisted_at

    def observe_runtime(self, operation: str, seconds: float, failed: bool) -> None:
        """Count one call to the container runtime."""
        self.runtime_operations.labels(operation).inc()
        self.runtime_duration.labels(operation).observe(seconds)
        if failed:
            self.runtime_errors.labels(operation).inc()


class Reading(Collector):
    """Lets ready-made families be rendered as Prometheus text."""

    def __init__(self, families: Iterable[Metric]):
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
