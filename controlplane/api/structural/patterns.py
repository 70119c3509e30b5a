"""Regular expressions as Go has them: RE2's, in time linear in the text.

Python's own `re` takes other patterns, and lets whoever writes one into a definition hold the server up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol


class PatternError(ValueError):
    """No regular expression of RE2's."""


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> Any | None:
        """Return the first match; None: there is none."""


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Pattern:
    """Return a compiled pattern. Raises PatternError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(pattern, options)
        return compiled
    except re2.error as error:
        message = error.args[0] if error.args else ""
        text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
        raise PatternError(f"error parsing regexp: {text}") from error
