"""What can go wrong with an expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# What Kubernetes says where rules and policies go no further.
NO_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


@dataclass(frozen=True, slots=True)
class Issue:
    """One mistake; `offset` counts characters from the start of the expression."""

    offset: int
    message: str

    def show(self, source: str) -> str:
        """Return the mistake with its line and a mark below the place, as compilers of CEL print it."""
        before = source[: self.offset]
        line, column = before.count("\n") + 1, self.offset - (before.rfind("\n") + 1)
        text = source.split("\n")[line - 1]
        return f"ERROR: <input>:{line}:{column + 1}: {self.message}\n | {text}\n | {'.' * column}^"


class CompileError(Exception):
    """An expression that says nothing: its syntax or its types are wrong."""

    def __init__(self, source: str, issues: Sequence[Issue]):
        self.issues = tuple(sorted(issues, key=lambda issue: issue.offset))
        super().__init__("\n".join(issue.show(source) for issue in self.issues))


class EvaluationError(Exception):
    """An expression that has no value for these bindings, in CEL's words: "no such key: x"."""


class OutOfBudget(EvaluationError):
    """The expression cost more than it may; unlike other errors nothing inside an expression can make up for it."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")
