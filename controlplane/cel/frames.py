"""What one evaluation carries along, and what a node of an expression becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controlplane.cel.errors import EvaluationError, OutOfBudget


class Frame:
    """One evaluation: what names stand for, and what is left to spend."""

    __slots__ = ("left", "variables")

    def __init__(self, variables: dict[str, Any], left: int):
        self.variables, self.left = variables, left

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise OutOfBudget


Step = Callable[[Frame], Any]


def truth(value: Any) -> bool:
    """Return a value that has to be true or false. Raises EvaluationError."""
    if value is True or value is False:
        return bool(value)
    raise EvaluationError("no such overload")
