"""What a validating policy says of one request with one parameter: decisions, and annotations for the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controlplane.admission.conditions import ConditionsFailed
from controlplane.admission.expressions import Failed, OverBudget, evaluate
from controlplane.admission.policies.compiled import Rule, ValidatingRules
from controlplane.cel.program import Budget

_LONGEST_MESSAGE = 5 * 1024  # bytes of a message that an expression made


@dataclass(frozen=True, slots=True)
class Decision:
    """One validation that was not met, or could not be evaluated."""

    message: str
    reason: str = ""  # "" when there is no verdict: the failure policy decided
    index: int = 0  # of the validation
    error: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left of a policy's evaluation; nothing at all: the request may pass."""

    denials: Sequence[Decision] = ()
    annotations: Sequence[tuple[str, str]] = ()
    annotation_errors: Sequence[Decision] = ()


def decide(rules: ValidatingRules, bindings: Mapping[str, Any], *, fails_open: bool) -> Outcome:
    """Evaluate a policy; what has no value is a denial unless the policy fails open."""
    if rules.error:
        return _failed(rules.error, fails_open)
    budget = Budget()
    bound = rules.variables.bind(bindings, budget)
    try:
        if not rules.conditions.match(bound):
            return Outcome()
        denials = [
            decision
            for index, rule in enumerate(rules.rules)
            if (decision := _decide(index, rule, bound, budget, fails_open)) is not None
        ]
        annotations, mistakes = _annotations(rules, bound, fails_open)
    except (ConditionsFailed, OverBudget) as error:
        return _failed(str(error), fails_open)
    return Outcome(denials, annotations, mistakes)


def _failed(message: str, fails_open: bool) -> Outcome:
    return Outcome() if fails_open else Outcome([Decision(message, error=True)])


def _decide(index: int, rule: Rule, bindings: Mapping[str, Any], budget: Budget, fails_open: bool) -> Decision | None:
    try:
        if evaluate(rule.program, bindings, budget) is True:
            return None
    except Failed as error:
        return None if fails_open else Decision(str(error), index=index, error=True)
    return Decision(_message(rule, bindings, budget), rule.validation.reason or "Invalid", index)


def _message(rule: Rule, bindings: Mapping[str, Any], budget: Budget) -> str:
    validation = rule.validation
    made = ""
    if rule.message is not None:
        try:
            value = evaluate(rule.message, bindings, budget)
        except Failed:
            value = ""  # a message that cannot be made is no reason to say nothing
        made = value.strip() if isinstance(value, str) else ""
        if len(made.encode()) > _LONGEST_MESSAGE or "\n" in made:
            made = ""
    return made or validation.message.strip() or f"failed expression: {validation.expression.strip()}"


def _annotations(
    rules: ValidatingRules, bindings: Mapping[str, Any], fails_open: bool
) -> tuple[list[tuple[str, str]], list[Decision]]:
    budget, found, mistakes = Budget(), list[tuple[str, str]](), list[Decision]()
    for key, program in rules.annotations:
        try:
            value = evaluate(program, bindings, budget)
        except Failed as error:
            if not fails_open:
                mistakes.append(Decision(str(error), error=True))
            continue
        if isinstance(value, str) and value.strip():
            found.append((key, value.strip()))
    return found, mistakes
