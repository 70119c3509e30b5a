"""Which objects a quota counts: one that is scoped counts only those that match every one of its scopes.

    Terminating, NotTerminating          pods with, without activeDeadlineSeconds
    BestEffort, NotBestEffort            pods that ask for nothing, for something
    PriorityClass                        pods by the name of their class
    CrossNamespacePodAffinity            pods that look at other namespaces' pods to find their place
    VolumeAttributesClass                claims by the classes they have, had or shall have

A scope that says nothing of a kind matches no object of it, so such a quota does not count that kind at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from controlplane.api.codec import to_document
from controlplane.api.core_v1 import (
    PersistentVolumeClaim,
    Pod,
    PodAffinityTerm,
    ResourceQuota,
    ScopedResourceSelectorRequirement,
)
from controlplane.api.qos import BEST_EFFORT, qos_class

Scope = ScopedResourceSelectorRequirement


def scopes_of(quota: ResourceQuota) -> list[Scope]:
    """Return a quota's scopes and selector as one list of requirements."""
    plain = [Scope(scope_name=name, operator="Exists") for name in quota.spec.scopes]
    selector = quota.spec.scope_selector
    return [*plain, *(selector.match_expressions if selector is not None else ())]


def pod_in_scope(scope: Scope, pod: Pod) -> bool:
    decide = _POD_SCOPES.get(scope.scope_name)
    return decide is not None and decide(scope, pod)


def claim_in_scope(scope: Scope, claim: PersistentVolumeClaim) -> bool:
    if scope.scope_name != "VolumeAttributesClass":
        return False
    return _selects(scope, _attribute_classes(claim))


def shown(scopes: Collection[Scope]) -> str:
    """Return scopes as upstream's message has them: "[{PriorityClass In [high low]}]"."""
    return "[" + " ".join(f"{{{one.scope_name} {one.operator} [{' '.join(one.values)}]}}" for one in scopes) + "]"


def _selects(scope: Scope, values: Collection[str]) -> bool:
    """Return whether one of the values an object has is meant; one that has none only by an operator that says no."""
    if scope.operator == "Exists":
        return bool(values)
    if scope.operator == "DoesNotExist":
        return not values
    if scope.operator == "In":
        return any(value in scope.values for value in values)
    return not values or any(value not in scope.values for value in values)


def _terminating(pod: Pod) -> bool:
    seconds = pod.spec.active_deadline_seconds
    return seconds is not None and seconds >= 0


def _best_effort(pod: Pod) -> bool:
    return qos_class(to_document(pod.spec)) == BEST_EFFORT


def _crosses_namespaces(pod: Pod) -> bool:
    return any(term.namespaces or term.namespace_selector is not None for term in _terms(pod))


def _terms(pod: Pod) -> Iterator[PodAffinityTerm]:
    affinity = pod.spec.affinity
    if affinity is None:
        return
    for side in (affinity.pod_affinity, affinity.pod_anti_affinity):
        if side is not None:
            yield from side.required_during_scheduling_ignored_during_execution
            for weighted in side.preferred_during_scheduling_ignored_during_execution:
                yield weighted.pod_affinity_term


def _attribute_classes(claim: PersistentVolumeClaim) -> set[str]:
    status = claim.status
    wanted = status.modify_volume_status.target_volume_attributes_class_name if status.modify_volume_status else ""
    names = (claim.spec.volume_attributes_class_name, status.current_volume_attributes_class_name, wanted)
    return {name for name in names if name}


_POD_SCOPES: dict[str, Callable[[Scope, Pod], bool]] = {
    "Terminating": lambda _, pod: _terminating(pod),
    "NotTerminating": lambda _, pod: not _terminating(pod),
    "BestEffort": lambda _, pod: _best_effort(pod),
    "NotBestEffort": lambda _, pod: not _best_effort(pod),
    "PriorityClass": lambda scope, pod: _selects(
        scope, [pod.spec.priority_class_name] if pod.spec.priority_class_name else []
    ),
    "CrossNamespacePodAffinity": lambda _, pod: _crosses_namespaces(pod),
}
