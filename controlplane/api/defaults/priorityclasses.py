"""PriorityClasses."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_priority_class(priority_class: Document) -> None:
    priority_class["preemptionPolicy"] = priority_class.get("preemptionPolicy") or "PreemptLowerPriority"
