"""CustomResourceDefinitions: names, versions, subresources, columns and conversion; of schemas `rules.py` takes care.

Upstream moves what all versions have alike to the top of the spec before it looks at it, and its messages say so: the
schema of a definition with one version is at spec.validation.openAPIV3Schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from controlplane.api import names
from controlplane.api.apiextensions_v1 import (
    CustomResourceColumnDefinition,
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion,
    CustomResourceSubresources,
    WebhookClientConfig,
)
from controlplane.api.codec import to_document
from controlplane.api.status import FieldError
from controlplane.api.structural.formats import is_known
from controlplane.api.structural.rules import every_schema, schema_mistakes, selectable_mistakes
from controlplane.api.structural.schema import JsonSchema
from controlplane.api.validation.errors import forbidden, immutable, invalid, not_supported, required
from controlplane.api.validation.webhook_clients import validate_client, validate_review_versions

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SCOPES = ("Cluster", "Namespaced")
APPROVED = "api-approved.kubernetes.io"
REVIEWS = "https://github.com/kubernetes/enhancements/pull/1111"
_TOO_LONG_WARNING = 256


def validate_definition(definition: CustomResourceDefinition) -> list[FieldError]:
    """Return what is wrong with a new definition."""
    spec = definition.spec
    names_ = spec.names or CustomResourceDefinitionNames()
    errors: list[FieldError] = []
    if definition.metadata.name != f"{names_.plural}.{spec.group}":
        errors.append(invalid("metadata.name", definition.metadata.name, 'must be spec.names.plural+"."+spec.group'))
    return [*errors, *_of_spec(spec), *_of_status(definition), *_approval(definition, None), *_preserves(definition)]


def validate_definition_update(new: CustomResourceDefinition, old: CustomResourceDefinition) -> list[FieldError]:
    """Return what is wrong with a definition that takes the place of another."""
    names_ = new.spec.names or CustomResourceDefinitionNames()
    before = old.spec.names or CustomResourceDefinitionNames()
    errors = [*_of_spec(new.spec)]
    if any(one.type == "Established" and one.status == "True" for one in old.status.conditions):
        errors += immutable("spec.scope", new.spec.scope, old.spec.scope)
        errors += immutable("spec.names.kind", names_.kind, before.kind)
    errors += immutable("spec.group", new.spec.group, old.spec.group)
    errors += immutable("spec.names.plural", names_.plural, before.plural)
    errors += [*_of_status(new), *_approval(new, old)]
    return errors if old.spec.preserve_unknown_fields else [*errors, *_preserves(new)]


def validate_definition_status(new: CustomResourceDefinition) -> list[FieldError]:
    """Return what is wrong with a new status."""
    return list(_of_names(new.status.accepted_names or CustomResourceDefinitionNames(), "status.acceptedNames"))


def schemas_of(definition: CustomResourceDefinition) -> Iterator[tuple[str, JsonSchema]]:
    """Yield the schema of each version with the place where messages say that it is; one that all share, once."""
    versions = definition.spec.versions
    shared = _Shared(versions)
    for index, version in enumerate(versions):
        schema = version.schema.open_api_v3_schema if version.schema else None
        path = shared.path(index, "schema")
        if schema is not None and not (index and path == "spec.validation"):
            yield f"{path}.openAPIV3Schema", to_document(schema)


def warnings_about(definition: CustomResourceDefinition) -> list[str]:
    """Return what its author should hear although it is allowed."""
    formats: list[str] = []
    sets: set[str] = set()
    for version in definition.spec.versions:
        schema = version.schema.open_api_v3_schema if version.schema else None
        for one in every_schema(to_document(schema)) if schema else ():
            if (format_ := one.get("format")) and not is_known(format_, one.get("type") or ""):
                formats.append(f'unrecognized format "{format_}"')
            items = one.get("items")
            item_type = items.get("type") if isinstance(items, dict) else None
            if one.get("x-kubernetes-list-type") == "set" and item_type in ("array", "object"):
                sets.add(
                    f'x-kubernetes-list-type: set for items of type "{item_type}" is not supported by server-side '
                    "apply or CEL validation rules"
                )
    return formats + sorted(sets)


# --- the spec


def _of_spec(spec: CustomResourceDefinitionSpec) -> Iterator[FieldError]:
    yield from _of_group(spec.group)
    if not spec.scope:
        yield required("spec.scope")
    elif spec.scope not in _SCOPES:
        yield not_supported("spec.scope", spec.scope, _SCOPES)
    for index, version in enumerate(spec.versions):
        if version.schema is None or version.schema.open_api_v3_schema is None:
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
    yield from _of_versions(spec.versions)
    names_ = spec.names or CustomResourceDefinitionNames()
    for field, value in (
        ("plural", names_.plural), ("singular", names_.singular), ("kind", names_.kind), ("listKind", names_.list_kind),
    ):  # fmt: skip
        if not value:
            yield required(f"spec.names.{field}")
    yield from _of_names(names_, "spec.names")
    yield from _of_conversion(spec.conversion)


def _of_group(group: str) -> Iterator[FieldError]:
    if not group:
        yield required("spec.group")
    elif problems := names.dns1123_subdomain(group):
        yield invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _of_versions(versions: Sequence[CustomResourceDefinitionVersion]) -> Iterator[FieldError]:
    shared = _Shared(versions)
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}]"
        if problems := names.dns1035_label(version.name):
            yield invalid(f"{path}.name", version.name, ",".join(problems))
        for why in _of_warning(version):
            yield invalid(f"{path}.deprecationWarning", version.deprecation_warning, why)
        if index and shared.everything:
            continue  # what is the same everywhere is wrong once
        yield from _of_schema(version, shared.path(index, "schema"))
        yield from _of_subresources(version.subresources, shared.path(index, "subresources"))
        for place, column in enumerate(version.additional_printer_columns):
            yield from _of_column(column, f"{shared.path(index, 'additionalPrinterColumns')}[{place}]")
        if version.selectable_fields:
            schema = version.schema.open_api_v3_schema if version.schema else None
            paths = [one.json_path for one in version.selectable_fields]
            raw = to_document(schema) if schema else {}
            yield from selectable_mistakes(paths, raw, shared.path(index, "selectableFields"))
    if len({one.name for one in versions}) < len(versions):
        yield _of_all_versions(versions, "must contain unique version names")
    if sum(bool(one.storage) for one in versions) != 1:
        yield _of_all_versions(versions, "must have exactly one version marked as storage version")


class _Shared:
    """Where messages say that a version's parts are: at the top of the spec, if all versions have the same."""

    def __init__(self, versions: Sequence[CustomResourceDefinitionVersion]):
        first = versions[0] if versions else CustomResourceDefinitionVersion()
        self._hoisted = {
            "schema": all(one.schema is not None and one.schema == first.schema for one in versions),
            "subresources": all(one.subresources == first.subresources for one in versions),
            "additionalPrinterColumns": all(
                one.additional_printer_columns == first.additional_printer_columns for one in versions
            ),
            "selectableFields": all(one.selectable_fields == first.selectable_fields for one in versions),
        }

    @property
    def everything(self) -> bool:
        return all(self._hoisted.values())

    def path(self, index: int, part: str) -> str:
        if self._hoisted[part]:
            return "spec.validation" if part == "schema" else f"spec.{part}"
        return f"spec.versions[{index}].{part}"


def _of_all_versions(versions: Sequence[CustomResourceDefinitionVersion], why: str) -> FieldError:
    return invalid("spec.versions", [to_document(one) for one in versions], why)


def _of_warning(version: CustomResourceDefinitionVersion) -> Iterator[str]:
    text = version.deprecation_warning
    if not text:
        return
    if not version.deprecated:
        yield "can only be set for deprecated versions"
        return
    if len(text.encode()) > _TOO_LONG_WARNING:
        yield "must be <= 256 characters long"
    for index, character in enumerate(text):
        if not character.isprintable():
            yield f"must only contain printable UTF-8 characters; non-printable character found at index {index}"
            break


def _of_schema(version: CustomResourceDefinitionVersion, path: str) -> Iterator[FieldError]:
    schema = version.schema.open_api_v3_schema if version.schema else None
    if schema is not None:
        has_status = bool(version.subresources and version.subresources.status is not None)
        yield from schema_mistakes(to_document(schema), f"{path}.openAPIV3Schema", has_status=has_status)


def _of_subresources(subresources: CustomResourceSubresources | None, path: str) -> Iterator[FieldError]:
    scale = subresources.scale if subresources else None
    if scale is None:
        return
    counts = (
        ("specReplicasPath", scale.spec_replicas_path, ".spec"),
        ("statusReplicasPath", scale.status_replicas_path, ".status"),
    )
    for field, value, top in counts:
        here = f"{path}.scale.{field}"
        if not value:
            yield required(here)
        elif value[0] != ".":
            yield invalid(here, value, "must be a simple json path starting with .")
        elif not value.startswith(f"{top}."):
            yield invalid(here, value, f"should be a json path under {top}")
    selector = scale.label_selector_path
    if selector and selector[0] != ".":
        yield invalid(f"{path}.scale.labelSelectorPath", selector, "must be a simple json path starting with .")
    elif selector and not selector.startswith((".spec.", ".status.")):
        why = "should be a json path under either .spec or .status"
        yield invalid(f"{path}.scale.labelSelectorPath", selector, why)


def _of_column(column: CustomResourceColumnDefinition, path: str) -> Iterator[FieldError]:
    if not column.name:
        yield required(f"{path}.name")
    allowed = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not column.type:
        yield required(f"{path}.type", allowed)
    elif column.type not in _COLUMN_TYPES:
        yield invalid(f"{path}.type", column.type, allowed)
    if column.format and column.format not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", column.format, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not column.json_path:
        yield required(f"{path}.JSONPath")
    elif column.json_path[0] != ".":
        yield invalid(f"{path}.JSONPath", column.json_path, "must be a simple json path starting with .")


def _of_names(found: CustomResourceDefinitionNames, path: str) -> Iterator[FieldError]:
    for field, name in (("plural", found.plural), ("singular", found.singular)):
        if name and (problems := names.dns1035_label(name)):
            yield invalid(f"{path}.{field}", name, ",".join(problems))
    for field, name in (("kind", found.kind), ("listKind", found.list_kind)):
        if name and (problems := names.dns1035_label(name.lower())):
            why = "may have mixed case, but should otherwise match: " + ",".join(problems)
            yield invalid(f"{path}.{field}", name, why)
    for index, name in enumerate(found.short_names):
        if problems := names.dns1035_label(name):
            yield invalid(f"{path}.shortNames[{index}]", name, ",".join(problems))
    if found.kind and found.kind == found.list_kind:
        yield invalid(f"{path}.listKind", found.list_kind, "kind and listKind may not be the same")
    for index, name in enumerate(found.categories):
        if problems := names.dns1035_label(name):
            yield invalid(f"{path}.categories[{index}]", name, ",".join(problems))


# --- conversion


def _of_conversion(conversion: CustomResourceConversion | None) -> Iterator[FieldError]:
    if conversion is None:
        return
    path, strategy = "spec.conversion", conversion.strategy
    if not strategy:
        yield required(f"{path}.strategy")
    elif strategy not in ("None", "Webhook"):
        yield not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))
    webhook = conversion.webhook
    if strategy == "Webhook":
        yield from _of_client_config(webhook.client_config if webhook else None, f"{path}.webhookClientConfig")
        versions = webhook.conversion_review_versions if webhook else []
        if not versions:
            yield required(f"{path}.conversionReviewVersions")
        yield from validate_review_versions(versions, f"{path}.conversionReviewVersions")
        return
    why = "should not be set when strategy is not set to Webhook"
    if webhook and webhook.client_config:
        yield forbidden(f"{path}.webhookClientConfig", why)
    if webhook and webhook.conversion_review_versions:
        yield forbidden(f"{path}.conversionReviewVersions", why)


def _of_client_config(config: WebhookClientConfig | None, path: str) -> Iterator[FieldError]:
    if config is None:
        yield required(path, "required when strategy is set to Webhook")
    else:
        yield from validate_client(config, path)


# --- the rest


def _of_status(definition: CustomResourceDefinition) -> Iterator[FieldError]:
    status, path = definition.status, "status.storedVersions"
    yield from _of_names(status.accepted_names or CustomResourceDefinitionNames(), "status.acceptedNames")
    stored = status.stored_versions
    if not stored:
        yield invalid(path, [], "must have at least one stored version")
        return
    known = {one.name for one in definition.spec.versions}
    for version in definition.spec.versions:
        if version.storage and version.name not in stored:
            yield invalid(path, stored, f"must have the storage version {version.name}")
    for index, name in enumerate(stored):
        if name not in known:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and "
                f"removes {name} from status.storedVersions"
            )
            yield invalid(f"{path}[{index}]", name, why)


def _preserves(definition: CustomResourceDefinition) -> Iterator[FieldError]:
    if definition.spec.preserve_unknown_fields:
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, why)


def is_protected(group: str) -> bool:
    """Return whether a group is one of the project's own."""
    return group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))


def _approval(definition: CustomResourceDefinition, old: CustomResourceDefinition | None) -> Iterator[FieldError]:
    """Groups of the project itself need a link to the review that allowed them."""
    group = definition.spec.group
    if not is_protected(group):
        return
    annotations: Mapping[str, Any] = definition.metadata.annotations
    value, path = annotations.get(APPROVED, ""), f"metadata.annotations[{APPROVED}]"
    if old is not None and old.metadata.annotations.get(APPROVED, "") == value:
        return
    if not value:
        why = f'protected groups must have approval annotation "{APPROVED}", see {REVIEWS}'
        yield required(path, why)
    elif not value.startswith("unapproved") and not (urlsplit(value).scheme and urlsplit(value).netloc):
        why = (
            f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with '
            f'"unapproved", see {REVIEWS}'
        )
        yield invalid(path, value, why)
