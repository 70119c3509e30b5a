"""API services: one that this server answers itself is there at once."""

from __future__ import annotations

from typing import ClassVar

from controlplane.api.codec import Document
from controlplane.apiserver.strategies.base import Caller, Strategy, keep

_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


class APIServiceStrategy(Strategy):
    """Whether another server answers is the availability controller's to say."""

    allow_unconditional_update: ClassVar[bool] = False

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        if (document.get("spec") or {}).get("service") is None:
            born = document["metadata"].get("creationTimestamp")
            document["status"] = {"conditions": [_local(born)]}

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        for name in _METADATA:
            keep(new, old, "metadata", name)


def _local(since: str) -> Document:
    return {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": since,
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
