"""What every kind has in common when it is created, updated and deleted; the kinds override what they do otherwise.

    create   default ─► prepare_create ─► (admission) ─► validate ─► stored
    update   default ─► prepare_update ─► (admission) ─► validate_update ─► stored
    /status  default ─► prepare_subresource_update("status") ─► ... ─► validate_subresource_update("status") ─► stored

`prepare_*` silently undo what the caller has no say in (a client may send back the whole object it once read);
`validate_*` refuse what is wrong.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from controlplane.api import binary, fields, times, validation
from controlplane.api.codec import Document
from controlplane.api.defaults import apply_defaults
from controlplane.api.field_labels import selectable_fields
from controlplane.api.quantity import QuantityError
from controlplane.api.resources import Resource
from controlplane.api.status import BadRequest, FieldError
from controlplane.apiserver.strategies import scale


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as objects record it."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Strategy:
    """The rules of one resource."""

    allow_create_on_update: ClassVar[bool] = False  # PUT to a name that is not there makes it
    allow_unconditional_update: ClassVar[bool] = True  # PUT without a resource version overwrites
    default_propagation: ClassVar[str] = "Background"
    has_generation: ClassVar[bool] = False  # metadata.generation counts the changes of what is wanted
    keeps_status: ClassVar[bool] = False  # a new object may come with a status

    def __init__(self, resource: Resource):
        self.resource = resource
        self._has_status = "status" in resource.subresources

    # --- before validation, on documents

    def prepare_create(self, document: Document, caller: Caller) -> None:
        if self._has_status and not self.keeps_status:
            document.pop("status", None)
        if self.has_generation:
            document.setdefault("metadata", {})["generation"] = 1

    def prepare_update(self, new: Document, old: Document) -> None:
        if self._has_status:
            keep(new, old, "status")
        if self.has_generation:
            self._count_change(new, old)

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        """A subresource writes the status and nothing else, but `scale`, which is an update by another door."""
        if subresource == "scale":
            self.prepare_update(new, old)
            return
        for name in (new.keys() | old.keys()) - {"apiVersion", "kind", "metadata", "status"}:
            keep(new, old, name)

    def default(self, document: Document, settled: Container[str] = (), *, typed: bool = False) -> None:
        """Fill in what is absent. Raises BadRequest for values of the wrong type, which defaulting cannot read.

        `settled` are the fields at the top that are as they are stored: nobody has to read them again. `typed`: all
        values are known to be of the right types.
        """
        if not typed:
            self._check_types(document, settled)
        try:
            times.settle(document, self.resource.type, settled)
        except times.TimeError as error:
            raise self._cannot_be_handled(str(error)) from error
        if why := binary.mistake(self.resource, document):
            raise self._cannot_be_handled(why)
        try:
            apply_defaults(self.resource, document, settled)
        except QuantityError as error:
            raise self._cannot_be_handled(str(error)) from error

    # --- validation, on objects

    def validate(self, obj: Any) -> list[FieldError]:
        return validation.validate(self.resource, obj)

    def validate_update(self, new: Any, old: Any) -> list[FieldError]:
        return validation.validate_update(self.resource, new, old)

    def validate_subresource_update(self, subresource: str, new: Any, old: Any) -> list[FieldError]:
        if subresource == "status":
            return validation.validate_status_update(self.resource, new, old)
        if subresource == "scale":
            return self.validate_update(new, old)
        return validation.validate_subresource_update(self.resource, subresource, new, old)

    def warnings(self, obj: Any) -> list[str]:
        """Return what the caller should hear although it is allowed."""
        return []

    def update_warnings(self, new: Any, old: Any) -> list[str]:
        """Return the same for an object that takes the place of `old`."""
        return self.warnings(new)

    # --- deletion and selection

    def prepare_delete(self, document: Document, now: datetime) -> None:
        """Write into an object what holds it until its deletion is done."""

    def grace_period(self, obj: Any, requested: int | None) -> int:
        """Return the seconds an object has to end by itself; 0: it is gone at once."""
        return 0

    def selectable_fields(self, document: Document) -> dict[str, str]:
        return selectable_fields(self.resource, document)

    # --- the scale subresource

    def scale_of(self, document: Document) -> Document:
        """Return an object as an autoscaling/v1 Scale. Raises InternalError."""
        return scale.scale_of(self.resource, document)

    def apply_scale(self, document: Document, wanted: Document) -> None:
        """Write the replica count of a Scale into an object. Raises Invalid, Conflict."""
        scale.apply_scale(self.resource, document, wanted)

    # --- for the kinds

    def wanted(self, document: Document) -> Any:
        """Return the part of an object that, when it changes, is a new generation."""
        return document.get("spec")

    def _count_change(self, new: Document, old: Document) -> None:
        generation = old.get("metadata", {}).get("generation") or 0
        changed = self.wanted(new) != self.wanted(old) and self._differs(new, old)
        new.setdefault("metadata", {})["generation"] = generation + 1 if changed else generation

    def _differs(self, new: Document, old: Document) -> bool:
        """A second look: an empty list says the same as no list."""
        return bool(self.wanted(self._normal(new)) != self.wanted(self._normal(old)))

    def _normal(self, document: Document) -> Document:
        normal: Document = msgspec.to_builtins(msgspec.convert(document, self.resource.type))
        return normal

    def _check_types(self, document: Document, settled: Container[str]) -> None:
        read = {name: value for name, value in document.items() if name not in settled} if settled else document
        try:
            msgspec.convert(read, self.resource.type)
        except msgspec.ValidationError as error:
            raise self._cannot_be_handled(fields.type_mistake(error, self.resource.type, document)) from error

    def _cannot_be_handled(self, why: str) -> BadRequest:
        kind, version = self.resource.kind, self.resource.version
        return BadRequest(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')


def keep(new: Document, old: Document, *path: str) -> None:
    """Undo what `new` says at `path`: it stays as in `old`."""
    *above, last = path
    for step in above:
        old = old.get(step) or {}
        if step not in new and not old:
            return
        new = new.setdefault(step, {})
    if last in old:
        new[last] = old[last]
    else:
        new.pop(last, None)
