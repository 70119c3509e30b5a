"""io.k8s.api.admissionregistration.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, ListSet, always
from controlplane.api.meta_v1 import Condition, LabelSelector, ObjectMeta


class ApplyConfiguration(KubeStruct):
    expression: str = ""


class AuditAnnotation(KubeStruct):
    key: str = always(str)
    value_expression: str = always(str)


class ExpressionWarning(KubeStruct):
    field_ref: str = always(str)
    warning: str = always(str)


class JSONPatch(KubeStruct):
    expression: str = ""


class MatchCondition(KubeStruct):
    expression: str = always(str)
    name: str = always(str)


class NamedRuleWithOperations(KubeStruct):
    api_groups: Annotated[list[str], Atomic()] = []
    api_versions: Annotated[list[str], Atomic()] = []
    operations: Annotated[list[str], Atomic()] = []
    resource_names: Annotated[list[str], Atomic()] = []
    resources: Annotated[list[str], Atomic()] = []
    scope: str = ""


class MatchResources(KubeStruct):
    exclude_resource_rules: Annotated[list[NamedRuleWithOperations], Atomic()] = []
    match_policy: str = ""
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    resource_rules: Annotated[list[NamedRuleWithOperations], Atomic()] = []


class Mutation(KubeStruct):
    apply_configuration: ApplyConfiguration | None = None
    json_patch: JSONPatch | None = None
    patch_type: str = always(str)


class ParamKind(KubeStruct):
    api_version: str = ""
    kind: str = ""


class Variable(KubeStruct):
    expression: str = always(str)
    name: str = always(str)


class MutatingAdmissionPolicySpec(KubeStruct):
    failure_policy: str = ""
    match_conditions: Annotated[list[MatchCondition], ListMap(("name",), merge_key="name")] = []
    match_constraints: MatchResources | None = None
    mutations: Annotated[list[Mutation], Atomic()] = []
    param_kind: ParamKind | None = None
    reinvocation_policy: str = ""
    variables: Annotated[list[Variable], Atomic()] = []


class MutatingAdmissionPolicy(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: MutatingAdmissionPolicySpec = always(MutatingAdmissionPolicySpec)


class ParamRef(KubeStruct):
    name: str = ""
    namespace: str = ""
    parameter_not_found_action: str = ""
    selector: LabelSelector | None = None


class MutatingAdmissionPolicyBindingSpec(KubeStruct):
    match_resources: MatchResources | None = None
    param_ref: ParamRef | None = None
    policy_name: str = ""


class MutatingAdmissionPolicyBinding(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: MutatingAdmissionPolicyBindingSpec = always(MutatingAdmissionPolicyBindingSpec)


class RuleWithOperations(KubeStruct):
    api_groups: Annotated[list[str], Atomic()] = []
    api_versions: Annotated[list[str], Atomic()] = []
    operations: Annotated[list[str], Atomic()] = []
    resources: Annotated[list[str], Atomic()] = []
    scope: str = ""


class ServiceReference(KubeStruct):
    name: str = always(str)
    namespace: str = always(str)
    path: str = ""
    port: Int32 | None = None


class WebhookClientConfig(KubeStruct):
    ca_bundle: str = ""
    service: ServiceReference | None = None
    url: str = ""


class MutatingWebhook(KubeStruct):
    admission_review_versions: Annotated[list[str], Atomic()] = []
    client_config: WebhookClientConfig = always(WebhookClientConfig)
    failure_policy: str = ""
    match_conditions: Annotated[list[MatchCondition], ListMap(("name",), merge_key="name")] = []
    match_policy: str = ""
    name: str = always(str)
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    reinvocation_policy: str = ""
    rules: Annotated[list[RuleWithOperations], Atomic()] = []
    side_effects: str = ""
    timeout_seconds: Int32 | None = None


class MutatingWebhookConfiguration(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    webhooks: Annotated[list[MutatingWebhook], ListMap(("name",), merge_key="name")] = []


class TypeChecking(KubeStruct):
    expression_warnings: Annotated[list[ExpressionWarning], Atomic()] = []


class Validation(KubeStruct):
    expression: str = always(str)
    message: str = ""
    message_expression: str = ""
    reason: str = ""


class ValidatingAdmissionPolicySpec(KubeStruct):
    audit_annotations: Annotated[list[AuditAnnotation], Atomic()] = []
    failure_policy: str = ""
    match_conditions: Annotated[list[MatchCondition], ListMap(("name",), merge_key="name")] = []
    match_constraints: MatchResources | None = None
    param_kind: ParamKind | None = None
    validations: Annotated[list[Validation], Atomic()] = []
    variables: Annotated[list[Variable], ListMap(("name",), merge_key="name")] = []


class ValidatingAdmissionPolicyStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",))] = []
    observed_generation: Int64 | None = None
    type_checking: TypeChecking | None = None


class ValidatingAdmissionPolicy(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ValidatingAdmissionPolicySpec = always(ValidatingAdmissionPolicySpec)
    status: ValidatingAdmissionPolicyStatus = always(ValidatingAdmissionPolicyStatus)


class ValidatingAdmissionPolicyBindingSpec(KubeStruct):
    match_resources: MatchResources | None = None
    param_ref: ParamRef | None = None
    policy_name: str = ""
    validation_actions: Annotated[list[str], ListSet(merge=False)] = []


class ValidatingAdmissionPolicyBinding(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ValidatingAdmissionPolicyBindingSpec = always(ValidatingAdmissionPolicyBindingSpec)


class ValidatingWebhook(KubeStruct):
    admission_review_versions: Annotated[list[str], Atomic()] = []
    client_config: WebhookClientConfig = always(WebhookClientConfig)
    failure_policy: str = ""
    match_conditions: Annotated[list[MatchCondition], ListMap(("name",), merge_key="name")] = []
    match_policy: str = ""
    name: str = always(str)
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    rules: Annotated[list[RuleWithOperations], Atomic()] = []
    side_effects: str = ""
    timeout_seconds: Int32 | None = None


class ValidatingWebhookConfiguration(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    webhooks: Annotated[list[ValidatingWebhook], ListMap(("name",), merge_key="name")] = []
