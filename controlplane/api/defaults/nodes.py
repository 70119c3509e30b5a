"""Nodes: what is not reserved is allocatable."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_node(node: Document) -> None:
    status = node.get("status") or {}
    if status.get("capacity") and "allocatable" not in status:
        status["allocatable"] = dict(status["capacity"])
    _agree_on_ranges(node.get("spec") or {})


def _agree_on_ranges(spec: Document) -> None:
    """The single pod range is the first of the list; where they differ the single one counts."""
    one, many = spec.get("podCIDR"), spec.get("podCIDRs")
    if one and (not many or many[0] != one):
        spec["podCIDRs"] = [one]
    elif many and not one:
        spec["podCIDR"] = many[0]
