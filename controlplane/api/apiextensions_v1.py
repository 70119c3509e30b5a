"""io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any, TypeAlias

from msgspec import field

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, Number, Time, always
from controlplane.api.meta_v1 import ObjectMeta


class CustomResourceColumnDefinition(KubeStruct):
    description: str = ""
    format: str = ""
    json_path: str = always(str)
    name: str = always(str)
    priority: Int32 | None = None
    type: str = always(str)


class ServiceReference(KubeStruct):
    name: str = always(str)
    namespace: str = always(str)
    path: str = ""
    port: Int32 | None = None


class WebhookClientConfig(KubeStruct):
    ca_bundle: str = ""
    service: ServiceReference | None = None
    url: str = ""


class WebhookConversion(KubeStruct):
    client_config: WebhookClientConfig | None = None
    conversion_review_versions: Annotated[list[str], Atomic()] = []


class CustomResourceConversion(KubeStruct):
    strategy: str = always(str)
    webhook: WebhookConversion | None = None


class CustomResourceDefinitionNames(KubeStruct):
    kind: str = always(str)
    categories: Annotated[list[str], Atomic()] = []
    list_kind: str = ""
    plural: str = always(str)
    short_names: Annotated[list[str], Atomic()] = []
    singular: str = ""


class CustomResourceSubresourceScale(KubeStruct):
    label_selector_path: str = ""
    spec_replicas_path: str = always(str)
    status_replicas_path: str = always(str)


CustomResourceSubresourceStatus: TypeAlias = dict[str, Any]


class CustomResourceSubresources(KubeStruct):
    scale: CustomResourceSubresourceScale | None = None
    status: CustomResourceSubresourceStatus | None = None


class ExternalDocumentation(KubeStruct):
    description: str = ""
    url: str = ""


JSON: TypeAlias = Any


JSONSchemaPropsOrArray: TypeAlias = Any


JSONSchemaPropsOrBool: TypeAlias = Any


JSONSchemaPropsOrStringArray: TypeAlias = Any


class ValidationRule(KubeStruct):
    field_path: str = ""
    message: str = ""
    message_expression: str = ""
    optional_old_self: bool | None = None
    reason: str = ""
    rule: str = always(str)


class JSONSchemaProps(KubeStruct):
    ref: str = field(name="$ref", default="")
    schema: str = field(name="$schema", default="")
    additional_items: JSONSchemaPropsOrBool | None = None
    additional_properties: JSONSchemaPropsOrBool | None = None
    all_of: Annotated[list[JSONSchemaProps], Atomic()] = []
    any_of: Annotated[list[JSONSchemaProps], Atomic()] = []
    default: JSON | None = None
    definitions: dict[str, JSONSchemaProps] = {}
    dependencies: dict[str, JSONSchemaPropsOrStringArray] = {}
    description: str = ""
    enum: Annotated[list[JSON], Atomic()] = []
    example: JSON | None = None
    exclusive_maximum: bool | None = None
    exclusive_minimum: bool | None = None
    external_docs: ExternalDocumentation | None = None
    format: str = ""
    id: str = ""
    items: JSONSchemaPropsOrArray | None = None
    max_items: Int64 | None = None
    max_length: Int64 | None = None
    max_properties: Int64 | None = None
    maximum: Number | None = None
    min_items: Int64 | None = None
    min_length: Int64 | None = None
    min_properties: Int64 | None = None
    minimum: Number | None = None
    multiple_of: Number | None = None
    not_: JSONSchemaProps | None = None
    nullable: bool | None = None
    one_of: Annotated[list[JSONSchemaProps], Atomic()] = []
    pattern: str = ""
    pattern_properties: dict[str, JSONSchemaProps] = {}
    properties: dict[str, JSONSchemaProps] = {}
    required: Annotated[list[str], Atomic()] = []
    title: str = ""
    type: str = ""
    unique_items: bool | None = None
    x_kubernetes_embedded_resource: bool | None = field(name="x-kubernetes-embedded-resource", default=None)
    x_kubernetes_int_or_string: bool | None = field(name="x-kubernetes-int-or-string", default=None)
    x_kubernetes_list_map_keys: Annotated[list[str], Atomic()] = field(
        name="x-kubernetes-list-map-keys", default_factory=list
    )
    x_kubernetes_list_type: str = field(name="x-kubernetes-list-type", default="")
    x_kubernetes_map_type: str = field(name="x-kubernetes-map-type", default="")
    x_kubernetes_preserve_unknown_fields: bool | None = field(name="x-kubernetes-preserve-unknown-fields", default=None)
    x_kubernetes_validations: Annotated[list[ValidationRule], ListMap(("rule",), merge_key="rule")] = field(
        name="x-kubernetes-validations", default_factory=list
    )


class CustomResourceValidation(KubeStruct):
    open_api_v3_schema: JSONSchemaProps | None = field(name="openAPIV3Schema", default=None)


class SelectableField(KubeStruct):
    json_path: str = always(str)


class CustomResourceDefinitionVersion(KubeStruct):
    additional_printer_columns: Annotated[list[CustomResourceColumnDefinition], Atomic()] = []
    deprecated: bool | None = None
    deprecation_warning: str = ""
    name: str = always(str)
    schema: CustomResourceValidation | None = None
    selectable_fields: Annotated[list[SelectableField], Atomic()] = []
    served: bool = always(bool)
    storage: bool = always(bool)
    subresources: CustomResourceSubresources | None = None


class CustomResourceDefinitionSpec(KubeStruct):
    conversion: CustomResourceConversion | None = None
    group: str = always(str)
    names: CustomResourceDefinitionNames = always(CustomResourceDefinitionNames)
    preserve_unknown_fields: bool | None = None
    scope: str = always(str)
    versions: Annotated[list[CustomResourceDefinitionVersion], Atomic()] = []


class CustomResourceDefinitionCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    observed_generation: Int64 | None = None
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class CustomResourceDefinitionStatus(KubeStruct):
    accepted_names: CustomResourceDefinitionNames = always(CustomResourceDefinitionNames)
    conditions: Annotated[list[CustomResourceDefinitionCondition], ListMap(("type",))] = []
    observed_generation: Int64 | None = None
    stored_versions: Annotated[list[str], Atomic()] = []


class CustomResourceDefinition(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: CustomResourceDefinitionSpec = always(CustomResourceDefinitionSpec)
    status: CustomResourceDefinitionStatus = always(CustomResourceDefinitionStatus)
