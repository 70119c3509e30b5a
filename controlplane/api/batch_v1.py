"""io.k8s.api.batch.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, ListSet, Time, always
from controlplane.api.core_v1 import ObjectReference, PodTemplateSpec
from controlplane.api.meta_v1 import LabelSelector, ObjectMeta


class JobSchedulingConfiguration(KubeStruct):
    disruption_mode: dict[str, Any] = {}
    resource_claims: Annotated[list[dict[str, Any]], ListMap(("name",), merge_key="name")] = []
    scheduling_constraints: dict[str, Any] = {}
    scheduling_policy: dict[str, Any] = {}


class PodFailurePolicyOnExitCodesRequirement(KubeStruct):
    container_name: str = ""
    operator: str = always(str)
    values: Annotated[list[Int32], ListSet(merge=False)] = []


class PodFailurePolicyOnPodConditionsPattern(KubeStruct):
    status: str = always(str)
    type: str = always(str)


class PodFailurePolicyRule(KubeStruct):
    action: str = always(str)
    on_exit_codes: PodFailurePolicyOnExitCodesRequirement | None = None
    on_pod_conditions: Annotated[list[PodFailurePolicyOnPodConditionsPattern], Atomic()] = []


class PodFailurePolicy(KubeStruct):
    rules: Annotated[list[PodFailurePolicyRule], Atomic()] = []


class SuccessPolicyRule(KubeStruct):
    succeeded_count: Int32 | None = None
    succeeded_indexes: str = ""


class SuccessPolicy(KubeStruct):
    rules: Annotated[list[SuccessPolicyRule], Atomic()] = []


class JobSpec(KubeStruct):
    active_deadline_seconds: Int64 | None = None
    backoff_limit: Int32 | None = None
    backoff_limit_per_index: Int32 | None = None
    completion_mode: str = ""
    completions: Int32 | None = None
    managed_by: str = ""
    manual_selector: bool | None = None
    max_failed_indexes: Int32 | None = None
    parallelism: Int32 | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    pod_replacement_policy: str = ""
    scheduling: JobSchedulingConfiguration | None = None
    selector: LabelSelector | None = None
    success_policy: SuccessPolicy | None = None
    suspend: bool | None = None
    template: PodTemplateSpec = always(PodTemplateSpec)
    ttl_seconds_after_finished: Int32 | None = None


class JobTemplateSpec(KubeStruct):
    metadata: ObjectMeta = always(ObjectMeta)
    spec: JobSpec = always(JobSpec)


class CronJobSpec(KubeStruct):
    concurrency_policy: str = ""
    failed_jobs_history_limit: Int32 | None = None
    job_template: JobTemplateSpec = always(JobTemplateSpec)
    schedule: str = always(str)
    starting_deadline_seconds: Int64 | None = None
    successful_jobs_history_limit: Int32 | None = None
    suspend: bool | None = None
    time_zone: str = ""


class CronJobStatus(KubeStruct):
    active: Annotated[list[ObjectReference], Atomic()] = []
    last_schedule_time: Time | None = None
    last_successful_time: Time | None = None


class CronJob(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: CronJobSpec = always(CronJobSpec)
    status: CronJobStatus = always(CronJobStatus)


class JobCondition(KubeStruct):
    last_probe_time: Time | None = always(NoneType)
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class UncountedTerminatedPods(KubeStruct):
    failed: Annotated[list[str], ListSet(merge=False)] = []
    succeeded: Annotated[list[str], ListSet(merge=False)] = []


class JobStatus(KubeStruct):
    active: Int32 | None = None
    completed_indexes: str = ""
    completion_time: Time | None = None
    conditions: Annotated[list[JobCondition], ListMap((), merge_key="type")] = []
    failed: Int32 | None = None
    failed_indexes: str = ""
    ready: Int32 | None = None
    start_time: Time | None = None
    succeeded: Int32 | None = None
    terminating: Int32 | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None


class Job(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: JobSpec = always(JobSpec)
    status: JobStatus = always(JobStatus)
