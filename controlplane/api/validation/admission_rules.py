"""What webhooks and admission policies share: which requests they concern. Expressions are compiled elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controlplane.api import names
from controlplane.api.admissionregistration_v1 import (
    MatchCondition,
    MatchResources,
    NamedRuleWithOperations,
    ParamKind,
    ParamRef,
    RuleWithOperations,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    too_many,
)
from controlplane.api.validation.selectors import validate_selector

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
MUTABLE_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_FAILURE_POLICIES = ("Fail", "Ignore")
_MATCH_POLICIES = ("Equivalent", "Exact")
_NOT_FOUND_ACTIONS = ("Deny", "Allow")
_CONDITIONS = 64
_EXCLUSIVE = "name and selector are mutually exclusive"


def validate_choice(value: str, path: str, supported: Sequence[str]) -> list[FieldError]:
    """Check a text that may be absent."""
    return [] if value in ("", *supported) else [not_supported(path, value, supported)]


def validate_failure_policy(policy: str, path: str) -> list[FieldError]:
    return validate_choice(policy, path, _FAILURE_POLICIES)


def validate_match_policy(policy: str, path: str) -> list[FieldError]:
    return validate_choice(policy, path, _MATCH_POLICIES)


def validate_rule(rule: RuleWithOperations | NamedRuleWithOperations, path: str) -> Iterator[FieldError]:
    yield from _validate_operations(rule.operations, f"{path}.operations")
    yield from _validate_alternatives(rule.api_groups, f"{path}.apiGroups", "API groups")
    yield from _validate_alternatives(rule.api_versions, f"{path}.apiVersions", "API versions")
    for index, version in enumerate(rule.api_versions):
        if not version:
            yield required(f"{path}.apiVersions[{index}]")
    yield from _validate_resources(rule.resources, f"{path}.resources")
    yield from validate_choice(rule.scope, f"{path}.scope", _SCOPES)


def _validate_alternatives(values: list[str], path: str, what: str) -> Iterator[FieldError]:
    if not values:
        yield required(path)
    if len(values) > 1 and "*" in values:
        yield invalid(path, values, f"if '*' is present, must not specify other {what}")


def _validate_operations(operations: list[str], path: str) -> Iterator[FieldError]:
    yield from _validate_alternatives(operations, path, "operations")
    for index, operation in enumerate(operations):
        if operation not in OPERATIONS:
            yield not_supported(f"{path}[{index}]", operation, OPERATIONS)


def _validate_resources(resources: list[str], path: str) -> Iterator[FieldError]:
    if not resources:
        yield required(path)
    all_parts_of: set[str] = set()  # x of x/*
    part_of_all: set[str] = set()  # x of */x
    whole = False
    for index, resource in enumerate(resources):
        if not resource:
            yield required(f"{path}[{index}]")
            continue
        of, slash, part = resource.partition("/")
        if not slash:
            whole = resource != "*"
            continue
        if of in all_parts_of:
            yield invalid(f"{path}[{index}]", resource, f"if '{of}/*' is present, must not specify {resource}")
        if part in part_of_all:
            yield invalid(f"{path}[{index}]", resource, f"if '*/{part}' is present, must not specify {resource}")
        all_parts_of |= {of} if part == "*" else set()
        part_of_all |= {part} if of == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        yield invalid(path, resources, "if '*/*' is present, must not specify other resources")
    if "*" in resources and whole:
        why = "if '*' is present, must not specify other resources without subresources"
        yield invalid(path, resources, why)


def validate_match_resources(match: MatchResources | None, path: str) -> Iterator[FieldError]:
    if match is None:
        return
    if match.match_policy:
        yield from validate_match_policy(match.match_policy, f"{path}.matchPolicy")
    else:
        yield required(f"{path}.matchPolicy")
    for name, selector in (("namespaceSelector", match.namespace_selector), ("objectSelector", match.object_selector)):
        if selector is None:
            yield required(f"{path}.{name}")
        yield from validate_selector(selector, f"{path}.{name}")
    for name, rules in (
        ("resourceRules", match.resource_rules),
        ("excludeResourceRules", match.exclude_resource_rules),
    ):
        for index, rule in enumerate(rules):
            yield from _validate_named_rule(rule, f"{path}.{name}[{index}]")


def _validate_named_rule(rule: NamedRuleWithOperations, path: str) -> Iterator[FieldError]:
    for index, name in enumerate(rule.resource_names):
        at = f"{path}.resourceNames[{index}]"
        yield from checked(at, name, names.path_segment(name))
        if name in rule.resource_names[:index]:
            yield duplicate(at, name)
    yield from validate_rule(rule, path)


def validate_constraints(match: MatchResources | None, path: str) -> Iterator[FieldError]:
    """Check what a policy concerns: without a rule its expressions would have no types."""
    if match is None:
        yield required(path)
        return
    yield from validate_match_resources(match, path)
    if not match.resource_rules:
        yield required(f"{path}.resourceRules")


def validate_mutable_operations(match: MatchResources | None, path: str) -> Iterator[FieldError]:
    """A deletion has no object that could be changed."""
    for rule in match.resource_rules if match else ():
        for operation in rule.operations:
            if operation not in MUTABLE_OPERATIONS:
                yield not_supported(f"{path}.resourceRules.operations", operation, MUTABLE_OPERATIONS)


def validate_match_conditions(conditions: Sequence[MatchCondition], path: str) -> Iterator[FieldError]:
    if len(conditions) > _CONDITIONS:
        yield too_many(path, len(conditions), _CONDITIONS)
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at, name = f"{path}[{index}]", condition.name
        if not condition.expression.strip():
            yield required(f"{at}.expression")
        if not name:
            yield required(f"{at}.name")
            continue
        yield from checked(f"{at}.name", name, names.qualified_name(name))
        if name in seen:
            yield duplicate(f"{at}.name", name)
        seen.add(name)


def validate_param_kind(kind: ParamKind | None, path: str) -> Iterator[FieldError]:
    if kind is None:
        return
    if not kind.api_version:
        yield required(f"{path}.apiVersion")
    else:
        yield from _validate_group_version(kind.api_version, f"{path}.apiVersion")
    problems = names.dns1035_label(kind.kind.lower())
    if not kind.kind:
        yield required(f"{path}.kind")
    elif problems:
        why = f"may have mixed case, but should otherwise match: {','.join(problems)}"
        yield invalid(f"{path}.kind", kind.kind, why)


def _validate_group_version(text: str, path: str) -> Iterator[FieldError]:
    if text.count("/") > 1:
        yield invalid(path, text, f"unexpected GroupVersion string: {text}")
        return
    group, _, version = text.rpartition("/")
    if group and (problems := names.dns1123_subdomain(group)):
        yield invalid(path, group, ",".join(problems))
    if not version:
        yield invalid(path, text, "version must be specified")
    elif problems := names.dns1035_label(version):
        yield invalid(path, version, ",".join(problems))


def validate_param_ref(ref: ParamRef | None, path: str) -> Iterator[FieldError]:
    if ref is None:
        return
    both: Any = ref.name and ref.selector is not None
    if ref.name:
        yield from checked(f"{path}.name", ref.name, names.path_segment(ref.name))
    if both:
        yield forbidden(f"{path}.name", _EXCLUSIVE)
    yield from validate_selector(ref.selector, f"{path}.selector")
    if both:
        yield forbidden(f"{path}.selector", _EXCLUSIVE)
    if not ref.name and ref.selector is None:
        yield required(path, "one of name or selector must be specified")
    action = ref.parameter_not_found_action
    if not action:
        yield required(f"{path}.parameterNotFoundAction")
    yield from validate_choice(action, f"{path}.parameterNotFoundAction", _NOT_FOUND_ACTIONS)
