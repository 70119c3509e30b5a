"""io.k8s.api.authorization.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, KubeStruct, always
from controlplane.api.meta_v1 import FieldSelectorRequirement, LabelSelectorRequirement, ObjectMeta


class FieldSelectorAttributes(KubeStruct):
    raw_selector: str = ""
    requirements: Annotated[list[FieldSelectorRequirement], Atomic()] = []


class LabelSelectorAttributes(KubeStruct):
    raw_selector: str = ""
    requirements: Annotated[list[LabelSelectorRequirement], Atomic()] = []


class NonResourceAttributes(KubeStruct):
    path: str = ""
    verb: str = ""


class ResourceAttributes(KubeStruct):
    field_selector: FieldSelectorAttributes | None = None
    group: str = ""
    label_selector: LabelSelectorAttributes | None = None
    name: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    verb: str = ""
    version: str = ""


class SubjectAccessReviewSpec(KubeStruct):
    extra: dict[str, list[str]] = {}
    groups: Annotated[list[str], Atomic()] = []
    non_resource_attributes: NonResourceAttributes | None = None
    resource_attributes: ResourceAttributes | None = None
    uid: str = ""
    user: str = ""


class SubjectAccessReviewStatus(KubeStruct):
    allowed: bool = always(bool)
    denied: bool | None = None
    evaluation_error: str = ""
    reason: str = ""


class LocalSubjectAccessReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: SubjectAccessReviewSpec = always(SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = always(SubjectAccessReviewStatus)


class NonResourceRule(KubeStruct):
    non_resource_urls: Annotated[list[str], Atomic()] = []
    verbs: Annotated[list[str], Atomic()] = []


class ResourceRule(KubeStruct):
    api_groups: Annotated[list[str], Atomic()] = []
    resource_names: Annotated[list[str], Atomic()] = []
    resources: Annotated[list[str], Atomic()] = []
    verbs: Annotated[list[str], Atomic()] = []


class SelfSubjectAccessReviewSpec(KubeStruct):
    non_resource_attributes: NonResourceAttributes | None = None
    resource_attributes: ResourceAttributes | None = None


class SelfSubjectAccessReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: SelfSubjectAccessReviewSpec = always(SelfSubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = always(SubjectAccessReviewStatus)


class SelfSubjectRulesReviewSpec(KubeStruct):
    namespace: str = ""


class SubjectRulesReviewStatus(KubeStruct):
    evaluation_error: str = ""
    incomplete: bool = always(bool)
    non_resource_rules: Annotated[list[NonResourceRule], Atomic()] = []
    resource_rules: Annotated[list[ResourceRule], Atomic()] = []


class SelfSubjectRulesReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: SelfSubjectRulesReviewSpec = always(SelfSubjectRulesReviewSpec)
    status: SubjectRulesReviewStatus = always(SubjectRulesReviewStatus)


class SubjectAccessReview(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: SubjectAccessReviewSpec = always(SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = always(SubjectAccessReviewStatus)
