"""HorizontalPodAutoscalers: one object in two versions, judged as the one that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from controlplane.api.codec import Document
from controlplane.api.resources import Resource
from controlplane.api.status import FieldError
from controlplane.apiserver.conversions import conversion_of, stored_as
from controlplane.apiserver.conversions.horizontal_pod_autoscalers import (
    BEHAVIOR,
    CONDITIONS,
    CURRENT_METRICS,
    METRICS,
)
from controlplane.apiserver.strategies.base import Caller, Strategy

# Where autoscaling/v1 keeps parts of the spec and of the status that it has no fields for.
_SPEC_NOTES, _STATUS_NOTES = (METRICS, BEHAVIOR), (CURRENT_METRICS, CONDITIONS)


class HorizontalPodAutoscalerStrategy(Strategy):
    has_generation: ClassVar[bool] = True

    def __init__(self, resource: Resource):
        super().__init__(resource)
        self._conversion, self._stored = conversion_of(resource), stored_as(resource)

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        self._keep_notes(document, {}, _STATUS_NOTES)

    def prepare_update(self, new: Document, old: Document) -> None:
        self._keep_notes(new, old, _STATUS_NOTES)
        super().prepare_update(new, old)

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        self._keep_notes(new, old, _SPEC_NOTES)
        super().prepare_subresource_update(subresource, new, old)

    def wanted(self, document: Document) -> Any:
        return self._as_stored(document).get("spec")

    def validate(self, obj: Any) -> list[FieldError]:
        return super().validate(self._object(obj))

    def validate_update(self, new: Any, old: Any) -> list[FieldError]:
        return super().validate_update(self._object(new), self._object(old))

    def validate_subresource_update(self, subresource: str, new: Any, old: Any) -> list[FieldError]:
        return super().validate_subresource_update(subresource, self._object(new), self._object(old))

    def _as_stored(self, document: Document) -> Document:
        return document if self._conversion is None else self._conversion.to_stored(document)

    def _object(self, obj: Any) -> Any:
        if self._conversion is None:
            return obj
        return msgspec.convert(self._as_stored(msgspec.to_builtins(obj)), self._stored.type)

    def _keep_notes(self, new: Document, old: Document, notes: Sequence[str]) -> None:
        """Undo what `new` says in these annotations: they stay as in `old`."""
        if self._conversion is None:
            return
        metadata, theirs = new.setdefault("metadata", {}), old.get("metadata", {}).get("annotations") or {}
        ours = metadata.get("annotations") or {}
        kept = {name: theirs[name] for name in notes if name in theirs}
        annotations = {name: text for name, text in ours.items() if name not in notes} | kept
        if annotations:
            metadata["annotations"] = annotations
        else:
            metadata.pop("annotations", None)
