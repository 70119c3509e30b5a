"""Flow schemas and priority levels."""

from __future__ import annotations

from controlplane.api.codec import Document

_PRECEDENCE = 1000
_SHARES = 30
_QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


def default_flow_schema(schema: Document) -> None:
    spec = schema.setdefault("spec", {})
    spec["matchingPrecedence"] = spec.get("matchingPrecedence") or _PRECEDENCE


def default_priority_level(level: Document) -> None:
    spec = level.setdefault("spec", {})
    _shares(spec.get("exempt"), 0)
    _shares(spec.get("limited"), _SHARES)
    queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing")
    if queuing is not None:
        for field, number in _QUEUING.items():
            queuing[field] = queuing.get(field) or number


def _shares(part: Document | None, shares: int) -> None:
    if part is not None:
        part.setdefault("nominalConcurrencyShares", shares)
        part.setdefault("lendablePercent", 0)
