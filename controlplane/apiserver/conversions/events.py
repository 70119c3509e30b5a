"""Events have two faces, core/v1 and events.k8s.io/v1, and one place in the store, where they wear the first."""

from __future__ import annotations

from controlplane.api.codec import Document

_TO_CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_FROM_CORE = {core: new for new, core in _TO_CORE.items()}

# core/v1 always has these objects, even empty; events.k8s.io leaves them out.
_ALWAYS_IN_CORE = ("involvedObject", "source")


def to_core(document: Document) -> Document:
    """Return an events.k8s.io/v1 Event as core/v1."""
    renamed = {_TO_CORE.get(key, key): value for key, value in document.items()}
    for key in _ALWAYS_IN_CORE:
        renamed.setdefault(key, {})
    return {**renamed, "apiVersion": "v1"}


def from_core(document: Document) -> Document:
    """Return a core/v1 Event as events.k8s.io/v1."""
    kept = {key: value for key, value in document.items() if value != {} or key not in _ALWAYS_IN_CORE}
    return {**{_FROM_CORE.get(key, key): value for key, value in kept.items()}, "apiVersion": "events.k8s.io/v1"}
