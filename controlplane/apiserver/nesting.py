"""How deep a document may be: everything that walks one calls itself once or more for each level.

A document that could be stored at one depth of the call stack and not be read at another would be there for ever.
"""

from __future__ import annotations

from typing import Any

import msgspec

DEEPEST = 200  # levels; the deepest field of a Pod is at 12, and Python's stack ends at 1000 calls


def decode_json(text: bytes) -> Any:
    """Return the values of a JSON text. Raises ValueError for what is no JSON, or is too deep."""
    try:
        document = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError("exceeded max depth") from error
    # Most texts have fewer brackets than levels are allowed: no need to look.
    if text.count(b"{") + text.count(b"[") > DEEPEST and too_deep(document):
        raise ValueError("exceeded max depth")
    return document


def too_deep(document: Any) -> bool:
    """Return whether a document has too many levels."""
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [one for value in level if type(value) in (dict, list) for one in _children(value)]
        if not level:
            return False
    return True


def _children(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value
