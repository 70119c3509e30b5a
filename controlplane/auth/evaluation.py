"""Expressions of configuration files, compiled by `controlplane.cel`; loaded when the first of them is."""

from __future__ import annotations

from typing import Any

from controlplane.auth.expressions import USER, Program


def compile_cel(variable: str, expression: str) -> Program:
    """Return the program of an expression over one variable. Raises ValueError, in the compiler's words."""
    from controlplane.cel import CompileError, compile_expression
    from controlplane.cel.types import DYN, STRING, Field, ObjectType, list_of, map_of

    user = ObjectType(
        "kubernetes.UserInfo",
        fields={
            "username": Field(STRING),
            "uid": Field(STRING),
            "groups": Field(list_of(STRING)),
            "extra": Field(map_of(STRING, list_of(STRING))),
        },
    )
    try:
        program = compile_expression(expression, {variable: user if variable == USER else DYN})
    except CompileError as error:
        raise ValueError(f"compilation failed: {error}") from error
    return _Evaluated(variable, program)


class _Evaluated:
    """A program whose failures are ValueErrors."""

    def __init__(self, variable: str, program: Any):
        self._variable, self._program = variable, program

    def evaluate(self, value: Any) -> Any:
        from controlplane.cel import EvaluationError

        try:
            return self._program.evaluate({self._variable: value})
        except EvaluationError as error:
            raise ValueError(str(error)) from error
