"""io.k8s.apimachinery.pkg.apis.meta.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any

from controlplane.api.base import Atomic, Int32, Int64, KubeStruct, ListMap, ListSet, Time, always


class GroupVersionForDiscovery(KubeStruct):
    group_version: str = always(str)
    version: str = always(str)


class ServerAddressByClientCIDR(KubeStruct):
    client_cidr: str = always(str)
    server_address: str = always(str)


class APIGroup(KubeStruct):
    api_version: str = ""
    kind: str = ""
    name: str = always(str)
    preferred_version: GroupVersionForDiscovery = always(GroupVersionForDiscovery)
    server_address_by_client_cidrs: Annotated[list[ServerAddressByClientCIDR], Atomic()] = []
    versions: Annotated[list[GroupVersionForDiscovery], Atomic()] = []


class APIResource(KubeStruct):
    kind: str = always(str)
    categories: Annotated[list[str], Atomic()] = []
    group: str = ""
    name: str = always(str)
    namespaced: bool = always(bool)
    short_names: Annotated[list[str], Atomic()] = []
    singular_name: str = always(str)
    storage_version_hash: str = ""
    verbs: list[str] = []
    version: str = ""


class APIVersions(KubeStruct):
    api_version: str = ""
    kind: str = ""
    server_address_by_client_cidrs: Annotated[list[ServerAddressByClientCIDR], Atomic()] = []
    versions: Annotated[list[str], Atomic()] = []


class Condition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = always(str)
    observed_generation: Int64 | None = None
    reason: str = always(str)
    status: str = always(str)
    type: str = always(str)


class Preconditions(KubeStruct):
    resource_version: str = ""
    uid: str = ""


class DeleteOptions(KubeStruct):
    api_version: str = ""
    kind: str = ""
    dry_run: Annotated[list[str], Atomic()] = []
    grace_period_seconds: Int64 | None = None
    ignore_store_read_error_with_cluster_breaking_potential: bool | None = None
    orphan_dependents: bool | None = None
    preconditions: Preconditions | None = None
    propagation_policy: str = ""


class FieldSelectorRequirement(KubeStruct):
    key: str = always(str)
    operator: str = always(str)
    values: Annotated[list[str], Atomic()] = []


class GroupResource(KubeStruct):
    group: str = ""
    resource: str = ""


class LabelSelectorRequirement(KubeStruct):
    key: str = always(str)
    operator: str = always(str)
    values: Annotated[list[str], Atomic()] = []


class LabelSelector(KubeStruct):
    match_expressions: Annotated[list[LabelSelectorRequirement], Atomic()] = []
    match_labels: dict[str, str] = {}


class ShardInfo(KubeStruct):
    selector: str = always(str)


class ListMeta(KubeStruct):
    continue_: str = ""
    remaining_item_count: Int64 | None = None
    resource_version: str = ""
    self_link: str = ""
    shard_info: ShardInfo | None = None


class ManagedFieldsEntry(KubeStruct):
    api_version: str = ""
    fields_type: str = ""
    fields_v1: dict[str, Any] = {}
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: Time | None = None


class OwnerReference(KubeStruct):
    api_version: str = always(str)
    kind: str = always(str)
    block_owner_deletion: bool | None = None
    controller: bool | None = None
    name: str = always(str)
    uid: str = always(str)


class ObjectMeta(KubeStruct):
    annotations: dict[str, str] = {}
    creation_timestamp: Time | None = None
    deletion_grace_period_seconds: Int64 | None = None
    deletion_timestamp: Time | None = None
    finalizers: Annotated[list[str], ListSet(merge=True)] = []
    generate_name: str = ""
    generation: Int64 | None = None
    labels: dict[str, str] = {}
    managed_fields: Annotated[list[ManagedFieldsEntry], Atomic()] = []
    name: str = ""
    namespace: str = ""
    owner_references: Annotated[list[OwnerReference], ListMap(("uid",), merge_key="uid")] = []
    resource_version: str = ""
    self_link: str = ""
    uid: str = ""


class StatusCause(KubeStruct):
    field: str = ""
    message: str = ""
    reason: str = ""


class StatusDetails(KubeStruct):
    kind: str = ""
    causes: Annotated[list[StatusCause], Atomic()] = []
    group: str = ""
    name: str = ""
    retry_after_seconds: Int32 | None = None
    uid: str = ""


class Status(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ListMeta = always(ListMeta)
    code: Int32 | None = None
    details: StatusDetails | None = None
    message: str = ""
    reason: str = ""
    status: str = ""


class WatchEvent(KubeStruct):
    object: dict[str, Any] = {}
    type: str = ""
