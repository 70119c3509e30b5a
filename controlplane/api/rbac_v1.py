"""io.k8s.api.rbac.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, KubeStruct, always
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class AggregationRule(KubeStruct):
    cluster_role_selectors: Annotated[list[LabelSelector], Atomic()] = []


class PolicyRule(KubeStruct):
    api_groups: Annotated[list[str], Atomic()] = []
    non_resource_urls: Annotated[list[str], Atomic()] = []
    resource_names: Annotated[list[str], Atomic()] = []
    resources: Annotated[list[str], Atomic()] = []
    verbs: Annotated[list[str], Atomic()] = []


class ClusterRole(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    aggregation_rule: AggregationRule | None = None
    rules: Annotated[list[PolicyRule], Atomic()] = []


class RoleRef(KubeStruct):
    kind: str = always(str)
    api_group: str = always(str)
    name: str = always(str)


class Subject(KubeStruct):
    kind: str = always(str)
    api_group: str = ""
    name: str = always(str)
    namespace: str = ""


class ClusterRoleBinding(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    role_ref: RoleRef = always(RoleRef)
    subjects: Annotated[list[Subject], Atomic()] = []


class Role(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    rules: Annotated[list[PolicyRule], Atomic()] = []


class RoleBinding(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    role_ref: RoleRef = always(RoleRef)
    subjects: Annotated[list[Subject], Atomic()] = []
