"""Which warnings a policy deserves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace as changed
from itertools import product

from msgspec.structs import replace

from controlplane.admission.expressions import Environment, ExpressionError, compile_with
from controlplane.admission.policies.kinds import object_type
from controlplane.api.admissionregistration_v1 import (
    ExpressionWarning,
    TypeChecking,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyStatus,
)
from controlplane.api.resources import RESOURCES, Resource
from controlplane.cel.types import DYN, Type

_MOST_KINDS = 10

_BY_PLURAL: Mapping[tuple[str, str, str], Resource] = {(one.group, one.version, one.plural): one for one in RESOURCES}


def plan(policy: ValidatingAdmissionPolicy) -> ValidatingAdmissionPolicyStatus | None:
    """Return the status to write; None if the one there is about this generation."""
    generation = policy.metadata.generation or 0
    if policy.status.observed_generation == generation and policy.status.type_checking is not None:
        return None
    checking = TypeChecking(expression_warnings=list(warnings_of(policy)))
    return replace(policy.status, observed_generation=generation, type_checking=checking)


def kinds_of(policy: ValidatingAdmissionPolicy) -> list[Resource]:
    """Return the built-in kinds that a policy's rules name, without what * stands for."""
    match = policy.spec.match_constraints
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in match.resource_rules if match is not None else ():
        plurals = [one for one in rule.resources if "/" not in one]
        for group, version, plural in product(_named(rule.api_groups), _named(rule.api_versions), _named(plurals)):
            resource = _BY_PLURAL.get((group, version, plural))
            if resource is not None and len(found) < _MOST_KINDS:
                found[group, version, resource.kind] = resource
    return [found[key] for key in sorted(found)]


def _named(values: Sequence[str]) -> list[str]:
    return sorted(one for one in values if "*" not in one)


def warnings_of(policy: ValidatingAdmissionPolicy) -> Iterator[ExpressionWarning]:
    """Yield a warning for each expression that is wrong about a kind."""
    kinds = kinds_of(policy)
    for index, rule in enumerate(policy.spec.validations):
        path = f"spec.validations[{index}]"
        for name, expression in (("expression", rule.expression), ("messageExpression", rule.message_expression)):
            if not expression:
                continue
            told = [text for kind in kinds if (text := _mistake(policy, kind, expression))]
            if told:
                yield ExpressionWarning(field_ref=f"{path}.{name}", warning="\n".join(told))


def _mistake(policy: ValidatingAdmissionPolicy, kind: Resource, expression: str) -> str:
    environment = Environment(params=policy.spec.param_kind is not None)
    environment = changed(environment, object=object_type(kind.type))
    known: dict[str, Type] = {}
    for variable in policy.spec.variables:
        try:
            known[variable.name] = compile_with(variable.expression, environment, (), known).type
        except ExpressionError:
            known[variable.name] = DYN
    try:
        compile_with(expression, environment, (), known)
    except ExpressionError as error:
        return f"{kind.api_version}, Kind={kind.kind}: {error}\n"
    return ""
