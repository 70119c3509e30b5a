"""What happens to custom resources when they are written: the rules that all of them share, and those of the schema."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from controlplane.api import names
from controlplane.api.apiextensions_v1 import CustomResourceSubresourceScale
from controlplane.api.codec import Document
from controlplane.api.meta_v1 import StatusDetails
from controlplane.api.resources import Resource
from controlplane.api.status import FieldError, MethodNotAllowed
from controlplane.api.structural.defaults import apply_defaults, drop_nulls
from controlplane.api.structural.embedded import embedded_mistakes
from controlplane.api.structural.lists import duplicates
from controlplane.api.structural.paths import Find, parse_path
from controlplane.api.structural.pruning import prune
from controlplane.api.structural.schema import EMPTY, Node
from controlplane.api.structural.values import BLOCKING, validate, validate_update
from controlplane.api.validation.metadata import validate_metadata, validate_metadata_update
from controlplane.apiserver.customresources.rules import Rules
from controlplane.apiserver.customresources.scale import mistakes_of_scale, put, scale_of
from controlplane.apiserver.customresources.shape import CustomObject
from controlplane.apiserver.strategies.base import Caller, Strategy, keep
from controlplane.apiserver.strategies.scale import wanted_count

_STANDARD_FINALIZERS = frozenset({"foregroundDeletion", "kubernetes", "orphan"})
_NOT_CHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)


@dataclass(slots=True)
class Life:
    """What may change of a definition without its resource being served anew."""

    terminating: bool = False


class CustomStrategy(Strategy):
    """The rules of one version of a custom resource."""

    allow_unconditional_update = False
    has_generation = True

    def __init__(
        self, resource: Resource, node: Node, life: Life, rules: Rules, scale: CustomResourceSubresourceScale | None
    ):
        super().__init__(resource)
        self._node, self._life, self._rules, self._scale = node, life, rules, scale
        self._paths: dict[str, Find] = {name: parse_path("." + name) for name in resource.selectable}

    # --- before validation

    def default(self, document: Document, settled: Container[str] = (), *, typed: bool = False) -> None:
        prune(document, self._node)  # what admission, or a patch, may have brought in
        drop_nulls(document, self._node)
        apply_defaults(document, self._node)

    def prepare_create(self, document: Document, caller: Caller) -> None:
        if self._life.terminating:
            why = "create not allowed while custom resource definition is terminating"
            raise MethodNotAllowed(why, details=StatusDetails(group=self.resource.group, kind=self.resource.plural))
        super().prepare_create(document, caller)

    def prepare_subresource_update(self, subresource: str, new: Document, old: Document) -> None:
        super().prepare_subresource_update(subresource, new, old)
        if subresource == "status":
            for name in new["metadata"].keys() | old["metadata"].keys():
                if name != "managedFields":
                    keep(new, old, "metadata", name)

    def wanted(self, document: Document) -> Any:
        return {key: value for key, value in document.items() if key != "metadata"}

    def _differs(self, new: Document, old: Document) -> bool:
        return True

    # --- validation

    def validate(self, obj: CustomObject) -> list[FieldError]:
        document = obj.document
        errors = validate_metadata(self.resource, obj.metadata) + validate(document, self._node)
        errors += mistakes_of_scale(self._scale, document, with_spec=True)
        errors += [*embedded_mistakes(document, self._node), *duplicates(document, self._node)]
        return errors + self._broken_rules(errors, document, None)

    def validate_update(self, new: CustomObject, old: CustomObject) -> list[FieldError]:
        errors = validate_metadata_update(new.metadata, old.metadata)
        errors += validate_update(new.document, old.document, self._node)
        errors += mistakes_of_scale(self._scale, new.document, with_spec=True)
        errors += embedded_mistakes(new.document, self._node)
        errors += self._new_duplicates(new, old)
        return errors + self._broken_rules(errors, new.document, old.document)

    def validate_subresource_update(self, subresource: str, new: CustomObject, old: CustomObject) -> list[FieldError]:
        if subresource != "status":
            return self.validate_update(new, old)
        errors = validate_metadata_update(new.metadata, old.metadata)
        if "status" in new.document:
            node = self._node.properties.get("status", EMPTY)
            errors += validate_update(new.document["status"], old.document.get("status"), node, "status")
        errors += mistakes_of_scale(self._scale, new.document, with_spec=False)
        errors += self._new_duplicates(new, old)
        return errors + self._broken_rules(errors, new.document, old.document)

    def _new_duplicates(self, new: CustomObject, old: CustomObject) -> list[FieldError]:
        found = list(duplicates(new.document, self._node))
        return [] if found and any(True for _ in duplicates(old.document, self._node)) else found

    def _broken_rules(self, errors: list[FieldError], new: Document, old: Document | None) -> list[FieldError]:
        if not self._node.rules_below:
            return []
        if any(error.reason in BLOCKING for error in errors):
            return [FieldError("FieldValueInvalid", "<nil>", f"Invalid value: null: {_NOT_CHECKED}")]
        return self._rules.broken(new, old)

    def warnings(self, obj: CustomObject) -> list[str]:
        return [warning for finalizer in obj.metadata.finalizers for warning in _about_finalizer(finalizer)]

    # --- scale and selection

    def scale_of(self, document: Document) -> Document:
        return scale_of(self._scale, document) if self._scale else {}

    def apply_scale(self, document: Document, wanted: Document) -> None:
        if self._scale:
            put(document, self._scale.spec_replicas_path, wanted_count(self.resource, document, wanted))

    def selectable_fields(self, document: Document) -> dict[str, str]:
        metadata = document["metadata"]
        fields = {"metadata.name": metadata.get("name") or ""}
        if self.resource.namespaced:
            fields["metadata.namespace"] = metadata.get("namespace") or ""
        return fields | {name: _text(find(document)) for name, find in self._paths.items()}


def _text(found: list[Any]) -> str:
    if not found or found[0] is None:
        return ""
    return str(found[0]).lower() if isinstance(found[0], bool) else str(found[0])


def _about_finalizer(name: str) -> list[str]:
    where = f'metadata.finalizers: "{name}"'
    warnings = [f"{where}: {problem}" for problem in names.qualified_name(name)]
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        path = " including a path (/)" if "." in name else ""
        warnings.append(
            f"{where}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other "
            "finalizer writers"
        )
    return warnings
