"""How long admission takes and what webhooks and policies answered, under upstream's names and with its buckets."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controlplane.admission.interface import Observe, Operation
from controlplane.kit.tallies import Histograms

_PLUGIN = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)  # seconds
_WEBHOOK = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10, 25)
_CONDITION = (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25)
_POLICY = (0.0000005, 0.001, 0.01, 0.1, 1.0)


class AdmissionMetrics:
    """Everything that is measured of admission."""

    def __init__(self, registry: CollectorRegistry):
        self._plugins = Histograms(
            "apiserver_admission_controller_admission_duration_seconds",
            "Seconds that each admission plug-in takes.",
            ("name", "type", "operation", "rejected"),
            _PLUGIN,
            registry,
        )
        self._steps = Histograms(
            "apiserver_admission_step_admission_duration_seconds",
            "Seconds that mutating, and that validating admission takes.",
            ("type", "operation", "rejected"),
            _PLUGIN,
            registry,
        )
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

    def plugin(self, name: str, step: str, operation: Operation, rejected: bool) -> Observe:
        return self._plugins.of(name, step, operation.value, "true" if rejected else "false").observe

    def step(self, step: str, operation: Operation, rejected: bool) -> Observe:
        return self._steps.of(step, operation.value, "true" if rejected else "false").observe

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
