"""io.k8s.api.core.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from msgspec import field

from controlplane.api.base import (
    Atomic,
    Int32,
    Int64,
    IntOrString,
    KubeStruct,
    ListMap,
    ListSet,
    MicroTime,
    Quantity,
    Time,
    always,
    zero_quantity,
)
from controlplane.api.meta_v1 import Condition, LabelSelector, ObjectMeta


class AWSElasticBlockStoreVolumeSource(KubeStruct):
    fs_type: str = ""
    partition: Int32 | None = None
    read_only: bool | None = None
    volume_id: str = always(str)


class NodeSelectorRequirement(KubeStruct):
    key: str = always(str)
    operator: str = always(str)
    values: Annotated[list[str], Atomic()] = []


class NodeSelectorTerm(KubeStruct):
    match_expressions: Annotated[list[NodeSelectorRequirement], Atomic()] = []
    match_fields: Annotated[list[NodeSelectorRequirement], Atomic()] = []


class NodeSelector(KubeStruct):
    node_selector_terms: Annotated[list[NodeSelectorTerm], Atomic()] = []


class PreferredSchedulingTerm(KubeStruct):
    preference: NodeSelectorTerm = always(NodeSelectorTerm)
    weight: Int32 = always(int)


class NodeAffinity(KubeStruct):
    preferred_during_scheduling_ignored_during_execution: Annotated[list[PreferredSchedulingTerm], Atomic()] = []
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class PodAffinityTerm(KubeStruct):
    label_selector: LabelSelector | None = None
    match_label_keys: Annotated[list[str], Atomic()] = []
    mismatch_label_keys: Annotated[list[str], Atomic()] = []
    namespace_selector: LabelSelector | None = None
    namespaces: Annotated[list[str], Atomic()] = []
    topology_key: str = always(str)


class WeightedPodAffinityTerm(KubeStruct):
    pod_affinity_term: PodAffinityTerm = always(PodAffinityTerm)
    weight: Int32 = always(int)


class PodAffinity(KubeStruct):
    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic()] = []
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic()] = []


class PodAntiAffinity(KubeStruct):
    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic()] = []
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic()] = []


class Affinity(KubeStruct):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAntiAffinity | None = None


class AppArmorProfile(KubeStruct):
    localhost_profile: str = ""
    type: str = always(str)


class AttachedVolume(KubeStruct):
    device_path: str = always(str)
    name: str = always(str)


class AzureDiskVolumeSource(KubeStruct):
    kind: str = ""
    caching_mode: str = ""
    disk_name: str = always(str)
    disk_uri: str = always(str)
    fs_type: str = ""
    read_only: bool | None = None


class AzureFilePersistentVolumeSource(KubeStruct):
    read_only: bool | None = None
    secret_name: str = always(str)
    secret_namespace: str = ""
    share_name: str = always(str)


class AzureFileVolumeSource(KubeStruct):
    read_only: bool | None = None
    secret_name: str = always(str)
    share_name: str = always(str)


class ObjectReference(KubeStruct):
    api_version: str = ""
    kind: str = ""
    field_path: str = ""
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    uid: str = ""


class Binding(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    target: ObjectReference = always(ObjectReference)


class SecretReference(KubeStruct):
    name: str = ""
    namespace: str = ""


class CSIPersistentVolumeSource(KubeStruct):
    controller_expand_secret_ref: SecretReference | None = None
    controller_publish_secret_ref: SecretReference | None = None
    driver: str = always(str)
    fs_type: str = ""
    node_expand_secret_ref: SecretReference | None = None
    node_publish_secret_ref: SecretReference | None = None
    node_stage_secret_ref: SecretReference | None = None
    read_only: bool | None = None
    volume_attributes: dict[str, str] = {}
    volume_handle: str = always(str)


class LocalObjectReference(KubeStruct):
    name: str = ""


class CSIVolumeSource(KubeStruct):
    driver: str = always(str)
    fs_type: str = ""
    node_publish_secret_ref: LocalObjectReference | None = None
    read_only: bool | None = None
    volume_attributes: dict[str, str] = {}


class Capabilities(KubeStruct):
    add: Annotated[list[str], Atomic()] = []
    drop: Annotated[list[str], Atomic()] = []


class CephFSPersistentVolumeSource(KubeStruct):
    monitors: Annotated[list[str], Atomic()] = []
    path: str = ""
    read_only: bool | None = None
    secret_file: str = ""
    secret_ref: SecretReference | None = None
    user: str = ""


class CephFSVolumeSource(KubeStruct):
    monitors: Annotated[list[str], Atomic()] = []
    path: str = ""
    read_only: bool | None = None
    secret_file: str = ""
    secret_ref: LocalObjectReference | None = None
    user: str = ""


class CinderPersistentVolumeSource(KubeStruct):
    fs_type: str = ""
    read_only: bool | None = None
    secret_ref: SecretReference | None = None
    volume_id: str = always(str)


class CinderVolumeSource(KubeStruct):
    fs_type: str = ""
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None
    volume_id: str = always(str)


class ClientIPConfig(KubeStruct):
    timeout_seconds: Int32 | None = None


class ClusterTrustBundleProjection(KubeStruct):
    label_selector: LabelSelector | None = None
    name: str = ""
    optional: bool | None = None
    path: str = always(str)
    signer_name: str = ""
    user: Int64 | None = None


class ComponentCondition(KubeStruct):
    error: str = ""
    message: str = ""
    status: str = always(str)
    type: str = always(str)


class ComponentStatus(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    conditions: Annotated[list[ComponentCondition], ListMap(("type",), merge_key="type")] = []


class ConfigMap(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    binary_data: dict[str, str] = {}
    data: dict[str, str] = {}
    immutable: bool | None = None


class ConfigMapEnvSource(KubeStruct):
    name: str = ""
    optional: bool | None = None


class ConfigMapKeySelector(KubeStruct):
    key: str = always(str)
    name: str = ""
    optional: bool | None = None


class ConfigMapNodeConfigSource(KubeStruct):
    kubelet_config_key: str = always(str)
    name: str = always(str)
    namespace: str = always(str)
    resource_version: str = ""
    uid: str = ""


class KeyToPath(KubeStruct):
    key: str = always(str)
    mode: Int32 | None = None
    path: str = always(str)
    user: Int64 | None = None


class ConfigMapProjection(KubeStruct):
    items: Annotated[list[KeyToPath], Atomic()] = []
    name: str = ""
    optional: bool | None = None


class ConfigMapVolumeSource(KubeStruct):
    default_mode: Int32 | None = None
    default_user: Int64 | None = None
    items: Annotated[list[KeyToPath], Atomic()] = []
    name: str = ""
    optional: bool | None = None


class ContainerPort(KubeStruct):
    container_port: Int32 = always(int)
    host_ip: str = ""
    host_port: Int32 | None = None
    name: str = ""
    protocol: str = ""


class ContainerResizePolicy(KubeStruct):
    resource_name: str = always(str)
    restart_policy: str = always(str)


class ContainerRestartRuleOnExitCodes(KubeStruct):
    operator: str = ""
    values: Annotated[list[Int32], ListSet(merge=False)] = []


class ContainerRestartRule(KubeStruct):
    action: str = ""
    exit_codes: ContainerRestartRuleOnExitCodes | None = None


class SecretEnvSource(KubeStruct):
    name: str = ""
    optional: bool | None = None


class EnvFromSource(KubeStruct):
    config_map_ref: ConfigMapEnvSource | None = None
    prefix: str = ""
    secret_ref: SecretEnvSource | None = None


class FileKeySelector(KubeStruct):
    key: str = always(str)
    optional: bool | None = None
    path: str = always(str)
    volume_name: str = always(str)


class ObjectFieldSelector(KubeStruct):
    api_version: str = ""
    field_path: str = always(str)


class ResourceFieldSelector(KubeStruct):
    container_name: str = ""
    divisor: Quantity = always(zero_quantity)
    resource: str = always(str)


class SecretKeySelector(KubeStruct):
    key: str = always(str)
    name: str = ""
    optional: bool | None = None


class EnvVarSource(KubeStruct):
    config_map_key_ref: ConfigMapKeySelector | None = None
    field_ref: ObjectFieldSelector | None = None
    file_key_ref: FileKeySelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    secret_key_ref: SecretKeySelector | None = None


class EnvVar(KubeStruct):
    name: str = always(str)
    value: str = ""
    value_from: EnvVarSource | None = None


class ExecAction(KubeStruct):
    command: Annotated[list[str], Atomic()] = []


class HTTPHeader(KubeStruct):
    name: str = always(str)
    value: str = always(str)


class HTTPGetAction(KubeStruct):
    host: str = ""
    http_headers: Annotated[list[HTTPHeader], Atomic()] = []
    path: str = ""
    port: IntOrString = always(int)
    protocol: str = ""
    scheme: str = ""


class SleepAction(KubeStruct):
    seconds: Int64 = always(int)


class TCPSocketAction(KubeStruct):
    host: str = ""
    port: IntOrString = always(int)


class LifecycleHandler(KubeStruct):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    sleep: SleepAction | None = None
    tcp_socket: TCPSocketAction | None = None


class Lifecycle(KubeStruct):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str = ""


class GRPCAction(KubeStruct):
    mode: str = ""
    port: Int32 = always(int)
    service: str = ""


class Probe(KubeStruct):
    exec: ExecAction | None = None
    failure_threshold: Int32 | None = None
    grpc: GRPCAction | None = None
    http_get: HTTPGetAction | None = None
    initial_delay_seconds: Int32 | None = None
    period_seconds: Int32 | None = None
    success_threshold: Int32 | None = None
    tcp_socket: TCPSocketAction | None = None
    termination_grace_period_seconds: Int64 | None = None
    timeout_seconds: Int32 | None = None


class ResourceClaim(KubeStruct):
    name: str = always(str)
    request: str = ""


class ResourceRequirements(KubeStruct):
    claims: Annotated[list[ResourceClaim], ListMap(("name",))] = []
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class SELinuxOptions(KubeStruct):
    level: str = ""
    role: str = ""
    type: str = ""
    user: str = ""


class SeccompProfile(KubeStruct):
    localhost_profile: str = ""
    type: str = always(str)


class WindowsSecurityContextOptions(KubeStruct):
    gmsa_credential_spec: str = ""
    gmsa_credential_spec_name: str = ""
    host_process: bool | None = None
    run_as_user_name: str = ""


class SecurityContext(KubeStruct):
    allow_privilege_escalation: bool | None = None
    app_armor_profile: AppArmorProfile | None = None
    capabilities: Capabilities | None = None
    privileged: bool | None = None
    proc_mount: str = ""
    read_only_root_filesystem: bool | None = None
    run_as_group: Int64 | None = None
    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    se_linux_options: SELinuxOptions | None = None
    seccomp_profile: SeccompProfile | None = None
    windows_options: WindowsSecurityContextOptions | None = None


class VolumeDevice(KubeStruct):
    device_path: str = always(str)
    name: str = always(str)


class VolumeMount(KubeStruct):
    bind_mount_options: Annotated[list[str], ListSet(merge=False)] = []
    mount_path: str = always(str)
    mount_propagation: str = ""
    name: str = always(str)
    read_only: bool | None = None
    recursive_read_only: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""


class Container(KubeStruct):
    args: Annotated[list[str], Atomic()] = []
    command: Annotated[list[str], Atomic()] = []
    env: Annotated[list[EnvVar], ListMap(("name",), merge_key="name")] = []
    env_from: Annotated[list[EnvFromSource], Atomic()] = []
    image: str = ""
    image_pull_policy: str = ""
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    name: str = always(str)
    ports: Annotated[list[ContainerPort], ListMap(("containerPort", "protocol"), merge_key="containerPort")] = []
    readiness_probe: Probe | None = None
    resize_policy: Annotated[list[ContainerResizePolicy], Atomic()] = []
    resources: ResourceRequirements = always(ResourceRequirements)
    restart_policy: str = ""
    restart_policy_rules: Annotated[list[ContainerRestartRule], Atomic()] = []
    security_context: SecurityContext | None = None
    startup_probe: Probe | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    tty: bool | None = None
    volume_devices: Annotated[list[VolumeDevice], ListMap(("devicePath",), merge_key="devicePath")] = []
    volume_mounts: Annotated[list[VolumeMount], ListMap(("mountPath",), merge_key="mountPath")] = []
    working_dir: str = ""


class ContainerExtendedResourceRequest(KubeStruct):
    container_name: str = always(str)
    request_name: str = always(str)
    resource_name: str = always(str)


class ContainerImage(KubeStruct):
    names: Annotated[list[str], Atomic()] = []
    size_bytes: Int64 | None = None


class ContainerStateRunning(KubeStruct):
    started_at: Time | None = always(NoneType)


class ContainerStateTerminated(KubeStruct):
    container_id: str = ""
    exit_code: Int32 = always(int)
    finished_at: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    signal: Int32 | None = None
    started_at: Time | None = always(NoneType)


class ContainerStateWaiting(KubeStruct):
    message: str = ""
    reason: str = ""


class ContainerState(KubeStruct):
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None
    waiting: ContainerStateWaiting | None = None


class LinuxContainerUser(KubeStruct):
    gid: Int64 = always(int)
    supplemental_groups: Annotated[list[Int64], Atomic()] = []
    uid: Int64 = always(int)


class ContainerUser(KubeStruct):
    linux: LinuxContainerUser | None = None


class ResourceHealth(KubeStruct):
    health: str = ""
    message: str = ""
    resource_id: str = always(str)


class ResourceStatus(KubeStruct):
    name: str = always(str)
    resources: Annotated[list[ResourceHealth], ListMap(("resourceID",))] = []


class ImageVolumeStatus(KubeStruct):
    image_ref: str = ""


class VolumeStatus(KubeStruct):
    image: ImageVolumeStatus | None = None


class VolumeMountStatus(KubeStruct):
    mount_path: str = always(str)
    name: str = always(str)
    read_only: bool | None = None
    recursive_read_only: str = ""
    volume_status: VolumeStatus | None = None


class ContainerStatus(KubeStruct):
    allocated_resources: dict[str, Quantity] = {}
    allocated_resources_status: Annotated[list[ResourceStatus], ListMap(("name",), merge_key="name")] = []
    container_id: str = ""
    image: str = always(str)
    image_id: str = always(str)
    last_state: ContainerState = always(ContainerState)
    name: str = always(str)
    ready: bool = always(bool)
    resources: ResourceRequirements | None = None
    restart_count: Int32 = always(int)
    started: bool | None = None
    state: ContainerState = always(ContainerState)
    stop_signal: str = ""
    user: ContainerUser | None = None
    volume_mounts: Annotated[list[VolumeMountStatus], ListMap(("mountPath",), merge_key="mountPath")] = []


class DaemonEndpoint(KubeStruct):
    port: Int32 = always(int, name="Port")


class DownwardAPIVolumeFile(KubeStruct):
    field_ref: ObjectFieldSelector | None = None
    mode: Int32 | None = None
    path: str = always(str)
    resource_field_ref: ResourceFieldSelector | None = None
    user: Int64 | None = None


class DownwardAPIProjection(KubeStruct):
    items: Annotated[list[DownwardAPIVolumeFile], Atomic()] = []


class DownwardAPIVolumeSource(KubeStruct):
    default_mode: Int32 | None = None
    default_user: Int64 | None = None
    items: Annotated[list[DownwardAPIVolumeFile], Atomic()] = []


class EmptyDirVolumeSource(KubeStruct):
    medium: str = ""
    mode: Int32 | None = None
    size_limit: Quantity | None = None


class EndpointAddress(KubeStruct):
    hostname: str = ""
    ip: str = always(str)
    node_name: str = ""
    target_ref: ObjectReference | None = None


class EndpointPort(KubeStruct):
    app_protocol: str = ""
    name: str = ""
    port: Int32 = always(int)
    protocol: str = ""


class EndpointSubset(KubeStruct):
    addresses: Annotated[list[EndpointAddress], Atomic()] = []
    not_ready_addresses: Annotated[list[EndpointAddress], Atomic()] = []
    ports: Annotated[list[EndpointPort], Atomic()] = []


class Endpoints(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    subsets: Annotated[list[EndpointSubset], Atomic()] = []


class EphemeralContainer(KubeStruct):
    args: Annotated[list[str], Atomic()] = []
    command: Annotated[list[str], Atomic()] = []
    env: Annotated[list[EnvVar], ListMap(("name",), merge_key="name")] = []
    env_from: Annotated[list[EnvFromSource], Atomic()] = []
    image: str = ""
    image_pull_policy: str = ""
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    name: str = always(str)
    ports: Annotated[list[ContainerPort], ListMap(("containerPort", "protocol"), merge_key="containerPort")] = []
    readiness_probe: Probe | None = None
    resize_policy: Annotated[list[ContainerResizePolicy], Atomic()] = []
    resources: ResourceRequirements = always(ResourceRequirements)
    restart_policy: str = ""
    restart_policy_rules: Annotated[list[ContainerRestartRule], Atomic()] = []
    security_context: SecurityContext | None = None
    startup_probe: Probe | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    target_container_name: str = ""
    termination_message_path: str = ""
    termination_message_policy: str = ""
    tty: bool | None = None
    volume_devices: Annotated[list[VolumeDevice], ListMap(("devicePath",), merge_key="devicePath")] = []
    volume_mounts: Annotated[list[VolumeMount], ListMap(("mountPath",), merge_key="mountPath")] = []
    working_dir: str = ""


class TypedLocalObjectReference(KubeStruct):
    kind: str = always(str)
    api_group: str = ""
    name: str = always(str)


class TypedObjectReference(KubeStruct):
    kind: str = always(str)
    api_group: str = ""
    name: str = always(str)
    namespace: str = ""


class VolumeResourceRequirements(KubeStruct):
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class PersistentVolumeClaimSpec(KubeStruct):
    access_modes: Annotated[list[str], Atomic()] = []
    data_source: TypedLocalObjectReference | None = None
    data_source_ref: TypedObjectReference | None = None
    resources: VolumeResourceRequirements = always(VolumeResourceRequirements)
    selector: LabelSelector | None = None
    storage_class_name: str | None = None
    volume_attributes_class_name: str | None = None
    volume_mode: str = ""
    volume_name: str = ""


class PersistentVolumeClaimTemplate(KubeStruct):
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PersistentVolumeClaimSpec = always(PersistentVolumeClaimSpec)


class EphemeralVolumeSource(KubeStruct):
    volume_claim_template: PersistentVolumeClaimTemplate | None = None


class EventSeries(KubeStruct):
    count: Int32 | None = None
    last_observed_time: MicroTime | None = always(NoneType)


class EventSource(KubeStruct):
    component: str = ""
    host: str = ""


class Event(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    action: str = ""
    count: Int32 | None = None
    event_time: MicroTime | None = always(NoneType)
    first_timestamp: Time | None = always(NoneType)
    involved_object: ObjectReference = always(ObjectReference)
    last_timestamp: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    related: ObjectReference | None = None
    reporting_component: str = always(str)
    reporting_instance: str = always(str)
    series: EventSeries | None = None
    source: EventSource = always(EventSource)
    type: str = ""


class EvictionResponder(KubeStruct):
    name: str = always(str)
    priority: Int32 | None = None


class FCVolumeSource(KubeStruct):
    fs_type: str = ""
    lun: Int32 | None = None
    read_only: bool | None = None
    target_wwns: Annotated[list[str], Atomic()] = field(name="targetWWNs", default_factory=list)
    wwids: Annotated[list[str], Atomic()] = []


class FlexPersistentVolumeSource(KubeStruct):
    driver: str = always(str)
    fs_type: str = ""
    options: dict[str, str] = {}
    read_only: bool | None = None
    secret_ref: SecretReference | None = None


class FlexVolumeSource(KubeStruct):
    driver: str = always(str)
    fs_type: str = ""
    options: dict[str, str] = {}
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None


class FlockerVolumeSource(KubeStruct):
    dataset_name: str = ""
    dataset_uuid: str = ""


class GCEPersistentDiskVolumeSource(KubeStruct):
    fs_type: str = ""
    partition: Int32 | None = None
    pd_name: str = always(str)
    read_only: bool | None = None


class GitRepoVolumeSource(KubeStruct):
    directory: str = ""
    repository: str = always(str)
    revision: str = ""


class GlusterfsPersistentVolumeSource(KubeStruct):
    endpoints: str = always(str)
    endpoints_namespace: str = ""
    path: str = always(str)
    read_only: bool | None = None


class GlusterfsVolumeSource(KubeStruct):
    endpoints: str = always(str)
    path: str = always(str)
    read_only: bool | None = None


class HostAlias(KubeStruct):
    hostnames: Annotated[list[str], Atomic()] = []
    ip: str = always(str)


class HostIP(KubeStruct):
    ip: str = always(str)


class HostPathVolumeSource(KubeStruct):
    path: str = always(str)
    type: str = ""


class ISCSIPersistentVolumeSource(KubeStruct):
    chap_auth_discovery: bool | None = None
    chap_auth_session: bool | None = None
    fs_type: str = ""
    initiator_name: str = ""
    iqn: str = always(str)
    iscsi_interface: str = ""
    lun: Int32 = always(int)
    portals: Annotated[list[str], Atomic()] = []
    read_only: bool | None = None
    secret_ref: SecretReference | None = None
    target_portal: str = always(str)


class ISCSIVolumeSource(KubeStruct):
    chap_auth_discovery: bool | None = None
    chap_auth_session: bool | None = None
    fs_type: str = ""
    initiator_name: str = ""
    iqn: str = always(str)
    iscsi_interface: str = ""
    lun: Int32 = always(int)
    portals: Annotated[list[str], Atomic()] = []
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None
    target_portal: str = always(str)


class ImageVolumeSource(KubeStruct):
    pull_policy: str = ""
    reference: str = ""


class LimitRangeItem(KubeStruct):
    default: dict[str, Quantity] = {}
    default_request: dict[str, Quantity] = {}
    max: dict[str, Quantity] = {}
    max_limit_request_ratio: dict[str, Quantity] = {}
    min: dict[str, Quantity] = {}
    type: str = always(str)


class LimitRangeSpec(KubeStruct):
    limits: Annotated[list[LimitRangeItem], Atomic()] = []


class LimitRange(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: LimitRangeSpec = always(LimitRangeSpec)


class PortStatus(KubeStruct):
    error: str = ""
    port: Int32 = always(int)
    protocol: str = always(str)


class LoadBalancerIngress(KubeStruct):
    hostname: str = ""
    ip: str = ""
    ip_mode: str = ""
    ports: Annotated[list[PortStatus], Atomic()] = []


class LoadBalancerStatus(KubeStruct):
    ingress: Annotated[list[LoadBalancerIngress], Atomic()] = []


class LocalVolumeSource(KubeStruct):
    fs_type: str = ""
    path: str = always(str)


class ModifyVolumeStatus(KubeStruct):
    status: str = always(str)
    target_volume_attributes_class_name: str = ""


class NFSVolumeSource(KubeStruct):
    path: str = always(str)
    read_only: bool | None = None
    server: str = always(str)


class NamespaceSpec(KubeStruct):
    finalizers: Annotated[list[str], Atomic()] = []


class NamespaceCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class NamespaceStatus(KubeStruct):
    conditions: Annotated[list[NamespaceCondition], ListMap(("type",), merge_key="type")] = []
    phase: str = ""


class Namespace(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: NamespaceSpec = always(NamespaceSpec)
    status: NamespaceStatus = always(NamespaceStatus)


class NodeConfigSource(KubeStruct):
    config_map: ConfigMapNodeConfigSource | None = None


class NodePodPreemptionPolicy(KubeStruct):
    disable_resize_preemption: Annotated[list[str], ListSet(merge=False)] = []


class Taint(KubeStruct):
    effect: str = always(str)
    key: str = always(str)
    time_added: Time | None = None
    value: str = ""


class NodeSpec(KubeStruct):
    config_source: NodeConfigSource | None = None
    external_id: str = ""
    pod_cidr: str = ""
    pod_cidrs: Annotated[list[str], ListSet(merge=True)] = []
    pod_preemption_policy: NodePodPreemptionPolicy | None = None
    provider_id: str = ""
    taints: Annotated[list[Taint], Atomic()] = []
    unschedulable: bool | None = None


class NodeAddress(KubeStruct):
    address: str = always(str)
    type: str = always(str)


class NodeCondition(KubeStruct):
    last_heartbeat_time: Time | None = always(NoneType)
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class NodeConfigStatus(KubeStruct):
    active: NodeConfigSource | None = None
    assigned: NodeConfigSource | None = None
    error: str = ""
    last_known_good: NodeConfigSource | None = None


class NodeDaemonEndpoints(KubeStruct):
    kubelet_endpoint: DaemonEndpoint = always(DaemonEndpoint)


class NodeFeatures(KubeStruct):
    supplemental_groups_policy: bool | None = None


class NodeRuntimeHandlerFeatures(KubeStruct):
    recursive_read_only_mounts: bool | None = None
    user_namespaces: bool | None = None


class NodeRuntimeHandler(KubeStruct):
    features: NodeRuntimeHandlerFeatures | None = None
    name: str = always(str)


class NodeSwapStatus(KubeStruct):
    capacity: Int64 | None = None


class NodeSystemInfo(KubeStruct):
    architecture: str = always(str)
    boot_id: str = always(str)
    container_runtime_version: str = always(str)
    kernel_version: str = always(str)
    kube_proxy_version: str = always(str)
    kubelet_version: str = always(str)
    machine_id: str = always(str)
    operating_system: str = always(str)
    os_image: str = always(str)
    running_in_user_namespace: bool | None = None
    swap: NodeSwapStatus | None = None
    system_uuid: str = always(str)


class NodeStatus(KubeStruct):
    addresses: Annotated[list[NodeAddress], ListMap(("type",), merge_key="type")] = []
    allocatable: dict[str, Quantity] = {}
    capacity: dict[str, Quantity] = {}
    conditions: Annotated[list[NodeCondition], ListMap(("type",), merge_key="type")] = []
    config: NodeConfigStatus | None = None
    daemon_endpoints: NodeDaemonEndpoints = always(NodeDaemonEndpoints)
    declared_features: Annotated[list[str], Atomic()] = []
    features: NodeFeatures | None = None
    images: Annotated[list[ContainerImage], Atomic()] = []
    node_info: NodeSystemInfo = always(NodeSystemInfo)
    phase: str = ""
    runtime_handlers: Annotated[list[NodeRuntimeHandler], Atomic()] = []
    volumes_attached: Annotated[list[AttachedVolume], Atomic()] = []
    volumes_in_use: Annotated[list[str], Atomic()] = []


class Node(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: NodeSpec = always(NodeSpec)
    status: NodeStatus = always(NodeStatus)


class NodeAllocatableMappedResources(KubeStruct):
    name: str = always(str)
    quantity: Quantity | None = None


class NodeAllocatableOverheadResources(KubeStruct):
    name: str = always(str)
    per_container: Quantity | None = None
    per_pod: Quantity | None = None


class NodeAllocatableResourceClaimStatus(KubeStruct):
    containers: Annotated[list[str], ListSet(merge=False)] = []
    mapping: Annotated[list[NodeAllocatableMappedResources], ListMap(("name",), merge_key="name")] = []
    overhead: Annotated[list[NodeAllocatableOverheadResources], ListMap(("name",), merge_key="name")] = []
    resource_claim_name: str = always(str)


class PhotonPersistentDiskVolumeSource(KubeStruct):
    fs_type: str = ""
    pd_id: str = always(str)


class PortworxVolumeSource(KubeStruct):
    fs_type: str = ""
    read_only: bool | None = None
    volume_id: str = always(str)


class QuobyteVolumeSource(KubeStruct):
    group: str = ""
    read_only: bool | None = None
    registry: str = always(str)
    tenant: str = ""
    user: str = ""
    volume: str = always(str)


class RBDPersistentVolumeSource(KubeStruct):
    fs_type: str = ""
    image: str = always(str)
    keyring: str = ""
    monitors: Annotated[list[str], Atomic()] = []
    pool: str = ""
    read_only: bool | None = None
    secret_ref: SecretReference | None = None
    user: str = ""


class ScaleIOPersistentVolumeSource(KubeStruct):
    fs_type: str = ""
    gateway: str = always(str)
    protection_domain: str = ""
    read_only: bool | None = None
    secret_ref: SecretReference | None = None
    ssl_enabled: bool | None = None
    storage_mode: str = ""
    storage_pool: str = ""
    system: str = always(str)
    volume_name: str = ""


class StorageOSPersistentVolumeSource(KubeStruct):
    fs_type: str = ""
    read_only: bool | None = None
    secret_ref: ObjectReference | None = None
    volume_name: str = ""
    volume_namespace: str = ""


class VolumeNodeAffinity(KubeStruct):
    required: NodeSelector | None = None


class VsphereVirtualDiskVolumeSource(KubeStruct):
    fs_type: str = ""
    storage_policy_id: str = ""
    storage_policy_name: str = ""
    volume_path: str = always(str)


class PersistentVolumeSpec(KubeStruct):
    access_modes: Annotated[list[str], Atomic()] = []
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    azure_file: AzureFilePersistentVolumeSource | None = None
    capacity: dict[str, Quantity] = {}
    cephfs: CephFSPersistentVolumeSource | None = None
    cinder: CinderPersistentVolumeSource | None = None
    claim_ref: ObjectReference | None = None
    csi: CSIPersistentVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flex_volume: FlexPersistentVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    glusterfs: GlusterfsPersistentVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    iscsi: ISCSIPersistentVolumeSource | None = None
    local: LocalVolumeSource | None = None
    mount_options: Annotated[list[str], Atomic()] = []
    nfs: NFSVolumeSource | None = None
    node_affinity: VolumeNodeAffinity | None = None
    persistent_volume_reclaim_policy: str = ""
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    rbd: RBDPersistentVolumeSource | None = None
    scale_io: ScaleIOPersistentVolumeSource | None = None
    storage_class_name: str | None = None
    storageos: StorageOSPersistentVolumeSource | None = None
    volume_attributes_class_name: str | None = None
    volume_mode: str = ""
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None


class PersistentVolumeStatus(KubeStruct):
    last_phase_transition_time: Time | None = None
    message: str = ""
    phase: str = ""
    reason: str = ""


class PersistentVolume(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PersistentVolumeSpec = always(PersistentVolumeSpec)
    status: PersistentVolumeStatus = always(PersistentVolumeStatus)


class PersistentVolumeClaimCondition(KubeStruct):
    last_probe_time: Time | None = always(NoneType)
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class VolumeHealthCondition(KubeStruct):
    message: str = ""
    reason: str = always(str)
    status: str = always(str)


class VolumeHealthStatus(KubeStruct):
    health_conditions: Annotated[list[VolumeHealthCondition], ListMap(("status", "reason"), merge_key="status")] = []
    last_transition_time: Time | None = always(NoneType)


class PersistentVolumeClaimStatus(KubeStruct):
    access_modes: Annotated[list[str], Atomic()] = []
    allocated_resource_statuses: dict[str, str] = {}
    allocated_resources: dict[str, Quantity] = {}
    capacity: dict[str, Quantity] = {}
    conditions: Annotated[list[PersistentVolumeClaimCondition], ListMap(("type",), merge_key="type")] = []
    current_volume_attributes_class_name: str = ""
    health_status: VolumeHealthStatus | None = None
    modify_volume_status: ModifyVolumeStatus | None = None
    phase: str = ""


class PersistentVolumeClaim(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PersistentVolumeClaimSpec = always(PersistentVolumeClaimSpec)
    status: PersistentVolumeClaimStatus = always(PersistentVolumeClaimStatus)


class PersistentVolumeClaimVolumeSource(KubeStruct):
    claim_name: str = always(str)
    read_only: bool | None = None


class PodDNSConfigOption(KubeStruct):
    name: str = ""
    value: str = ""


class PodDNSConfig(KubeStruct):
    nameservers: Annotated[list[str], Atomic()] = []
    options: Annotated[list[PodDNSConfigOption], Atomic()] = []
    searches: Annotated[list[str], Atomic()] = []


class PodOS(KubeStruct):
    name: str = always(str)


class PodReadinessGate(KubeStruct):
    condition_type: str = always(str)


class PodResourceClaim(KubeStruct):
    name: str = always(str)
    resource_claim_name: str = ""
    resource_claim_template_name: str = ""


class PodSchedulingGate(KubeStruct):
    name: str = always(str)


class PodSchedulingGroup(KubeStruct):
    pod_group_name: str = ""


class Sysctl(KubeStruct):
    name: str = always(str)
    value: str = always(str)


class PodSecurityContext(KubeStruct):
    app_armor_profile: AppArmorProfile | None = None
    fs_group: Int64 | None = None
    fs_group_change_policy: str = ""
    run_as_group: Int64 | None = None
    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    se_linux_change_policy: str = ""
    se_linux_options: SELinuxOptions | None = None
    seccomp_profile: SeccompProfile | None = None
    supplemental_groups: Annotated[list[Int64], Atomic()] = []
    supplemental_groups_policy: str = ""
    sysctls: Annotated[list[Sysctl], Atomic()] = []
    windows_options: WindowsSecurityContextOptions | None = None


class Toleration(KubeStruct):
    effect: str = ""
    key: str = ""
    operator: str = ""
    toleration_seconds: Int64 | None = None
    value: str = ""


class TopologySpreadConstraint(KubeStruct):
    label_selector: LabelSelector | None = None
    match_label_keys: Annotated[list[str], Atomic()] = []
    max_skew: Int32 = always(int)
    min_domains: Int32 | None = None
    node_affinity_policy: str = ""
    node_taints_policy: str = ""
    topology_key: str = always(str)
    when_unsatisfiable: str = always(str)


class PodCertificateProjection(KubeStruct):
    certificate_chain_path: str = ""
    credential_bundle_path: str = ""
    key_path: str = ""
    key_type: str = ""
    max_expiration_seconds: Int32 | None = None
    signer_name: str = ""
    user: Int64 | None = None
    user_annotations: dict[str, str] = {}


class SecretProjection(KubeStruct):
    items: Annotated[list[KeyToPath], Atomic()] = []
    name: str = ""
    optional: bool | None = None


class ServiceAccountTokenProjection(KubeStruct):
    audience: str = ""
    expiration_seconds: Int64 | None = None
    path: str = always(str)
    user: Int64 | None = None


class VolumeProjection(KubeStruct):
    cluster_trust_bundle: ClusterTrustBundleProjection | None = None
    config_map: ConfigMapProjection | None = None
    downward_api: DownwardAPIProjection | None = field(name="downwardAPI", default=None)
    pod_certificate: PodCertificateProjection | None = None
    secret: SecretProjection | None = None
    service_account_token: ServiceAccountTokenProjection | None = None


class ProjectedVolumeSource(KubeStruct):
    default_mode: Int32 | None = None
    default_user: Int64 | None = None
    sources: Annotated[list[VolumeProjection], Atomic()] = []


class RBDVolumeSource(KubeStruct):
    fs_type: str = ""
    image: str = always(str)
    keyring: str = ""
    monitors: Annotated[list[str], Atomic()] = []
    pool: str = ""
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None
    user: str = ""


class ScaleIOVolumeSource(KubeStruct):
    fs_type: str = ""
    gateway: str = always(str)
    protection_domain: str = ""
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None
    ssl_enabled: bool | None = None
    storage_mode: str = ""
    storage_pool: str = ""
    system: str = always(str)
    volume_name: str = ""


class SecretVolumeSource(KubeStruct):
    default_mode: Int32 | None = None
    default_user: Int64 | None = None
    items: Annotated[list[KeyToPath], Atomic()] = []
    optional: bool | None = None
    secret_name: str = ""


class StorageOSVolumeSource(KubeStruct):
    fs_type: str = ""
    read_only: bool | None = None
    secret_ref: LocalObjectReference | None = None
    volume_name: str = ""
    volume_namespace: str = ""


class Volume(KubeStruct):
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    azure_file: AzureFileVolumeSource | None = None
    cephfs: CephFSVolumeSource | None = None
    cinder: CinderVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    csi: CSIVolumeSource | None = None
    downward_api: DownwardAPIVolumeSource | None = field(name="downwardAPI", default=None)
    empty_dir: EmptyDirVolumeSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flex_volume: FlexVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    git_repo: GitRepoVolumeSource | None = None
    glusterfs: GlusterfsVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    image: ImageVolumeSource | None = None
    iscsi: ISCSIVolumeSource | None = None
    name: str = always(str)
    nfs: NFSVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    rbd: RBDVolumeSource | None = None
    scale_io: ScaleIOVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    storageos: StorageOSVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None


class PodSpec(KubeStruct):
    active_deadline_seconds: Int64 | None = None
    affinity: Affinity | None = None
    automount_service_account_token: bool | None = None
    containers: Annotated[list[Container], ListMap(("name",), merge_key="name")] = []
    dns_config: PodDNSConfig | None = None
    dns_policy: str = ""
    enable_service_links: bool | None = None
    ephemeral_containers: Annotated[list[EphemeralContainer], ListMap(("name",), merge_key="name")] = []
    eviction_responders: Annotated[list[EvictionResponder], ListMap(("name",), merge_key="name")] = []
    host_aliases: Annotated[list[HostAlias], ListMap(("ip",), merge_key="ip")] = []
    host_ipc: bool | None = None
    host_network: bool | None = None
    host_pid: bool | None = None
    host_users: bool | None = None
    hostname: str = ""
    hostname_override: str | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference], ListMap(("name",), merge_key="name")] = []
    init_containers: Annotated[list[Container], ListMap(("name",), merge_key="name")] = []
    node_name: str = ""
    node_selector: Annotated[dict[str, str], Atomic()] = {}
    os: PodOS | None = None
    overhead: dict[str, Quantity] = {}
    preemption_policy: str = ""
    priority: Int32 | None = None
    priority_class_name: str = ""
    readiness_gates: Annotated[list[PodReadinessGate], Atomic()] = []
    resource_claims: Annotated[list[PodResourceClaim], ListMap(("name",), merge_key="name", retain_keys=True)] = []
    resources: ResourceRequirements | None = None
    restart_policy: str = ""
    runtime_class_name: str = ""
    scheduler_name: str = ""
    scheduling_gates: Annotated[list[PodSchedulingGate], ListMap(("name",), merge_key="name")] = []
    scheduling_group: PodSchedulingGroup | None = None
    security_context: PodSecurityContext | None = None
    service_account: str = ""
    service_account_name: str = ""
    set_hostname_as_fqdn: bool | None = None
    share_process_namespace: bool | None = None
    subdomain: str = ""
    termination_grace_period_seconds: Int64 | None = None
    tolerations: Annotated[list[Toleration], Atomic()] = []
    topology_spread_constraints: Annotated[
        list[TopologySpreadConstraint], ListMap(("topologyKey", "whenUnsatisfiable"), merge_key="topologyKey")
    ] = []
    volumes: Annotated[list[Volume], ListMap(("name",), merge_key="name", retain_keys=True)] = []


class PodCondition(KubeStruct):
    last_probe_time: Time | None = always(NoneType)
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    observed_generation: Int64 | None = None
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class PodExtendedResourceClaimStatus(KubeStruct):
    request_mappings: Annotated[list[ContainerExtendedResourceRequest], Atomic()] = []
    resource_claim_name: str = always(str)


class PodIP(KubeStruct):
    ip: str = always(str)


class PodResourceClaimStatus(KubeStruct):
    name: str = always(str)
    resource_claim_name: str = ""


class PodVolumeHealth(KubeStruct):
    health_conditions: Annotated[list[VolumeHealthCondition], ListMap(("status", "reason"), merge_key="status")] = []
    last_transition_time: Time | None = always(NoneType)
    name: str = always(str)


class PodStatus(KubeStruct):
    allocated_resources: dict[str, Quantity] = {}
    conditions: Annotated[list[PodCondition], ListMap(("type",), merge_key="type")] = []
    container_statuses: Annotated[list[ContainerStatus], Atomic()] = []
    ephemeral_container_statuses: Annotated[list[ContainerStatus], Atomic()] = []
    extended_resource_claim_status: PodExtendedResourceClaimStatus | None = None
    host_ip: str = ""
    host_ips: Annotated[list[HostIP], ListMap((), merge_key="ip")] = []
    init_container_statuses: Annotated[list[ContainerStatus], Atomic()] = []
    message: str = ""
    node_allocatable_resource_claim_statuses: Annotated[
        list[NodeAllocatableResourceClaimStatus], ListMap(("resourceClaimName",), merge_key="resourceClaimName")
    ] = []
    nominated_node_name: str = ""
    observed_generation: Int64 | None = None
    phase: str = ""
    pod_ip: str = ""
    pod_ips: Annotated[list[PodIP], ListMap(("ip",), merge_key="ip")] = []
    qos_class: str = ""
    reason: str = ""
    resize: str = ""
    resource_claim_statuses: Annotated[
        list[PodResourceClaimStatus], ListMap(("name",), merge_key="name", retain_keys=True)
    ] = []
    resources: ResourceRequirements | None = None
    start_time: Time | None = None
    volume_health: Annotated[list[PodVolumeHealth], ListMap(("name",))] = []


class Pod(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PodSpec = always(PodSpec)
    status: PodStatus = always(PodStatus)


class PodTemplateSpec(KubeStruct):
    metadata: ObjectMeta = always(ObjectMeta)
    spec: PodSpec = always(PodSpec)


class PodTemplate(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    template: PodTemplateSpec = always(PodTemplateSpec)


class ReplicationControllerSpec(KubeStruct):
    min_ready_seconds: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[dict[str, str], Atomic()] = {}
    template: PodTemplateSpec = PodTemplateSpec()


class ReplicationControllerCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class ReplicationControllerStatus(KubeStruct):
    available_replicas: Int32 | None = None
    conditions: Annotated[list[ReplicationControllerCondition], ListMap(("type",), merge_key="type")] = []
    fully_labeled_replicas: Int32 | None = None
    observed_generation: Int64 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 = always(int)


class ReplicationController(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ReplicationControllerSpec = always(ReplicationControllerSpec)
    status: ReplicationControllerStatus = always(ReplicationControllerStatus)


class ScopedResourceSelectorRequirement(KubeStruct):
    operator: str = always(str)
    scope_name: str = always(str)
    values: Annotated[list[str], Atomic()] = []


class ScopeSelector(KubeStruct):
    match_expressions: Annotated[list[ScopedResourceSelectorRequirement], Atomic()] = []


class ResourceQuotaSpec(KubeStruct):
    hard: dict[str, Quantity] = {}
    scope_selector: ScopeSelector | None = None
    scopes: Annotated[list[str], Atomic()] = []


class ResourceQuotaStatus(KubeStruct):
    hard: dict[str, Quantity] = {}
    used: dict[str, Quantity] = {}


class ResourceQuota(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ResourceQuotaSpec = always(ResourceQuotaSpec)
    status: ResourceQuotaStatus = always(ResourceQuotaStatus)


class Secret(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    data: dict[str, str] = {}
    immutable: bool | None = None
    string_data: dict[str, str] = {}
    type: str = ""


class ServicePort(KubeStruct):
    app_protocol: str = ""
    name: str = ""
    node_port: Int32 | None = None
    port: Int32 = always(int)
    protocol: str = ""
    target_port: IntOrString = always(int)


class SessionAffinityConfig(KubeStruct):
    client_ip: ClientIPConfig | None = None


class ServiceSpec(KubeStruct):
    allocate_load_balancer_node_ports: bool | None = None
    cluster_ip: str = ""
    cluster_ips: Annotated[list[str], Atomic()] = []
    external_ips: Annotated[list[str], Atomic()] = []
    external_name: str = ""
    external_traffic_policy: str = ""
    health_check_node_port: Int32 | None = None
    internal_traffic_policy: str = ""
    ip_families: Annotated[list[str], Atomic()] = []
    ip_family_policy: str = ""
    load_balancer_class: str = ""
    load_balancer_ip: str = ""
    load_balancer_source_ranges: Annotated[list[str], Atomic()] = []
    ports: Annotated[list[ServicePort], ListMap(("port", "protocol"), merge_key="port")] = []
    publish_not_ready_addresses: bool | None = None
    selector: Annotated[dict[str, str], Atomic()] = {}
    session_affinity: str = ""
    session_affinity_config: SessionAffinityConfig | None = None
    traffic_distribution: str = ""
    type: str = ""


class ServiceStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []
    load_balancer: LoadBalancerStatus = always(LoadBalancerStatus)


class Service(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ServiceSpec = always(ServiceSpec)
    status: ServiceStatus = always(ServiceStatus)


class ServiceAccount(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    automount_service_account_token: bool | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference], Atomic()] = []
    secrets: Annotated[list[ObjectReference], ListMap(("name",), merge_key="name")] = []


class TopologySelectorLabelRequirement(KubeStruct):
    key: str = always(str)
    values: Annotated[list[str], Atomic()] = []


class TopologySelectorTerm(KubeStruct):
    match_label_expressions: Annotated[list[TopologySelectorLabelRequirement], Atomic()] = []
