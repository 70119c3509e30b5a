"""Kinds that hold expressions of admission: what does not compile is refused when it is written.

Expressions that an object had before are not compiled again when it is changed: what was let in may stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controlplane.api.admissionregistration_v1 import (
    MatchCondition,
    MutatingAdmissionPolicy,
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
    Variable,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import invalid
from controlplane.apiserver.strategies.base import Strategy
from controlplane.apiserver.strategies.simple import CarefulSpecStrategy, WebhooksStrategy


class ExpressionStrategy(Strategy):
    """Kinds whose objects hold expressions."""

    def validate(self, obj: Any) -> list[FieldError]:
        return super().validate(obj) + expression_errors(obj)

    def validate_update(self, new: Any, old: Any) -> list[FieldError]:
        if _expressions(new) == _expressions(old):
            return super().validate_update(new, old)
        return super().validate_update(new, old) + expression_errors(new)


class PolicyStrategy(ExpressionStrategy, CarefulSpecStrategy):
    """Admission policies."""


class ConfigurationStrategy(ExpressionStrategy, WebhooksStrategy):
    """Configurations of webhooks."""


def expression_errors(obj: Any) -> list[FieldError]:
    """Return an error for every expression that does not compile."""
    return list(_CHECKS[type(obj)](obj))


def _expressions(obj: Any) -> Any:
    """Return the part of an object that says whether its expressions compile."""
    return obj.webhooks if hasattr(obj, "webhooks") else obj.spec


def _webhooks(configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration) -> Iterator[FieldError]:
    webhooks: Sequence[MutatingWebhook | ValidatingWebhook] = configuration.webhooks
    for index, webhook in enumerate(webhooks):
        yield from _conditions(webhook.match_conditions, f"webhooks[{index}].matchConditions", params=False)


def _conditions(conditions: Sequence[MatchCondition], path: str, *, params: bool) -> Iterator[FieldError]:
    if not conditions:
        return
    from controlplane.admission.expressions import Environment
    from controlplane.cel.types import BOOL

    environment = Environment(params=params)
    for index, condition in enumerate(conditions):
        expression = condition.expression.strip()
        yield from _compiled(f"{path}[{index}].expression", expression, environment, (BOOL,), None)[0]


def _compiled(
    path: str, expression: str, environment: Any, returns: tuple[Any, ...], known: Mapping[str, Any] | None
) -> tuple[list[FieldError], Any]:
    """Return what is wrong with an expression, and the type that it gives."""
    from controlplane.admission.expressions import ExpressionError, compile_with
    from controlplane.cel.types import DYN

    if not expression.strip():
        return [], DYN  # which is somebody else's complaint
    try:
        return [], compile_with(expression, environment, returns, known).type
    except ExpressionError as error:
        return [invalid(path, expression, str(error))], DYN


def _variables(variables: Sequence[Variable], environment: Any, known: dict[str, Any]) -> Iterator[FieldError]:
    for index, variable in enumerate(variables):
        errors, type_ = _compiled(f"spec.variables[{index}].expression", variable.expression, environment, (), known)
        known[variable.name] = type_
        yield from errors


def _validating_policy(policy: ValidatingAdmissionPolicy) -> Iterator[FieldError]:
    from controlplane.admission.expressions import Environment
    from controlplane.cel.types import BOOL, NULL, STRING

    spec, known = policy.spec, dict[str, Any]()
    params = spec.param_kind is not None
    environment = Environment(params=params)
    yield from _variables(spec.variables, environment, known)
    yield from _conditions(spec.match_conditions, "spec.matchConditions", params=params)
    messages = Environment(params=params, authorizer=False)
    for index, rule in enumerate(spec.validations):
        path = f"spec.validations[{index}]"
        yield from _compiled(f"{path}.expression", rule.expression, environment, (BOOL,), known)[0]
        yield from _compiled(f"{path}.messageExpression", rule.message_expression, messages, (STRING,), known)[0]
    for index, annotation in enumerate(spec.audit_annotations):
        path = f"spec.auditAnnotations[{index}].valueExpression"
        yield from _compiled(path, annotation.value_expression.strip(), environment, (STRING, NULL), known)[0]


def _mutating_policy(policy: MutatingAdmissionPolicy) -> Iterator[FieldError]:
    from controlplane.admission.expressions import Environment
    from controlplane.admission.policies.compiled import expression_of

    spec, known = policy.spec, dict[str, Any]()
    params = spec.param_kind is not None
    environment = Environment(params=params, patches=True)
    yield from _variables(spec.variables, environment, known)
    yield from _conditions(spec.match_conditions, "spec.matchConditions", params=params)
    for index, mutation in enumerate(spec.mutations):
        expression, returns = expression_of(mutation)
        form = "jsonPatch" if mutation.json_patch is not None else "applyConfiguration"
        path = f"spec.mutations[{index}].{form}.expression"
        yield from _compiled(path, expression, environment, (returns,), known)[0]


_CHECKS: Mapping[type[Any], Any] = {
    MutatingAdmissionPolicy: _mutating_policy,
    MutatingWebhookConfiguration: _webhooks,
    ValidatingAdmissionPolicy: _validating_policy,
    ValidatingWebhookConfiguration: _webhooks,
}
