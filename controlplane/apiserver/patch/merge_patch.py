"""JSON merge patch, RFC 7386: objects are merged, null deletes, anything else replaces.

{"a": 1, "b": {"c": 2}} with the patch {"a": null, "b": {"d": 3}} is {"b": {"c": 2, "d": 3}}.
"""

from __future__ import annotations

from controlplane.api.codec import Document


def merge(original: Document, patch: Document) -> Document:
    """Return `original` as `patch` wants it; what is not touched is shared with the original."""
    result = dict(original)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            held = result.get(key)
            result[key] = merge(held if isinstance(held, dict) else {}, value)
        else:
            result[key] = value
    return result
