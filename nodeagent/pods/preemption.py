"""Which pods make room for a critical one: as few as possible, those that were promised least first.

Best effort pods go before burstable ones, and these before guaranteed ones: of a better class only what all worse ones
together could not give. Within a class the pod goes that alone gives most of what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from controlplane.api import qos
from controlplane.api.core_v1 import Pod
from controlplane.api.pod_requests import Resources, pod_requests
from nodeagent.pods import names
from nodeagent.pods.resources import SYSTEM_CRITICAL, qos_class

REASON, MESSAGE = "Preempting", "Preempted in order to admit critical pod"


class NoVictims(Exception):
    """Not even all pods together that may be ended would make room."""


def is_critical(pod: Pod) -> bool:
    """Whether the node must not be without the pod: it is of its own files, or its priority says so."""
    return names.is_static(pod) or names.is_mirror(pod) or (pod.spec.priority or 0) >= SYSTEM_CRITICAL


def choose_victims(pod: Pod, present: Iterable[Pod], missing: Mapping[str, int]) -> tuple[Pod, ...]:
    """Return the pods that have to end so that so much more is left. Raises NoVictims."""
    lesser = [one for one in present if _may_end_for(one, pod)]
    best_effort, burstable, guaranteed = (
        [one for one in lesser if qos_class(one) == wanted]
        for wanted in (qos.BEST_EFFORT, qos.BURSTABLE, qos.GUARANTEED)
    )
    still = _without(missing, lesser)
    if still:
        words = ", ".join(f"(res: {name}, q: {amount})" for name, amount in still.items())
        raise NoVictims(f"no set of running pods found to reclaim resources: [{words}]")
    third = _fewest(guaranteed, _without(missing, best_effort + burstable))
    second = _fewest(burstable, _without(missing, best_effort + third))
    first = _fewest(best_effort, _without(missing, second + third))
    return (*first, *second, *third)


def _may_end_for(pod: Pod, other: Pod) -> bool:
    if is_critical(other) and not is_critical(pod):
        return True
    ours, theirs = pod.spec.priority, other.spec.priority
    return ours is not None and theirs is not None and theirs > ours


def _gives(pod: Pod) -> Resources:
    return {**pod_requests(pod.spec), "pods": 1}


def _without(missing: Mapping[str, int], ended: Iterable[Pod]) -> dict[str, int]:
    """Return what is still missing once these pods have ended."""
    left = dict(missing)
    for pod in ended:
        given = _gives(pod)
        left = {name: amount - given.get(name, 0) for name, amount in left.items()}
    return {name: amount for name, amount in left.items() if amount > 0}


def _fewest(pods: Sequence[Pod], missing: Mapping[str, int]) -> list[Pod]:
    candidates, chosen, left = list(pods), [], dict(missing)
    while left:
        best = min(candidates, key=lambda pod: (_distance(pod, left), _size(pod)))
        candidates.remove(best)
        chosen.append(best)
        left = _without(left, [best])
    return chosen


def _distance(pod: Pod, missing: Mapping[str, int]) -> float:
    """Return how far from enough the pod's end would be: 0 is all that is missing, 1 for each resource not given."""
    given = _gives(pod)
    shares = (max(0, amount - given.get(name, 0)) / amount for name, amount in missing.items())
    return sum(share * share for share in shares)


def _size(pod: Pod) -> tuple[int, int]:
    wanted = pod_requests(pod.spec)
    return wanted.get("memory", 0), wanted.get("cpu", 0)
