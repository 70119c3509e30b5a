"""How long admission takes and what webhooks and policies answered, under upstream's names and with its buckets.

Every write passes a dozen plug-ins twice, so their durations are counted in plain lists and turned into a histogram
when somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from controlplane.admission.interface import Operation

_PLUGIN = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)  # seconds
_WEBHOOK = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25)
_CONDITION = (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25)
_POLICY = (0.0000005, 0.001, 0.01, 0.1, 1.0)


class Durations(Collector):
    """A histogram whose observations cost next to nothing."""

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]):
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[labels] += seconds

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        bounds = [*map(str, map(float, self._bounds)), "+Inf"]
        for labels, counts in self._counts.items():
            total, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip(bounds, counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric(labels, buckets, self._sums[labels])
        yield family


class AdmissionMetrics:
    """Everything that is measured of admission."""

    def __init__(self, registry: CollectorRegistry):
        self._plugins = Durations(
            "apiserver_admission_controller_admission_duration_seconds",
            "Seconds that each admission plug-in takes.",
            ("name", "type", "operation", "rejected"),
            _PLUGIN,
        )
        self._steps = Durations(
            "apiserver_admission_step_admission_duration_seconds",
            "Seconds that mutating, and that validating admission takes.",
            ("type", "operation", "rejected"),
            _PLUGIN,
        )
        registry.register(self._plugins)
        registry.register(self._steps)
        named = ["name", "type", "operation"]
        self._webhooks = Histogram(
            "apiserver_admission_webhook_admission_duration_seconds",
            "Seconds that each webhook takes to answer.",
            [*named, "rejected"],
            buckets=_WEBHOOK,
            registry=registry,
        )
        self._requests = Counter(
            "apiserver_admission_webhook_request",
            "Calls of each webhook by the status code of its answer.",
            [*named, "code", "rejected"],
            registry=registry,
        )
        # Upstream counts these under names that a Counter here would put _total to.
        self._rejections = Gauge(
            "apiserver_admission_webhook_rejection_count",
            "Requests that each webhook refused, or that failed with it.",
            [*named, "error_type", "rejection_code"],
            registry=registry,
        )
        self._open = Gauge(
            "apiserver_admission_webhook_fail_open_count",
            "Requests that passed although a webhook failed.",
            ["name", "type"],
            registry=registry,
        )
        self._mistakes = Counter(
            "apiserver_admission_match_condition_evaluation_errors",
            "Match conditions without a value.",
            ["name", "kind", "type", "operation"],
            registry=registry,
        )
        self._exclusions = Counter(
            "apiserver_admission_match_condition_exclusions",
            "Requests that match conditions kept away from a webhook or policy.",
            ["name", "kind", "type", "operation"],
            registry=registry,
        )
        self._conditions = Histogram(
            "apiserver_admission_match_condition_evaluation_seconds",
            "Seconds that match conditions take.",
            ["name", "kind", "type", "operation"],
            buckets=_CONDITION,
            registry=registry,
        )
        self._checks = {
            kind: (
                Counter(
                    f"apiserver_{kind}_admission_policy_check",
                    "Decisions of policies, by binding and by what was done.",
                    ["policy", "policy_binding", "error_type", "enforcement_action"],
                    registry=registry,
                ),
                Histogram(
                    f"apiserver_{kind}_admission_policy_check_duration_seconds",
                    "Seconds that decisions of policies take.",
                    ["policy", "policy_binding", "error_type", "enforcement_action"],
                    buckets=_POLICY,
                    registry=registry,
                ),
            )
            for kind in ("validating", "mutating")
        }

    def plugin(self, name: str, step: str, operation: Operation, rejected: bool, seconds: float) -> None:
        self._plugins.observe((name, step, operation.value, "true" if rejected else "false"), seconds)

    def step(self, step: str, operation: Operation, rejected: bool, seconds: float) -> None:
        self._steps.observe((step, operation.value, "true" if rejected else "false"), seconds)

    def webhook(self, name: str, step: str, operation: Operation, rejected: bool, code: int, seconds: float) -> None:
        said = "true" if rejected else "false"
        self._webhooks.labels(name, step, operation.value, said).observe(seconds)
        self._requests.labels(name, step, operation.value, str(min(code, 600)), said).inc()

    def rejection(self, name: str, step: str, operation: Operation, error_type: str, code: int) -> None:
        self._rejections.labels(name, step, operation.value, error_type, str(min(code, 600))).inc()

    def failed_open(self, name: str, step: str) -> None:
        self._open.labels(name, step).inc()

    def conditions(self, name: str, kind: str, step: str, operation: Operation, seconds: float) -> None:
        self._conditions.labels(name, kind, step, operation.value).observe(seconds)

    def condition_failed(self, name: str, kind: str, step: str, operation: Operation) -> None:
        self._mistakes.labels(name, kind, step, operation.value).inc()

    def excluded(self, name: str, kind: str, step: str, operation: Operation) -> None:
        self._exclusions.labels(name, kind, step, operation.value).inc()

    def policy(self, kind: str, policy: str, binding: str, error_type: str, action: str, seconds: float) -> None:
        total, duration = self._checks[kind]
        total.labels(policy, binding, error_type, action).inc()
        duration.labels(policy, binding, error_type, action).observe(seconds)
