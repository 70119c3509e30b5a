"""Where a pod may run: tolerations, affinity, spreading."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.core_v1 import (
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    PodSpec,
    Toleration,
    TopologySpreadConstraint,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, duplicate, forbidden, invalid, not_supported, required
from controlplane.api.validation.selectors import validate_selector

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_WHEN = ("DoNotSchedule", "ScheduleAnyway")


def validate_scheduling(spec: PodSpec, path: str) -> Iterator[FieldError]:
    for index, toleration in enumerate(spec.tolerations):
        yield from validate_toleration(toleration, f"{path}.tolerations[{index}]")
    if spec.affinity is not None:
        yield from _validate_affinity(spec, f"{path}.affinity")
    yield from _validate_spread(spec.topology_spread_constraints, f"{path}.topologySpreadConstraints")
    seen: set[str] = set()
    for index, gate in enumerate(spec.scheduling_gates):
        yield from checked(f"{path}.schedulingGates[{index}]", gate.name, names.qualified_name(gate.name))
        if gate.name in seen:
            yield duplicate(f"{path}.schedulingGates[{index}]", gate.name)
        seen.add(gate.name)


def validate_toleration(toleration: Toleration, path: str) -> Iterator[FieldError]:
    if toleration.key:
        yield from checked(f"{path}.key", toleration.key, names.qualified_name(toleration.key))
    elif toleration.operator != "Exists":
        why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield invalid(f"{path}.operator", toleration.operator, why)
    if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
        yield invalid(f"{path}.effect", toleration.effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if toleration.operator in ("", "Equal"):
        if problems := names.label_value(toleration.value):
            yield invalid(f"{path}.operator", toleration.value, ";".join(problems))
    elif toleration.operator == "Exists":
        if toleration.value:
            yield invalid(f"{path}.operator", toleration, "value must be empty when `operator` is 'Exists'")
    else:
        yield not_supported(f"{path}.operator", toleration.operator, ("Equal", "Exists"))
    if toleration.effect and toleration.effect not in EFFECTS:
        yield not_supported(f"{path}.effect", toleration.effect, EFFECTS)


def _validate_affinity(spec: PodSpec, path: str) -> Iterator[FieldError]:
    affinity = spec.affinity
    if affinity is None:
        return
    node = affinity.node_affinity
    if node is not None:
        where = f"{path}.nodeAffinity"
        if node.required_during_scheduling_ignored_during_execution is not None:
            required_path = f"{where}.requiredDuringSchedulingIgnoredDuringExecution"
            yield from validate_node_selector(node.required_during_scheduling_ignored_during_execution, required_path)
        for index, preferred in enumerate(node.preferred_during_scheduling_ignored_during_execution):
            at = f"{where}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
            yield from _validate_weight(preferred.weight, at)
            yield from _validate_term(preferred.preference or NodeSelectorTerm(), f"{at}.preference")
    yield from _validate_pod_affinity(affinity.pod_affinity, f"{path}.podAffinity")
    yield from _validate_pod_affinity(affinity.pod_anti_affinity, f"{path}.podAntiAffinity")


def _validate_weight(weight: int | None, path: str) -> Iterator[FieldError]:
    if not 1 <= (weight or 0) <= 100:
        yield invalid(f"{path}.weight", weight or 0, "must be in the range 1-100")


def validate_node_selector(selector: NodeSelector, path: str) -> Iterator[FieldError]:
    if not selector.node_selector_terms:
        yield required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(selector.node_selector_terms):
        yield from _validate_term(term, f"{path}.nodeSelectorTerms[{index}]")


def _validate_term(term: NodeSelectorTerm, path: str) -> Iterator[FieldError]:
    for index, requirement in enumerate(term.match_expressions):
        yield from _validate_requirement(requirement, f"{path}.matchExpressions[{index}]")
    for index, requirement in enumerate(term.match_fields):
        yield from _validate_field_requirement(requirement, f"{path}.matchFields[{index}]")


def _validate_requirement(requirement: NodeSelectorRequirement, path: str) -> Iterator[FieldError]:
    operator, values = requirement.operator, requirement.values
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    yield from checked(f"{path}.key", requirement.key, names.qualified_name(requirement.key))


def _validate_field_requirement(requirement: NodeSelectorRequirement, path: str) -> Iterator[FieldError]:
    if requirement.operator not in ("In", "NotIn"):
        yield invalid(f"{path}.operator", requirement.operator, "not a valid selector operator")
    elif len(requirement.values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield required(f"{path}.values", why)
    if requirement.key != "metadata.name":
        yield invalid(f"{path}.key", requirement.key, "not a valid field selector key")


def _validate_pod_affinity(affinity: PodAffinity | PodAntiAffinity | None, path: str) -> Iterator[FieldError]:
    if affinity is None:
        return
    for index, term in enumerate(affinity.required_during_scheduling_ignored_during_execution):
        yield from _validate_pod_term(term, f"{path}.requiredDuringSchedulingIgnoredDuringExecution[{index}]")
    for index, weighted in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        at = f"{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        yield from _validate_weight(weighted.weight, at)
        yield from _validate_pod_term(weighted.pod_affinity_term or PodAffinityTerm(), f"{at}.podAffinityTerm")


def _validate_pod_term(term: PodAffinityTerm, path: str) -> Iterator[FieldError]:
    yield from validate_selector(term.label_selector, f"{path}.labelSelector")
    yield from validate_selector(term.namespace_selector, f"{path}.namespaceSelector")
    for index, namespace in enumerate(term.namespaces):
        yield from checked(f"{path}.namespaces[{index}]", namespace, names.dns1123_label(namespace))
    if not term.topology_key:
        yield required(f"{path}.topologyKey", "can not be empty")
    yield from checked(f"{path}.topologyKey", term.topology_key, names.qualified_name(term.topology_key))


def _validate_spread(constraints: list[TopologySpreadConstraint], path: str) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        at, key = f"{path}[{index}]", (constraint.topology_key, constraint.when_unsatisfiable)
        if (constraint.max_skew or 0) <= 0:
            yield invalid(f"{at}.maxSkew", constraint.max_skew or 0, "must be greater than zero")
        if not constraint.topology_key:
            yield required(f"{at}.topologyKey", "can not be empty")
        if constraint.when_unsatisfiable not in _WHEN:
            yield not_supported(f"{at}.whenUnsatisfiable", constraint.when_unsatisfiable, _WHEN)
        if key in seen:
            yield duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{key[0]}, {key[1]}}}")
        seen.add(key)
        yield from validate_selector(constraint.label_selector, f"{at}.labelSelector")
