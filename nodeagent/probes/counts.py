"""How often probes succeeded and failed, and how long they took: /metrics/probes, under upstream's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

_LABELS = ("probe_type", "result", "container", "pod", "namespace", "pod_uid")
_TIMED = ("probe_type", "container", "pod", "namespace")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class ProbeCounts:
    """Counts the checks of the node's probes; `registry` shows them, and nothing else."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # upstream has no such series
        self.registry = CollectorRegistry()
        self._checks = Counter(
            "prober_probe",
            "Cumulative number of a liveness, readiness or startup probe for a container by result.",
            _LABELS,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "prober_probe_duration_seconds",
            "Duration in seconds for a probe response.",
            _TIMED,
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def count(
        self, probe_type: str, result: str, container: str, pod: str, namespace: str, pod_uid: str, seconds: float
    ) -> None:
        """Count one check: a type such as Liveness, and successful, failed or unknown."""
        self._checks.labels(probe_type, result, container, pod, namespace, pod_uid).inc()
        self._seconds.labels(probe_type, container, pod, namespace).observe(seconds)

    def forget(self, pod: str, namespace: str, pod_uid: str) -> None:
        """Show no more of a pod that has gone: its series would be there for ever."""
        self._checks.remove_by_labels({"pod_uid": pod_uid})
        self._seconds.remove_by_labels({"pod": pod, "namespace": namespace})
