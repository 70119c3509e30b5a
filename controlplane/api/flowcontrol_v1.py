"""io.k8s.api.flowcontrol.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int32, KubeStruct, ListMap, ListSet, Time
from controlplane.api.meta_v1 import ObjectMeta


class ExemptPriorityLevelConfiguration(KubeStruct):
    lendable_percent: Int32 | None = None
    nominal_concurrency_shares: Int32 | None = None


class FlowDistinguisherMethod(KubeStruct):
    type: str = ""


class NonResourcePolicyRule(KubeStruct):
    non_resource_urls: Annotated[list[str], ListSet(merge=False)] = []
    verbs: Annotated[list[str], ListSet(merge=False)] = []


class ResourcePolicyRule(KubeStruct):
    api_groups: Annotated[list[str], ListSet(merge=False)] = []
    cluster_scope: bool | None = None
    namespaces: Annotated[list[str], ListSet(merge=False)] = []
    resources: Annotated[list[str], ListSet(merge=False)] = []
    verbs: Annotated[list[str], ListSet(merge=False)] = []


class GroupSubject(KubeStruct):
    name: str = ""


class ServiceAccountSubject(KubeStruct):
    name: str = ""
    namespace: str = ""


class UserSubject(KubeStruct):
    name: str = ""


class Subject(KubeStruct):
    kind: str = ""
    group: GroupSubject | None = None
    service_account: ServiceAccountSubject | None = None
    user: UserSubject | None = None


class PolicyRulesWithSubjects(KubeStruct):
    non_resource_rules: Annotated[list[NonResourcePolicyRule], Atomic()] = []
    resource_rules: Annotated[list[ResourcePolicyRule], Atomic()] = []
    subjects: Annotated[list[Subject], Atomic()] = []


class PriorityLevelConfigurationReference(KubeStruct):
    name: str = ""


class FlowSchemaSpec(KubeStruct):
    distinguisher_method: FlowDistinguisherMethod | None = None
    matching_precedence: Int32 | None = None
    priority_level_configuration: PriorityLevelConfigurationReference | None = None
    rules: Annotated[list[PolicyRulesWithSubjects], Atomic()] = []


class FlowSchemaCondition(KubeStruct):
    last_transition_time: Time | None = None
    message: str = ""
    reason: str = ""
    status: str = ""
    type: str = ""


class FlowSchemaStatus(KubeStruct):
    conditions: Annotated[list[FlowSchemaCondition], ListMap(("type",), merge_key="type")] = []


class FlowSchema(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: FlowSchemaSpec = FlowSchemaSpec()
    status: FlowSchemaStatus = FlowSchemaStatus()


class QueuingConfiguration(KubeStruct):
    hand_size: Int32 | None = None
    queue_length_limit: Int32 | None = None
    queues: Int32 | None = None


class LimitResponse(KubeStruct):
    queuing: QueuingConfiguration | None = None
    type: str = ""


class LimitedPriorityLevelConfiguration(KubeStruct):
    borrowing_limit_percent: Int32 | None = None
    lendable_percent: Int32 | None = None
    limit_response: LimitResponse | None = None
    nominal_concurrency_shares: Int32 | None = None


class PriorityLevelConfigurationSpec(KubeStruct):
    exempt: ExemptPriorityLevelConfiguration | None = None
    limited: LimitedPriorityLevelConfiguration | None = None
    type: str = ""


class PriorityLevelConfigurationCondition(KubeStruct):
    last_transition_time: Time | None = None
    message: str = ""
    reason: str = ""
    status: str = ""
    type: str = ""


class PriorityLevelConfigurationStatus(KubeStruct):
    conditions: Annotated[list[PriorityLevelConfigurationCondition], ListMap(("type",), merge_key="type")] = []


class PriorityLevelConfiguration(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: PriorityLevelConfigurationSpec = PriorityLevelConfigurationSpec()
    status: PriorityLevelConfigurationStatus = PriorityLevelConfigurationStatus()
