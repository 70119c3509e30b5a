"""PodDisruptionBudgets."""

from __future__ import annotations

from controlplane.api.policy_v1 import PodDisruptionBudget
from controlplane.api.status import FieldError
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.errors import at_least_zero, invalid, not_supported
from controlplane.api.validation.numbers import validate_at_most_all, validate_count_or_percent
from controlplane.api.validation.selectors import validate_selector

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def validate_disruption_budget(budget: PodDisruptionBudget) -> list[FieldError]:
    spec = budget.spec
    errors: list[FieldError] = []
    if spec.min_available is not None and spec.max_unavailable is not None:
        errors.append(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for field, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        errors += validate_count_or_percent(value, f"spec.{field}")
        errors += validate_at_most_all(value, f"spec.{field}")
    errors += validate_selector(spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy and policy not in _POLICIES:
        errors.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES))
    return errors


def validate_disruption_budget_status(new: PodDisruptionBudget, old: object) -> list[FieldError]:
    status = new.status
    errors = list(validate_conditions(status.conditions, "status.conditions"))
    for field, number in (
        ("disruptionsAllowed", status.disruptions_allowed),
        ("currentHealthy", status.current_healthy),
        ("desiredHealthy", status.desired_healthy),
        ("expectedPods", status.expected_pods),
    ):
        errors += at_least_zero(f"status.{field}", number)
    return errors
