"""kubectl get configmaps, secrets, namespaces, leases, resourcequotas, and kinds without a printer of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import ComponentStatus, ConfigMap, Namespace, ResourceQuota, Secret
from controlplane.api.meta_v1 import GroupResource
from controlplane.api.storagemigration_v1 import StorageVersionMigration
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import age

_LIMITS = "limits."


def _config_map(config_map: ConfigMap, now: datetime) -> list[Cell]:
    count = len(config_map.data) + len(config_map.binary_data)
    return [config_map.metadata.name, count, age(config_map.metadata.creation_timestamp, now)]


def _secret(secret: Secret, now: datetime) -> list[Cell]:
    return [secret.metadata.name, secret.type, len(secret.data), age(secret.metadata.creation_timestamp, now)]


def _namespace(namespace: Namespace, now: datetime) -> list[Cell]:
    return [namespace.metadata.name, namespace.status.phase, age(namespace.metadata.creation_timestamp, now)]


def _lease(lease: Lease, now: datetime) -> list[Cell]:
    return [lease.metadata.name, lease.spec.holder_identity, age(lease.metadata.creation_timestamp, now)]


def _resource_quota(quota: ResourceQuota, now: datetime) -> list[Cell]:
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(quota.status.hard):
        text = f"{name}: {quota.status.used.get(name, 0)}/{quota.status.hard[name]}"
        (limits if name.startswith(_LIMITS) else requests).append(text)
    name = quota.metadata.name
    return [name, ", ".join(requests), ", ".join(limits), age(quota.metadata.creation_timestamp, now)]


def _component(component: ComponentStatus, now: datetime) -> list[Cell]:
    condition = next((one for one in component.conditions if one.type == "Healthy"), None)
    if condition is None:
        return [component.metadata.name, "Unknown", "", ""]
    healthy = "Healthy" if condition.status == "True" else "Unhealthy"
    return [component.metadata.name, healthy, condition.message, condition.error]


def _migration(migration: StorageVersionMigration, now: datetime) -> list[Cell]:
    resource = migration.spec.resource or GroupResource()
    return [migration.metadata.name, f"{resource.resource}.{resource.group}" if resource.group else resource.resource]


def _named(obj: Any, now: datetime) -> list[Cell]:
    return [obj.metadata.name, obj.metadata.creation_timestamp or ""]


CONFIG_MAP = Printer((NAME, Column("Data"), AGE), _config_map)
SECRET = Printer((NAME, Column("Type"), Column("Data"), AGE), _secret)
NAMESPACE = Printer((NAME, Column("Status"), AGE), _namespace)
LEASE = Printer((NAME, Column("Holder"), AGE), _lease)
RESOURCE_QUOTA = Printer((NAME, Column("Request"), Column("Limit"), AGE), _resource_quota)
COMPONENT_STATUS = Printer((NAME, Column("Status"), Column("Message"), Column("Error")), _component)
STORAGE_VERSION_MIGRATION = Printer((Column("Name"), Column("Resource")), _migration)
DEFAULT = Printer((NAME, Column("Created At", "date")), _named)
