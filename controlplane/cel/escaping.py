"""Names of properties as expressions can say them: `foo-bar` is `foo__dash__bar`, `namespace` is `__namespace__`."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_.\-/][A-Za-z0-9_.\-/]*")
_PARTS = re.compile(r"__|[.\-/]")
_ESCAPED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_KEYWORDS = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
    "let", "loop", "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip


def escape(name: str) -> str | None:
    """Return what expressions call a property; None: it cannot be said."""
    if not _NAME.fullmatch(name):
        return None
    if name in _KEYWORDS:
        return f"__{name}__"
    return _PARTS.sub(lambda match: _ESCAPED[match.group()], name)
