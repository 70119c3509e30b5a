"""What a Job makes of pods that fail, of indexes that succeed, and of pods that are ending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controlplane.api import job_indexes, names
from controlplane.api.batch_v1 import (
    JobSpec,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
    SuccessPolicyRule,
)
from controlplane.api.job_indexes import IndexesError
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    at_least_zero,
    checked,
    duplicate,
    invalid,
    not_supported,
    required,
    shown,
    too_long,
    too_many,
    wrong,
)

_RULES, _VALUES, _PATTERNS = 20, 255, 20  # at most
_INDEXES_BYTES = 64 * 1024
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")


def validate_pod_failure_policy(spec: JobSpec, path: str) -> Iterator[FieldError]:
    rules = spec.pod_failure_policy.rules if spec.pod_failure_policy else []
    if len(rules) > _RULES:
        yield too_many(f"{path}.rules", len(rules), _RULES)
    template = spec.template.spec
    containers = {container.name for container in (*template.containers, *template.init_containers)}
    for index, rule in enumerate(rules):
        yield from _validate_rule(spec, rule, f"{path}.rules[{index}]", containers)


def _valid_values(values: Iterable[str]) -> str:
    return f"valid values: [{' '.join(shown(value) for value in values)}]"


def _validate_rule(spec: JobSpec, rule: PodFailurePolicyRule, path: str, containers: set[str]) -> Iterator[FieldError]:
    if not rule.action:
        yield required(f"{path}.action", _valid_values(_ACTIONS))
    elif rule.action == "FailIndex":
        if spec.backoff_limit_per_index is None:
            yield invalid(f"{path}.action", rule.action, "requires the backoffLimitPerIndex to be set")
    elif rule.action not in _ACTIONS:
        yield not_supported(f"{path}.action", rule.action, _ACTIONS)
    if rule.on_exit_codes is not None:
        yield from _validate_exit_codes(rule.on_exit_codes, f"{path}.onExitCodes", containers)
    yield from _validate_conditions(rule.on_pod_conditions, f"{path}.onPodConditions")
    if rule.on_exit_codes is not None and rule.on_pod_conditions:
        yield wrong(path, "specifying both OnExitCodes and OnPodConditions is not supported")
    if rule.on_exit_codes is None and not rule.on_pod_conditions:
        yield wrong(path, "specifying one of OnExitCodes and OnPodConditions is required")


def _validate_conditions(patterns: list[PodFailurePolicyOnPodConditionsPattern], path: str) -> Iterator[FieldError]:
    if len(patterns) > _PATTERNS:
        yield too_many(path, len(patterns), _PATTERNS)
    for index, pattern in enumerate(patterns):
        at = f"{path}[{index}]"
        yield from checked(f"{at}.type", pattern.type, names.qualified_name(pattern.type))
        if not pattern.status:
            yield required(f"{at}.status", _valid_values(_STATUSES))
        elif pattern.status not in _STATUSES:
            yield not_supported(f"{at}.status", pattern.status, _STATUSES)


def _validate_exit_codes(
    codes: PodFailurePolicyOnExitCodesRequirement, path: str, containers: set[str]
) -> Iterator[FieldError]:
    if not codes.operator:
        yield required(f"{path}.operator", _valid_values(_OPERATORS))
    elif codes.operator not in _OPERATORS:
        yield not_supported(f"{path}.operator", codes.operator, _OPERATORS)
    if codes.container_name and codes.container_name not in containers:
        why = "must be one of the container or initContainer names in the pod template"
        yield invalid(f"{path}.containerName", codes.container_name, why)
    values = codes.values
    if not values:
        yield invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _VALUES:
        yield too_many(f"{path}.values", len(values), _VALUES)
    for index, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            yield invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
        if value in values[:index]:
            yield duplicate(f"{path}.values[{index}]", value)
    if values != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")


def validate_success_policy(spec: JobSpec, path: str) -> Iterator[FieldError]:
    """Check the policy of an Indexed Job."""
    rules = spec.success_policy.rules if spec.success_policy else []
    if not rules:
        yield required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _RULES:
        yield too_many(f"{path}.rules", len(rules), _RULES)
    if spec.completions is None:
        return  # said already; without it there are no indexes to speak of
    for index, rule in enumerate(rules):
        yield from _validate_success_rule(rule, spec.completions, f"{path}.rules[{index}]")


def _validate_success_rule(rule: SuccessPolicyRule, completions: int, path: str) -> Iterator[FieldError]:
    indexes, wanted, total = rule.succeeded_indexes, rule.succeeded_count, 0
    if wanted is None and not indexes:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    if len(indexes.encode()) > _INDEXES_BYTES:
        yield too_long(f"{path}.succeededIndexes", _INDEXES_BYTES)
    try:
        total = job_indexes.count(job_indexes.parse(indexes, completions))
    except IndexesError as error:
        yield invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
    if wanted is None:
        return
    at = f"{path}.succeededCount"
    yield from at_least_zero(at, wanted)
    most = "must be less than or equal to"
    if wanted > completions:
        yield invalid(at, wanted, f"{most} {completions} (the number of specified completions)")
    if indexes and wanted > total:
        why = f"{most} {total} (the number of indexes in the specified succeededIndexes field)"
        yield invalid(at, wanted, why)


def validate_replacement_policy(spec: JobSpec, path: str) -> Iterator[FieldError]:
    """With a failure policy a pod must have failed, and so be judged, before another takes its place."""
    policy = spec.pod_replacement_policy
    supported = ("Failed",) if spec.pod_failure_policy is not None else _REPLACEMENTS
    if policy and policy not in supported:
        yield not_supported(path, policy, supported)
