"""matchConditions: expressions that all have to be true before a webhook is called or a policy decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controlplane.admission.expressions import (
    Environment,
    ExpressionError,
    Failed,
    OverBudget,
    compile_with,
    evaluate,
)
from controlplane.api.admissionregistration_v1 import MatchCondition
from controlplane.cel.costs import MATCH_CONDITIONS
from controlplane.cel.program import Budget, Program
from controlplane.cel.types import BOOL, Type


class ConditionsFailed(Exception):
    """No condition is false, and at least one has no value."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The compiled conditions of one webhook or policy; what did not compile is kept as the text that says so."""

    programs: tuple[Program | str, ...]

    @classmethod
    def of(
        cls,
        conditions: Sequence[MatchCondition],
        environment: Environment,
        variables: Mapping[str, Type] | None = None,
    ) -> Conditions:
        return cls(tuple(_compiled(one.expression, environment, variables) for one in conditions))

    def match(self, bindings: Mapping[str, Any]) -> bool:
        """Return whether all are true; one that is false decides, whatever the others. Raises ConditionsFailed."""
        budget, failures = Budget(MATCH_CONDITIONS), list[str]()
        bindings = {**bindings, "namespaceObject": None}  # upstream does not look it up for these
        for program in self.programs:
            if isinstance(program, str):
                failures.append(f"compilation error: {program}")
                continue
            try:
                if evaluate(program, bindings, budget) is False:
                    return False
            except Failed as error:
                failures.append(str(error))
            except OverBudget as error:
                raise ConditionsFailed(str(error)) from error
        if failures:
            failures = list(dict.fromkeys(failures))
            raise ConditionsFailed(failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]")
        return True


def _compiled(expression: str, environment: Environment, variables: Mapping[str, Type] | None) -> Program | str:
    try:
        return compile_with(expression, environment, (BOOL,), variables)
    except ExpressionError as error:
        return str(error)
