"""Regular expressions, in RE2's syntax and in time linear in the text.

Python's own `re` takes other patterns and can be made to run for ever, which nobody who writes a policy may do to a
server.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from controlplane.cel.errors import EvaluationError


class PatternError(ValueError):
    """A pattern that RE2 does not take."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """Return a compiled pattern. Raises PatternError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        message = error.args[0] if error.args else ""
        raise PatternError(message.decode() if isinstance(message, bytes) else str(message)) from error


def compiled(pattern: str) -> Any:
    """Return a compiled pattern. Raises EvaluationError."""
    try:
        return compile_pattern(pattern)
    except PatternError as error:
        raise EvaluationError(f"error parsing regexp: {error}") from error
