"""Admission policies and their bindings: all that can be said of them without compiling an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from controlplane.api import names
from controlplane.api.admissionregistration_v1 import (
    AuditAnnotation,
    ExpressionWarning,
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    Mutation,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    Validation,
    Variable,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.admission_rules import (
    validate_choice,
    validate_constraints,
    validate_failure_policy,
    validate_match_conditions,
    validate_match_resources,
    validate_mutable_operations,
    validate_param_kind,
    validate_param_ref,
)
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.errors import checked, duplicate, invalid, not_supported, required

_ACTIONS = ("Audit", "Deny", "Warn")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_REINVOCATION = ("IfNeeded", "Never")
_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_ANNOTATIONS = 20
_ANNOTATION_BYTES = 5 * 1024
_NOTHING = "validations or auditAnnotations must contain at least one item"
_UNSPECIFIED = "expression is not specified"

_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
    "namespace", "null", "package", "return", "true", "var", "void", "while",
})  # fmt: skip


def validate_validating_policy(policy: ValidatingAdmissionPolicy) -> list[FieldError]:
    spec = policy.spec
    errors = [*_validate_common(policy)]
    if not spec.validations and not spec.audit_annotations:
        return [*errors, required("spec.validations", _NOTHING), required("spec.auditAnnotations", _NOTHING)]
    for index, validation in enumerate(spec.validations):
        errors += _validate_validation(validation, f"spec.validations[{index}]")
    if len(spec.audit_annotations) > _ANNOTATIONS:
        why = f"must not have more than {_ANNOTATIONS} auditAnnotations"
        errors.append(invalid("spec.auditAnnotations", spec.audit_annotations, why))
    errors += _validate_annotations(spec.audit_annotations, policy.metadata.name)
    return errors


def _validate_common(policy: ValidatingAdmissionPolicy | MutatingAdmissionPolicy) -> Iterator[FieldError]:
    spec = policy.spec
    if not spec.failure_policy:
        yield required("spec.failurePolicy")
    yield from validate_failure_policy(spec.failure_policy, "spec.failurePolicy")
    yield from validate_param_kind(spec.param_kind, "spec.paramKind")
    yield from validate_constraints(spec.match_constraints, "spec.matchConstraints")
    if isinstance(policy, MutatingAdmissionPolicy):
        yield from validate_mutable_operations(spec.match_constraints, "spec.matchConstraints")
    yield from validate_match_conditions(spec.match_conditions, "spec.matchConditions")
    for index, variable in enumerate(spec.variables):
        yield from _validate_variable(variable, f"spec.variables[{index}]")


def _validate_variable(variable: Variable, path: str) -> Iterator[FieldError]:
    if not variable.name.strip():
        yield required(f"{path}.name", "name is not specified")
    elif not _IDENTIFIER.fullmatch(variable.name) or variable.name in _RESERVED:
        yield invalid(f"{path}.name", variable.name, "name is not a valid CEL identifier")
    if not variable.expression.strip():
        yield required(f"{path}.expression", _UNSPECIFIED)


def _validate_validation(validation: Validation, path: str) -> Iterator[FieldError]:
    if not validation.expression.strip():
        yield required(f"{path}.expression", _UNSPECIFIED)
    expression, message = validation.message_expression, validation.message
    if expression and not expression.strip():
        yield invalid(f"{path}.messageExpression", expression, "must be non-empty if specified")
    if message and not message.strip():
        yield invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif re.search(r"[\n\r]", message.strip()):
        yield invalid(f"{path}.message", message, "message must not contain line breaks")
    yield from validate_choice(validation.reason, f"{path}.reason", _REASONS)


def _validate_annotations(annotations: Sequence[AuditAnnotation], policy: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        path, key = f"spec.auditAnnotations[{index}]", annotation.key
        if policy:
            yield from checked(f"{path}.key", f"{policy}/{key}", names.qualified_name(f"{policy}/{key}"))
        else:
            yield invalid(f"{path}.key", key, "requires metadata.name be non-empty")
        expression = annotation.value_expression.strip()
        if not expression:
            yield required(f"{path}.valueExpression", "valueExpression is not specified")
        elif len(expression.encode()) > _ANNOTATION_BYTES:
            yield required(f"{path}.valueExpression", f"must not exceed {_ANNOTATION_BYTES} bytes in length")
        if key in seen:
            yield duplicate(f"{path}.key", key)
        seen.add(key)


def validate_validating_policy_status(
    new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy
) -> list[FieldError]:
    warnings = new.status.type_checking.expression_warnings if new.status.type_checking else []
    errors: list[FieldError] = []
    for index, warning in enumerate(warnings):
        errors += _validate_warning(warning, f"status.typeChecking.expressionWarnings[{index}]")
    return errors + validate_conditions(new.status.conditions, "status.conditions")


def _validate_warning(warning: ExpressionWarning, path: str) -> Iterator[FieldError]:
    if not warning.warning:
        yield required(f"{path}.warning")
    if not warning.field_ref.strip():
        yield required(f"{path}.fieldRef")


def validate_mutating_policy(policy: MutatingAdmissionPolicy) -> list[FieldError]:
    spec = policy.spec
    errors = [*_validate_common(policy)]
    if not spec.mutations:
        errors.append(required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(spec.mutations):
        errors += _validate_mutation(mutation, f"spec.mutations[{index}]")
    if not spec.reinvocation_policy:
        errors.append(required("spec.reinvocationPolicy"))
    return errors + validate_choice(spec.reinvocation_policy, "spec.reinvocationPolicy", _REINVOCATION)


def _validate_mutation(mutation: Mutation, path: str) -> Iterator[FieldError]:
    type_ = mutation.patch_type
    if not type_:
        yield required(f"{path}.patchType")
        return
    if type_ not in _PATCHES:
        yield not_supported(f"{path}.patchType", type_, tuple(_PATCHES))
        return
    given = {"applyConfiguration": mutation.apply_configuration, "jsonPatch": mutation.json_patch}
    for name, patch in given.items():
        if name != _PATCHES[type_]:
            if patch is not None:
                why = f"must not be specified when patchType is {type_}"
                yield invalid(f"{path}.{name}", f"{{{name}}}", why)
        elif patch is None:
            yield required(f"{path}.{name}", f"must be specified when patchType is {type_}")
        elif not patch.expression.strip():
            yield required(f"{path}.{name}.expression", _UNSPECIFIED)


def validate_validating_binding(binding: ValidatingAdmissionPolicyBinding) -> list[FieldError]:
    return [*_validate_binding(binding), *_validate_actions(binding.spec.validation_actions)]


def validate_mutating_binding(binding: MutatingAdmissionPolicyBinding) -> list[FieldError]:
    spec = binding.spec
    return [*_validate_binding(binding), *validate_mutable_operations(spec.match_resources, "spec.matchResources")]


def _validate_binding(
    binding: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding,
) -> Iterator[FieldError]:
    spec = binding.spec
    if spec.policy_name:
        yield from checked("spec.policyName", spec.policy_name, names.dns1123_subdomain(spec.policy_name))
    else:
        yield required("spec.policyName")
    yield from validate_param_ref(spec.param_ref, "spec.paramRef")
    yield from validate_match_resources(spec.match_resources, "spec.matchResources")


def _validate_actions(actions: list[str]) -> Iterator[FieldError]:
    path = "spec.validationActions"
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            yield not_supported(f"{path}[{index}]", action, _ACTIONS)
        if action in actions[:index]:
            yield duplicate(f"{path}[{index}]", action)
    if {"Deny", "Warn"} <= set(actions):
        why = "repeating the same validation failure information in the API response and headers serves no purpose"
        yield invalid(path, actions, f"must not contain both Deny and Warn ({why})")
    if not actions:
        yield required(path, "at least one validation action is required")
