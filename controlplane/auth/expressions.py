"""CEL expressions in configuration files: compiled when the file is read, evaluated for every token or request.

    claims.sub + ":" + claims.org                     claims   what a token says
    !user.username.startsWith("system:")              user     {username, uid, groups, extra}
    request.resourceAttributes.namespace == "shop"    request  the spec of a SubjectAccessReview

Which evaluator there is, the room does not know: it is given one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from controlplane.api.codec import Document

CLAIMS, USER, REQUEST = "claims", "user", "request"


class Program(Protocol):
    """A compiled expression over one variable."""

    def evaluate(self, value: Any) -> Any:
        """Return what it makes of the variable's value, as JSON has it. Raises ValueError."""


Compile: TypeAlias = Callable[[str, str], Program]
"""(variable, expression) to a program. Raises ValueError, in the compiler's words."""


class Expressions:
    """Programs by their text."""

    def __init__(self, compile_: Compile | None = None):
        """Without `compile_` every expression is refused."""
        self._compile = compile_
        self._programs: dict[tuple[str, str], Program] = {}

    def problem(self, variable: str, expression: str) -> str:
        """Return what is wrong with an expression, or nothing."""
        try:
            self.program(variable, expression)
        except ValueError as error:
            return str(error)
        return ""

    def program(self, variable: str, expression: str) -> Program:
        """Return the program of an expression. Raises ValueError."""
        known = self._programs.get((variable, expression))
        if known is None:
            if self._compile is None:
                raise ValueError("CEL expressions are not evaluated yet")
            known = self._programs[variable, expression] = self._compile(variable, expression)
        return known


NO_EXPRESSIONS = Expressions()


def matcher(conditions: Sequence[str], expressions: Expressions) -> Callable[[Document], bool] | None:
    """Return whether all conditions hold of a SubjectAccessReview; None if there are none.

    One that is false decides. Else one that cannot be evaluated raises ValueError.
    """
    programs = [(one, expressions.program(REQUEST, one)) for one in conditions]

    def matches(review: Document) -> bool:
        problems, spec = [], with_every_field(review["spec"])
        for source, program in programs:
            try:
                if program.evaluate(spec) is False:
                    return False
            except ValueError as error:
                problems.append(f"cel evaluation error: expression '{source}' resulted in error: {error}")
        if problems:
            raise ValueError(", ".join(problems))
        return True

    return matches if programs else None


_RESOURCE = ("namespace", "verb", "group", "version", "resource", "subresource", "name")


def with_every_field(spec: Document) -> Document:
    """Return the spec of a SubjectAccessReview with what is empty in it: an expression need not ask `has` of a name."""
    filled = {"user": "", "uid": "", "groups": [], "extra": {}, **spec}
    for part, names in (("resourceAttributes", _RESOURCE), ("nonResourceAttributes", ("path", "verb"))):
        if part in spec:
            filled[part] = dict.fromkeys(names, "") | spec[part]
    return filled
