"""io.k8s.api.resource.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated, Any

from controlplane.api.base import Atomic, Int64, KubeStruct, ListMap, ListSet, Quantity, Time, always, zero_quantity
from controlplane.api.core_v1 import NodeSelector
from controlplane.api.meta_v1 import Condition, ObjectMeta


class NetworkDeviceData(KubeStruct):
    hardware_address: str = ""
    interface_name: str = ""
    ips: Annotated[list[str], Atomic()] = []


class AllocatedDeviceStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",))] = []
    data: dict[str, Any] = {}
    device: str = always(str)
    driver: str = always(str)
    network_data: NetworkDeviceData | None = None
    pool: str = always(str)
    share_id: str = ""


class OpaqueDeviceConfiguration(KubeStruct):
    driver: str = always(str)
    parameters: dict[str, Any] = {}


class DeviceAllocationConfiguration(KubeStruct):
    opaque: OpaqueDeviceConfiguration | None = None
    requests: Annotated[list[str], Atomic()] = []
    source: str = always(str)


class DeviceToleration(KubeStruct):
    effect: str = ""
    key: str = ""
    operator: str = ""
    toleration_seconds: Int64 | None = None
    value: str = ""


class DeviceRequestAllocationResult(KubeStruct):
    admin_access: bool | None = None
    binding_conditions: Annotated[list[str], Atomic()] = []
    binding_failure_conditions: Annotated[list[str], Atomic()] = []
    consumed_capacity: dict[str, Quantity] = {}
    device: str = always(str)
    driver: str = always(str)
    pool: str = always(str)
    request: str = always(str)
    share_id: str = ""
    skip_node_operations: Annotated[list[str], ListSet(merge=False)] = []
    tolerations: Annotated[list[DeviceToleration], Atomic()] = []


class DeviceAllocationResult(KubeStruct):
    config: Annotated[list[DeviceAllocationConfiguration], Atomic()] = []
    results: Annotated[list[DeviceRequestAllocationResult], Atomic()] = []


class AllocationResult(KubeStruct):
    allocation_timestamp: Time | None = None
    devices: DeviceAllocationResult = always(DeviceAllocationResult)
    node_selector: NodeSelector | None = None


class CELDeviceSelector(KubeStruct):
    expression: str = always(str)


class CapacityRequestPolicyRange(KubeStruct):
    max: Quantity | None = None
    min: Quantity | None = None
    step: Quantity | None = None


class CapacityRequestPolicy(KubeStruct):
    default: Quantity | None = None
    valid_range: CapacityRequestPolicyRange | None = None
    valid_values: Annotated[list[Quantity], Atomic()] = []


class CapacityRequirements(KubeStruct):
    requests: dict[str, Quantity] = {}


class Counter(KubeStruct):
    value: Quantity = always(zero_quantity)


class CounterSet(KubeStruct):
    counters: dict[str, Counter] = {}
    name: str = always(str)


class DeviceAttribute(KubeStruct):
    bool_: bool | None = None
    bools: Annotated[list[bool], Atomic()] = []
    int_: Int64 | None = None
    ints: Annotated[list[Int64], Atomic()] = []
    string: str = ""
    strings: Annotated[list[str], Atomic()] = []
    version: str = ""
    versions: Annotated[list[str], Atomic()] = []


class DeviceCapacity(KubeStruct):
    request_policy: CapacityRequestPolicy | None = None
    value: Quantity = always(zero_quantity)


class DeviceCounterConsumption(KubeStruct):
    compatibility_groups: Annotated[list[str], Atomic()] = []
    counter_set: str = always(str)
    counters: dict[str, Counter] = {}


class DeviceTaint(KubeStruct):
    effect: str = always(str)
    key: str = always(str)
    time_added: Time | None = None
    value: str = ""


class NodeAllocatableMapping(KubeStruct):
    capacity_key: str = ""
    capacity_multiplier: Quantity | None = None
    device_multiplier: Quantity | None = None


class NodeAllocatableOverhead(KubeStruct):
    per_container: Quantity | None = None
    per_pod: Quantity | None = None


class NodeAllocatableResource(KubeStruct):
    mapping: NodeAllocatableMapping | None = None
    overhead: NodeAllocatableOverhead | None = None


class Device(KubeStruct):
    all_nodes: bool | None = None
    allow_multiple_allocations: bool | None = None
    attributes: dict[str, DeviceAttribute] = {}
    binding_conditions: Annotated[list[str], Atomic()] = []
    binding_failure_conditions: Annotated[list[str], Atomic()] = []
    binds_to_node: bool | None = None
    capacity: dict[str, DeviceCapacity] = {}
    consumes_counters: Annotated[list[DeviceCounterConsumption], Atomic()] = []
    name: str = always(str)
    node_allocatable_resources: dict[str, NodeAllocatableResource] = {}
    node_name: str = ""
    node_selector: NodeSelector | None = None
    taints: Annotated[list[DeviceTaint], Atomic()] = []


class DeviceClaimConfiguration(KubeStruct):
    opaque: OpaqueDeviceConfiguration | None = None
    requests: Annotated[list[str], Atomic()] = []


class DeviceConstraint(KubeStruct):
    distinct_attribute: str = ""
    match_attribute: str = ""
    requests: Annotated[list[str], Atomic()] = []


class DeviceDerivedAttribute(KubeStruct):
    expression: str = ""
    name: str = ""


class DeviceSelector(KubeStruct):
    cel: CELDeviceSelector | None = None


class DeviceSubRequest(KubeStruct):
    allocation_mode: str = ""
    capacity: CapacityRequirements | None = None
    count: Int64 | None = None
    derived_attributes: Annotated[list[DeviceDerivedAttribute], Atomic()] = []
    device_class_name: str = always(str)
    name: str = always(str)
    selectors: Annotated[list[DeviceSelector], Atomic()] = []
    tolerations: Annotated[list[DeviceToleration], Atomic()] = []


class ExactDeviceRequest(KubeStruct):
    admin_access: bool | None = None
    allocation_mode: str = ""
    capacity: CapacityRequirements | None = None
    count: Int64 | None = None
    derived_attributes: Annotated[list[DeviceDerivedAttribute], Atomic()] = []
    device_class_name: str = always(str)
    selectors: Annotated[list[DeviceSelector], Atomic()] = []
    tolerations: Annotated[list[DeviceToleration], Atomic()] = []


class DeviceRequest(KubeStruct):
    exactly: ExactDeviceRequest | None = None
    first_available: Annotated[list[DeviceSubRequest], Atomic()] = []
    name: str = always(str)


class DeviceClaim(KubeStruct):
    config: Annotated[list[DeviceClaimConfiguration], Atomic()] = []
    constraints: Annotated[list[DeviceConstraint], Atomic()] = []
    requests: Annotated[list[DeviceRequest], Atomic()] = []


class DeviceClassConfiguration(KubeStruct):
    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClassSpec(KubeStruct):
    config: Annotated[list[DeviceClassConfiguration], Atomic()] = []
    extended_resource_name: str = ""
    selectors: Annotated[list[DeviceSelector], Atomic()] = []


class DeviceClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: DeviceClassSpec = always(DeviceClassSpec)


class DeviceTaintSelector(KubeStruct):
    device: str = ""
    driver: str = ""
    pool: str = ""


class DeviceTaintRuleSpec(KubeStruct):
    device_selector: DeviceTaintSelector | None = None
    taint: DeviceTaint = always(DeviceTaint)


class DeviceTaintRuleStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []


class DeviceTaintRule(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: DeviceTaintRuleSpec = always(DeviceTaintRuleSpec)
    status: DeviceTaintRuleStatus = always(DeviceTaintRuleStatus)


class ResourceClaimSpec(KubeStruct):
    devices: DeviceClaim = always(DeviceClaim)


class ResourceClaimConsumerReference(KubeStruct):
    api_group: str = ""
    name: str = always(str)
    resource: str = always(str)
    uid: str = always(str)


class ResourceClaimStatus(KubeStruct):
    allocation: AllocationResult | None = None
    devices: Annotated[list[AllocatedDeviceStatus], ListMap(("driver", "device", "pool", "shareID"))] = []
    reserved_for: Annotated[list[ResourceClaimConsumerReference], ListMap(("uid",), merge_key="uid")] = []


class ResourceClaim(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ResourceClaimSpec = always(ResourceClaimSpec)
    status: ResourceClaimStatus = always(ResourceClaimStatus)


class ResourceClaimTemplateSpec(KubeStruct):
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ResourceClaimSpec = always(ResourceClaimSpec)


class ResourceClaimTemplate(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ResourceClaimTemplateSpec = always(ResourceClaimTemplateSpec)


class ResourcePool(KubeStruct):
    generation: Int64 = always(int)
    name: str = always(str)
    resource_slice_count: Int64 = always(int)


class ResourceSliceSpec(KubeStruct):
    all_nodes: bool | None = None
    devices: Annotated[list[Device], Atomic()] = []
    driver: str = always(str)
    node_name: str = ""
    node_selector: NodeSelector | None = None
    partition_type_attribute: str = ""
    per_device_node_selection: bool | None = None
    pool: ResourcePool = always(ResourcePool)
    shared_counters: Annotated[list[CounterSet], Atomic()] = []
    skip_node_operations: Annotated[list[str], ListSet(merge=False)] = []


class ResourceSlice(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ResourceSliceSpec = always(ResourceSliceSpec)
