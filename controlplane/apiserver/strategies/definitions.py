"""CustomResourceDefinitions: the server writes their status, and holds them until their instances are gone."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import ClassVar

from controlplane.api.apiextensions_v1 import CustomResourceDefinition
from controlplane.api.codec import Document
from controlplane.api.defaults.custom_resource_definitions import stored_version
from controlplane.api.status import FieldError
from controlplane.api.structural.definitions import (
    schemas_of,
    validate_definition,
    validate_definition_status,
    validate_definition_update,
    warnings_about,
)
from controlplane.api.structural.schema import compile_schema
from controlplane.api.structural.typing import SchemaTypeError, settle
from controlplane.apiserver.customresources.rules import mistakes_of_rules
from controlplane.apiserver.strategies.base import Caller, Strategy
from controlplane.kit.timestamps import format_time

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


class DefinitionStrategy(Strategy):
    allow_unconditional_update: ClassVar[bool] = False
    has_generation: ClassVar[bool] = True

    def default(self, document: Document, settled: Container[str] = (), *, typed: bool = False) -> None:
        super().default(document, settled, typed=typed)
        for version in document["spec"].get("versions") or ():
            try:
                settle((version.get("schema") or {}).get("openAPIV3Schema") or {})
            except SchemaTypeError as error:
                raise self._cannot_be_handled(str(error)) from error

    def validate(self, obj: CustomResourceDefinition) -> list[FieldError]:
        return super().validate(obj) + (validate_definition(obj) or _of_expressions(obj))

    def validate_update(self, new: CustomResourceDefinition, old: CustomResourceDefinition) -> list[FieldError]:
        errors = super().validate_update(new, old) + validate_definition_update(new, old)
        return errors if errors or new.spec == old.spec else _of_expressions(new)

    def validate_subresource_update(
        self, subresource: str, new: CustomResourceDefinition, old: CustomResourceDefinition
    ) -> list[FieldError]:
        return super().validate_subresource_update(subresource, new, old) + validate_definition_status(new)

    def warnings(self, obj: CustomResourceDefinition) -> list[str]:
        return warnings_about(obj)

    def prepare_create(self, document: Document, caller: Caller) -> None:
        super().prepare_create(document, caller)
        document["status"] = {"storedVersions": stored_version(document["spec"])}

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        stored = new.setdefault("status", {}).get("storedVersions") or []
        new["status"]["storedVersions"] = [*stored, *(one for one in stored_version(new["spec"]) if one not in stored)]

    def prepare_delete(self, document: Document, now: datetime) -> None:
        metadata = document["metadata"]
        if metadata.get("deletionTimestamp"):
            return
        finalizers = metadata.get("finalizers") or []
        metadata["finalizers"] = [*finalizers, *([] if FINALIZER in finalizers else [FINALIZER])]
        status = document.setdefault("status", {})
        others = [one for one in status.get("conditions") or () if one.get("type") != "Terminating"]
        message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        pending = {"type": "Terminating", "status": "True", "lastTransitionTime": format_time(now)}
        status["conditions"] = [*others, pending | {"reason": "InstanceDeletionPending", "message": message}]


def _of_expressions(definition: CustomResourceDefinition) -> list[FieldError]:
    """Return the rules in CEL that do not compile; the schemas they stand in are valid."""
    return [
        error for path, raw in schemas_of(definition) for error in mistakes_of_rules(compile_schema(raw), path)
    ]  # fmt: skip
