"""Whether a pod may be evicted: what disruption budgets say of it, and how an eviction is written into one.

    pod has ended, has not begun, is ending      no budget is asked
    no budget selects it                         evict
    it is not ready, and the budget does not
    count on pods that are not                   evict, if it is still not ready by then
    the budget allows a disruption               write into the budget that it is spent, evict
    else                                         429: try again later

The numbers of a budget are the disruption controller's; an eviction takes one off, and notes the pod's name so that the
controller does not count it as healthy while it is still there.
"""

from __future__ import annotations

from collections.abc import Iterable

from controlplane.api.codec import Document
from controlplane.api.core_v1 import Pod
from controlplane.api.meta_v1 import StatusCause, StatusDetails
from controlplane.api.policy_v1 import PodDisruptionBudget
from controlplane.api.selectors import SelectorError, label_selector
from controlplane.api.status import Forbidden, InternalError, StatusError, TooManyRequests

_CAUSE = "DisruptionBudget"
_ALLOWED = "DisruptionAllowed"
_MOST_EVICTED = 2000  # pods that the controller has not yet seen leave
_RETRY = 10  # seconds

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def ignores_budgets(pod: Pod) -> bool:
    """Return whether a pod's going disrupts nothing any more, or nothing yet."""
    return pod.status.phase in ("Succeeded", "Failed", "Pending") or bool(pod.metadata.deletion_timestamp)


def may_become_healthy(pod: Pod) -> bool:
    """Return whether such a pod could count by the time it is deleted."""
    return pod.status.phase not in ("Succeeded", "Failed") and not pod.metadata.deletion_timestamp


def is_ready(pod: Pod) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions)


def budget_of(pod: Pod, budgets: Iterable[PodDisruptionBudget]) -> PodDisruptionBudget | None:
    """Return the budget of a namespace that selects a pod. Raises InternalError if several do."""
    selecting = [budget for budget in budgets if _selects(budget, pod)]
    if len(selecting) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    return selecting[0] if selecting else None


def _selects(budget: PodDisruptionBudget, pod: Pod) -> bool:
    try:
        return label_selector(budget.spec.selector).matches(pod.metadata.labels)
    except SelectorError:
        return False


def goes_free(pod: Pod, budget: PodDisruptionBudget) -> bool:
    """Return whether a pod may go without being counted: it is not healthy, so it does not count."""
    if is_ready(pod):
        return False
    status = budget.status
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    desired = status.desired_healthy or 0
    return desired > 0 and (status.current_healthy or 0) >= desired


def spend(budget: Document, pod_name: str, now: str) -> None:
    """Take one disruption off a budget for a pod. Raises TooManyRequests, Forbidden."""
    metadata, status = budget["metadata"], budget.setdefault("status", {})
    name = metadata["name"]
    if (status.get("observedGeneration") or 0) < (metadata.get("generation") or 0):
        raise still_processed(name)
    allowed, evicted = status.get("disruptionsAllowed") or 0, status.get("disruptedPods") or {}
    if allowed < 0:
        raise _forbidden(name, "pdb disruptions allowed is negative")
    if len(evicted) > _MOST_EVICTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise _forbidden(name, why)
    if not allowed:
        raise _too_many(_why_not(name, status), 0)
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = {**evicted, pod_name: now}
    if allowed == 1:
        _note_exhausted(status, now)


def still_processed(name: str) -> TooManyRequests:
    return _too_many(f"The disruption budget {name} is still being processed by the server.", _RETRY)


def _too_many(cause: str, seconds: int) -> TooManyRequests:
    causes = [StatusCause(reason=_CAUSE, message=cause)]
    return TooManyRequests(_REFUSED, details=StatusDetails(causes=causes, retry_after_seconds=seconds or None))


def _forbidden(name: str, why: str) -> StatusError:
    details = StatusDetails(name=name, group="policy", kind="poddisruptionbudget")
    return Forbidden(f'poddisruptionbudget.policy "{name}" is forbidden: {why}', details=details)


def _why_not(name: str, status: Document) -> str:
    condition = _condition(status, _ALLOWED)
    reason, message = condition.get("reason", ""), condition.get("message", "")
    told = condition.get("status") == "False" and bool(message)
    not_now = f"The disruption budget {name} does not allow evicting pods currently"
    # The controller could not tell: its numbers are old.
    if told and reason == "SyncFailed":
        return f"{not_now} because it failed sync: {message}"
    current, desired = status.get("currentHealthy") or 0, status.get("desiredHealthy") or 0
    if current <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {current} currently"
    return f"{not_now} ({reason}): {message}" if told else not_now


def _note_exhausted(status: Document, now: str) -> None:
    old = _condition(status, _ALLOWED)
    condition: Document = {"type": _ALLOWED, "status": "False", "reason": "InsufficientPods", "message": ""}
    condition["lastTransitionTime"] = old["lastTransitionTime"] if old.get("status") == "False" else now
    if generation := status.get("observedGeneration"):
        condition["observedGeneration"] = generation
    _put(status, condition)


def _condition(status: Document, type_: str) -> Document:
    """Return a condition of a status, {} if it is not there."""
    found: Document = next((one for one in status.get("conditions") or () if one.get("type") == type_), {})
    return found


def _put(status: Document, condition: Document) -> None:
    others = [one for one in status.get("conditions") or () if one.get("type") != condition["type"]]
    status["conditions"] = [*others, condition]


def mark_target(pod: Document, now: str) -> bool:
    """Write into a pod that it goes because it was evicted; return whether that is new."""
    status = pod.setdefault("status", {})
    told = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    old = _condition(status, told["type"])
    if {name: old.get(name) for name in told} == told:
        return False
    told["lastTransitionTime"] = old["lastTransitionTime"] if old.get("status") == "True" else now
    _put(status, told)
    return True
