"""Compiling an expression and evaluating it: what the other rooms call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.cel import costs, types
from controlplane.cel.checker import Checked, FindType, check
from controlplane.cel.errors import EvaluationError, OutOfBudget
from controlplane.cel.frames import Frame
from controlplane.cel.functions import Functions
from controlplane.cel.library import kubernetes
from controlplane.cel.parser import parse
from controlplane.cel.plan import plan
from controlplane.cel.types import Type
from controlplane.cel.values import plain


@dataclass(slots=True)
class Budget:
    """What several evaluations may cost together; each takes from it."""

    left: int = costs.PER_REQUEST


class Program:
    """A compiled expression; may be evaluated any number of times."""

    def __init__(self, expression: str, checked: Checked):
        self.expression, self.checked = expression, checked
        self._step = plan(checked)

    @property
    def type(self) -> Type:
        """What evaluation gives; DYN: it is not known before."""
        return self.checked.type

    def evaluate(
        self, bindings: Mapping[str, Any], *, budget: Budget | None = None, limit: int = costs.PER_CALL
    ) -> Any:
        """Return the value, as JSON-like Python. Raises EvaluationError; OutOfBudget when it costs too much."""
        return plain(self.value(bindings, budget=budget, limit=limit))

    def value(self, bindings: Mapping[str, Any], *, budget: Budget | None = None, limit: int = costs.PER_CALL) -> Any:
        """Return the value as expressions see it: UInt, Timestamp, Optional... as they are. Raises EvaluationError."""
        allowed = limit if budget is None else min(limit, budget.left)
        frame = Frame(dict(bindings), allowed)
        try:
            return self._step(frame)
        except RecursionError as error:
            raise EvaluationError("expression recursion limit exceeded") from error
        except OutOfBudget:
            frame.left = 0
            raise
        finally:
            if budget is not None:
                budget.left -= allowed - frame.left


def no_types(name: str) -> Type | None:
    """There are no objects to be written in expressions."""
    return None


def compile_expression(
    expression: str,
    variables: Mapping[str, Type],
    *,
    find_type: FindType = no_types,
    functions: Functions | None = None,
) -> Program:
    """Return the program of an expression over `variables`. Raises CompileError with everything that is wrong."""
    functions = functions or kubernetes()
    checked = check(expression, parse(expression), variables, functions, find_type)
    return Program(expression, checked)


__all__ = ["Budget", "Program", "compile_expression", "types"]
