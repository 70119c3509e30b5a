"""What an object must be to be stored: `validate(resource, obj)` lists everything that is wrong, in upstream's words.

    validate(deployments, obj) == [invalid("spec.replicas", -1, "must be greater than or equal to 0")]

Rules read typed objects with their defaults filled in and change nothing. Each kind has a file; what several share is
beside them (`metadata`, `containers`, `probes`, `volumes`, `selectors`), and `errors` says each sort of mistake.
"""

from __future__ import annotations

from typing import Any

from controlplane.api.resources import Resource
from controlplane.api.status import FieldError
from controlplane.api.validation.metadata import validate_metadata, validate_metadata_update
from controlplane.api.validation.rules import RULES, SUBRESOURCE_RULES

__all__ = ["validate", "validate_status_update", "validate_subresource_update", "validate_update"]


def validate(resource: Resource, obj: Any) -> list[FieldError]:
    """Return what is wrong with a new object."""
    errors = validate_metadata(resource, obj.metadata)
    rules = RULES.get((resource.group, resource.kind))
    return errors + rules.new(obj) if rules else errors


def validate_update(resource: Resource, new: Any, old: Any) -> list[FieldError]:
    """Return what is wrong with an object that takes the place of `old`."""
    errors = validate_metadata_update(new.metadata, old.metadata)
    rules = RULES.get((resource.group, resource.kind))
    return errors + rules.update(new, old) if rules else errors


def validate_status_update(resource: Resource, new: Any, old: Any) -> list[FieldError]:
    """Return what is wrong with a status that takes the place of the one of `old`."""
    errors = validate_metadata_update(new.metadata, old.metadata)
    rules = RULES.get((resource.group, resource.kind))
    return errors + rules.status(new, old) if rules else errors


def validate_subresource_update(resource: Resource, subresource: str, new: Any, old: Any) -> list[FieldError]:
    """Return what is wrong with what "approval", "finalize", "ephemeralcontainers" or "resize" would store."""
    errors = validate_metadata_update(new.metadata, old.metadata)
    rule = SUBRESOURCE_RULES.get((resource.group, resource.kind, subresource))
    return errors + rule(new, old) if rule else errors
