"""LimitRanges: for containers, defaults follow from the maximum and the minimum."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_limit_range(limit_range: Document) -> None:
    for item in limit_range.setdefault("spec", {}).get("limits", ()):
        if item.get("type") == "Container":
            _default_item(item)


def _default_item(item: Document) -> None:
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    for name, amounts in (("default", limits), ("defaultRequest", requests)):
        if amounts:
            item[name] = amounts
