"""Storage version migrations."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api.meta_v1 import GroupResource
from controlplane.api.status import FieldError
from controlplane.api.storagemigration_v1 import StorageVersionMigration, StorageVersionMigrationStatus
from controlplane.api.validation.conditions import validate_conditions
from controlplane.api.validation.errors import immutable, invalid, required

_VERSION_PATH, _CONDITIONS_PATH = "status.resourceVersion", "status.conditions"


def validate_migration(migration: StorageVersionMigration) -> list[FieldError]:
    if (migration.spec.resource or GroupResource()).resource:
        return []
    return [required("spec.resource.resource", "resource is required")]


def validate_migration_update(new: StorageVersionMigration, old: StorageVersionMigration) -> list[FieldError]:
    ours, theirs = new.spec.resource or GroupResource(), old.spec.resource or GroupResource()
    return [  # upstream's paths
        *immutable("group", ours.group, theirs.group),
        *immutable("resource", ours.resource, theirs.resource),
    ]


def validate_migration_status(new: StorageVersionMigration, old: StorageVersionMigration) -> list[FieldError]:
    return [
        *_validate_version(new.status.resource_version),
        *validate_conditions(new.status.conditions, _CONDITIONS_PATH),
        *_validate_progress(new.status, old.status),
    ]


def _validate_version(version: str) -> Iterator[FieldError]:
    if not version:
        return
    try:
        number = int(version) if version.isascii() else None
    except ValueError:
        number = None
    if number is None:
        why = f'failed to parse resource version "{version}": strconv.ParseInt: parsing "{version}": invalid syntax'
        yield invalid(_VERSION_PATH, version, why)
    elif number < 0:
        yield invalid(_VERSION_PATH, number, "must be greater than or equal to 0")


def _validate_progress(new: StorageVersionMigrationStatus, old: StorageVersionMigrationStatus) -> Iterator[FieldError]:
    if old.resource_version:
        yield from immutable(_VERSION_PATH, new.resource_version, old.resource_version)
    now, before = _true(new), _true(old)
    for wrong, why in (
        ({"Succeeded", "Failed"} <= now, "Both success and failed conditions cannot be true at the same time"),
        ({"Succeeded", "Running"} <= now, "Running condition cannot be true when success condition is true"),
        ({"Failed", "Running"} <= now, "Running condition cannot be true when failed condition is true"),
        ("Succeeded" in before - now, "Success condition cannot be set to false once it is true"),
        ("Failed" in before - now, "Failed condition cannot be set to false once it is true"),
    ):
        if wrong:
            yield invalid(_CONDITIONS_PATH, new.conditions or None, why)


def _true(status: StorageVersionMigrationStatus) -> set[str]:
    return {condition.type for condition in status.conditions if condition.status == "True"}
