"""The Common Expression Language, as Kubernetes speaks it: from text to a checked program, from bindings to a value.

    source ──lexer, parser──► tree ──checker──► types, functions meant ──plan──► closures ──bindings──► value
              syntax.py               types.py, functions.py, library/             costs.py counts

    program = compile_expression("object.spec.replicas <= params.max", {"object": DYN, "params": DYN})
    program.evaluate({"object": {...}, "params": {"max": 3}})      documents go in, JSON-like Python comes out

Wrong expressions are a CompileError in upstream's words; right ones that have no value for some bindings are an
EvaluationError; those that would take too long are OutOfBudget. Nothing here does I/O or knows a kind of object;
whoever compiles says what the variables are. Importing this room loads none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controlplane.cel.errors import CompileError, EvaluationError, Issue, OutOfBudget

if TYPE_CHECKING:
    from controlplane.cel.program import Budget, Program, compile_expression

_LATER = frozenset({"Budget", "Program", "compile_expression"})


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from controlplane.cel import program

        return getattr(program, name)
    raise AttributeError(name)


__all__ = ["Budget", "CompileError", "EvaluationError", "Issue", "OutOfBudget", "Program", "compile_expression"]
