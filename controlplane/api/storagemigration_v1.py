"""io.k8s.api.storagemigration.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import KubeStruct, ListMap, always
from controlplane.api.meta_v1 import Condition, GroupResource, ObjectMeta


class StorageVersionMigrationSpec(KubeStruct):
    resource: GroupResource = always(GroupResource)


class StorageVersionMigrationStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []
    resource_version: str = ""


class StorageVersionMigration(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: StorageVersionMigrationSpec = always(StorageVersionMigrationSpec)
    status: StorageVersionMigrationStatus = always(StorageVersionMigrationStatus)
