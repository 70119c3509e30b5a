"""What a budget's status says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from controlplane.api.base import IntOrString
from controlplane.api.core_v1 import Pod, PodCondition, PodStatus
from controlplane.api.meta_v1 import Condition
from controlplane.api.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from controlplane.controllers import conditions
from controlplane.controllers.pods import has_finished, is_ready, is_terminating
from controlplane.kit.timestamps import format_time, parse_time

_ALLOWED, _TARGET = "DisruptionAllowed", "DisruptionTarget"
# How long an evicted pod may take to get its deletion timestamp; upstream's number.
_TIMEOUT = timedelta(minutes=2)


def needs_scale(spec: PodDisruptionBudgetSpec) -> bool:
    """Return whether the number of pods there should be matters, besides that of those there are."""
    return spec.max_unavailable is not None or isinstance(spec.min_available, str)


def desired_healthy(spec: PodDisruptionBudgetSpec, expected: int) -> int:
    if spec.max_unavailable is not None:
        return max(0, expected - _share(spec.max_unavailable, expected))
    return _share(spec.min_available or 0, expected)


def _share(limit: IntOrString, total: int) -> int:
    """Return a number as it is, a percentage of the total rounded up."""
    return limit if isinstance(limit, int) else -(-total * int(limit.removesuffix("%")) // 100)


@dataclass(frozen=True, slots=True)
class Disrupted:
    """Pods that the server let go and that are still there, with when it did."""

    pending: Mapping[str, str] = field(default_factory=dict)  # by name: not yet told to go, as it should be any moment
    stayed: tuple[Pod, ...] = ()  # for too long: somebody kept them
    recheck: float | None = None  # seconds until the first of the pending has stayed too long


def disrupted(budget: PodDisruptionBudget, pods: Sequence[Pod], now: datetime) -> Disrupted:
    noted = budget.status.disrupted_pods
    here = [pod for pod in pods if pod.metadata.name in noted and not is_terminating(pod)]
    ends = {pod.metadata.name: parse_time(noted[pod.metadata.name]) + _TIMEOUT for pod in here}
    pending = {name: noted[name] for name, end in ends.items() if end >= now}
    waits = [(ends[name] - now).total_seconds() for name in pending]
    stayed = tuple(pod for pod in here if pod.metadata.name not in pending)
    return Disrupted(pending, stayed, min(waits, default=None))


def status(
    budget: PodDisruptionBudget, pods: Sequence[Pod], expected: int, going: Mapping[str, str], now: datetime
) -> PodDisruptionBudgetStatus:
    """Return the status; `going` are the pods that the server let go, and that are not to be counted on."""
    staying = (pod for pod in pods if not is_terminating(pod) and pod.metadata.name not in going)
    healthy = sum(map(is_ready, staying))
    desired = desired_healthy(budget.spec, expected)
    # Without pods nothing is allowed: the first ones may come before we have looked again.
    allowed = max(0, healthy - desired) if expected > 0 else 0
    counted = PodDisruptionBudgetStatus(
        conditions=budget.status.conditions,
        current_healthy=healthy,
        desired_healthy=desired,
        disrupted_pods=dict(going),
        disruptions_allowed=allowed,
        expected_pods=expected,
        observed_generation=budget.metadata.generation,
    )
    return _with_condition(counted, bool(allowed), "SufficientPods" if allowed else "InsufficientPods", "", now)


def failed(budget: PodDisruptionBudget, why: str, now: datetime) -> PodDisruptionBudgetStatus:
    """Return the status of a budget of which nothing can be told: nobody may be evicted until it can."""
    old = replace(budget.status, disruptions_allowed=0)
    return _with_condition(old, False, "SyncFailed", why, now)


def _with_condition(
    status: PodDisruptionBudgetStatus, allowed: bool, reason: str, message: str, now: datetime
) -> PodDisruptionBudgetStatus:
    old = conditions.find(status.conditions, _ALLOWED)
    state = "True" if allowed else "False"
    since = old.last_transition_time if old is not None and old.status == state else format_time(now)
    condition = Condition(
        type=_ALLOWED,
        status=state,
        reason=reason,
        message=message,
        observed_generation=status.observed_generation,
        last_transition_time=since,
    )
    return replace(status, conditions=[*conditions.without(status.conditions, _ALLOWED), condition])


def stale_after(pod: Pod, now: datetime) -> float | None:
    """Return in how many seconds a pod that was to be disrupted, and is not going, is no more a target; None: never.

    What the node agent says about a pod it ends stays, for ending may take long.
    """
    target = conditions.find(pod.status.conditions, _TARGET)
    if target is None or target.status != "True" or target.reason == "TerminationByKubelet":
        return None
    if is_terminating(pod) or has_finished(pod) or not target.last_transition_time:
        return None
    return max(0.0, (parse_time(target.last_transition_time) + _TIMEOUT - now).total_seconds())


def no_target(pod: Pod, now: datetime) -> PodStatus:
    """Return the status of a pod that nobody disrupts after all."""
    condition = PodCondition(type=_TARGET, status="False", last_transition_time=format_time(now))
    changed = [condition if one.type == _TARGET else one for one in pod.status.conditions]
    return replace(pod.status, conditions=changed)
