"""io.k8s.api.flowcontrol.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int32, KubeStruct, ListMap, ListSet, Time, always
from controlplane.api.meta_v1 import ObjectMeta


class ExemptPriorityLevelConfiguration(KubeStruct):
    lendable_percent: Int32 | None = None
    nominal_concurrency_shares: Int32 | None = None


class FlowDistinguisherMethod(KubeStruct):
    type: str = always(str)


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
    name: str = always(str)


class ServiceAccountSubject(KubeStruct):
    name: str = always(str)
    namespace: str = always(str)


class UserSubject(KubeStruct):
    name: str = always(str)


class Subject(KubeStruct):
    kind: str = always(str)
    group: GroupSubject | None = None
    service_account: ServiceAccountSubject | None = None
    user: UserSubject | None = None


class PolicyRulesWithSubjects(KubeStruct):
    non_resource_rules: Annotated[list[NonResourcePolicyRule], Atomic()] = []
    resource_rules: Annotated[list[ResourcePolicyRule], Atomic()] = []
    subjects: Annotated[list[Subject], Atomic()] = []


class PriorityLevelConfigurationReference(KubeStruct):
    name: str = always(str)


class FlowSchemaSpec(KubeStruct):
    distinguisher_method: FlowDistinguisherMethod | None = None
    matching_precedence: Int32 = always(int)
    priority_level_configuration: PriorityLevelConfigurationReference = always(PriorityLevelConfigurationReference)
    rules: Annotated[list[PolicyRulesWithSubjects], Atomic()] = []


class FlowSchemaCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = ""
    type: str = ""


class FlowSchemaStatus(KubeStruct):
    conditions: Annotated[list[FlowSchemaCondition], ListMap(("type",), merge_key="type")] = []


class FlowSchema(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: FlowSchemaSpec = always(FlowSchemaSpec)
    status: FlowSchemaStatus = always(FlowSchemaStatus)


class QueuingConfiguration(KubeStruct):
    hand_size: Int32 = always(int)
    queue_length_limit: Int32 = always(int)
    queues: Int32 = always(int)


class LimitResponse(KubeStruct):
    queuing: QueuingConfiguration | None = None
    type: str = always(str)


class LimitedPriorityLevelConfiguration(KubeStruct):
    borrowing_limit_percent: Int32 | None = None
    lendable_percent: Int32 | None = None
    limit_response: LimitResponse = always(LimitResponse)
    nominal_concurrency_shares: Int32 | None = None


class PriorityLevelConfigurationSpec(KubeStruct):
    exempt: ExemptPriorityLevelConfiguration | None = None
    limited: LimitedPriorityLevelConfiguration | None = None
    type: str = always(str)


class PriorityLevelConfigurationCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = ""
    type: str = ""


class PriorityLevelConfigurationStatus(KubeStruct):
    conditions: Annotated[list[PriorityLevelConfigurationCondition], ListMap(("type",), merge_key="type")] = []


class PriorityLevelConfiguration(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PriorityLevelConfigurationSpec = always(PriorityLevelConfigurationSpec)
    status: PriorityLevelConfigurationStatus = always(PriorityLevelConfigurationStatus)
