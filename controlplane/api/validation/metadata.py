"""ObjectMeta: names, labels, annotations, owners, finalizers, and what of them never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.api import addresses, names
from controlplane.api.meta_v1 import ObjectMeta, OwnerReference
from controlplane.api.names import Check
from controlplane.api.resources import Resource
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, forbidden, immutable, invalid, required, too_long

_ANNOTATION_BYTES = 256 * 1024


def _any(name: str) -> list[str]:
    return []


_NAME_CHECKS: Mapping[tuple[str, str], Check] = {
    ("", "Namespace"): names.dns1123_label,
    ("", "Service"): names.dns1123_label,  # since 1.36: 8-ball is a name too
    ("apiregistration.k8s.io", "APIService"): names.path_segment,  # and what its rules say
    ("certificates.k8s.io", "ClusterTrustBundle"): _any,  # its signer decides, so its rules say
    ("networking.k8s.io", "IPAddress"): addresses.canonical_ip,
    ("rbac.authorization.k8s.io", "ClusterRole"): names.path_segment,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): names.path_segment,
    ("rbac.authorization.k8s.io", "Role"): names.path_segment,
    ("rbac.authorization.k8s.io", "RoleBinding"): names.path_segment,
    ("apps", "StatefulSet"): names.dns1123_label,  # its pods are hosts: name-0.service
}


_STANDARD_FINALIZERS = frozenset({"foregroundDeletion", "kubernetes", "orphan"})
_BARE = "coordination.k8s.io"  # upstream checks the metadata of Leases less than that of others


def name_check(resource: Resource) -> Check:
    """Return how objects of a resource may be called."""
    return _NAME_CHECKS.get((resource.group, resource.kind), names.dns1123_subdomain)


def validate_metadata(resource: Resource, metadata: ObjectMeta, path: str = "metadata") -> list[FieldError]:
    check = name_check(resource)
    errors: list[FieldError] = []
    if metadata.generate_name:
        prefix = metadata.generate_name
        errors += checked(f"{path}.generateName", prefix, check(names.without_trailing_dash(prefix)))
    if metadata.name:
        errors += checked(f"{path}.name", metadata.name, check(metadata.name))
    else:
        errors.append(required(f"{path}.name", "name or generateName is required"))
    if metadata.finalizers and resource.group != _BARE and not resource.custom:  # those hear a warning
        errors += _validate_finalizer_names(metadata.finalizers, f"{path}.finalizers")
    return errors + _validate_namespace(resource, metadata, path) + validate_annotated(metadata, path)


def _validate_namespace(resource: Resource, metadata: ObjectMeta, path: str) -> list[FieldError]:
    if not resource.namespaced:
        return [forbidden(f"{path}.namespace", "not allowed on this type")] if metadata.namespace else []
    if not metadata.namespace:
        return [required(f"{path}.namespace")]
    return checked(f"{path}.namespace", metadata.namespace, names.dns1123_label(metadata.namespace))


def validate_annotated(metadata: ObjectMeta, path: str) -> list[FieldError]:
    """Check what an update checks too: labels, annotations, owners and finalizers."""
    errors: list[FieldError] = []
    if metadata.labels:
        errors += validate_labels(metadata.labels, f"{path}.labels")
    if metadata.annotations:
        errors += validate_annotations(metadata.annotations, f"{path}.annotations")
    if metadata.owner_references:
        errors += _validate_owners(metadata.owner_references, f"{path}.ownerReferences")
    if metadata.finalizers:
        errors += _validate_finalizers(metadata.finalizers, f"{path}.finalizers")
    return errors


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    errors = []
    for key, value in labels.items():
        errors += checked(path, key, names.qualified_name(key))
        errors += checked(path, value, names.label_value(value))
    return errors


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    errors = []
    for key in annotations:
        errors += checked(path, key, names.qualified_name(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATION_BYTES:
        errors.append(too_long(path, _ANNOTATION_BYTES))
    return errors


def _validate_owners(owners: list[OwnerReference], path: str) -> list[FieldError]:
    errors = [error for owner in owners for error in _validate_owner(owner, path)]
    controllers = [f"{owner.kind}/{owner.name}" for owner in owners if owner.controller]
    if len(controllers) > 1:
        found = f'Found "true" in references for {controllers[0]} and {controllers[1]}'
        errors.append(invalid(path, owners, f"Only one reference can have Controller set to true. {found}"))
    return errors


def _validate_owner(owner: OwnerReference, path: str) -> list[FieldError]:
    errors = []
    if not owner.api_version:
        errors.append(invalid(f"{path}.apiVersion", owner.api_version, "version must not be empty"))
    for field, value in (("kind", owner.kind), ("name", owner.name), ("uid", owner.uid)):
        if not value:
            errors.append(invalid(f"{path}.{field}", value, "must not be empty"))
    if owner.kind == "Event" and owner.api_version == "v1":
        errors.append(invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
    return errors


def _validate_finalizers(finalizers: list[str], path: str) -> list[FieldError]:
    errors = [error for one in finalizers for error in checked(path, one, names.qualified_name(one))]
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        errors.append(invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"))
    return errors


def _validate_finalizer_names(finalizers: list[str], path: str) -> list[FieldError]:
    """Check that whoever adds a finalizer says whose it is."""
    why = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        invalid(f"{path}[{index}]", one, why)
        for index, one in enumerate(finalizers)
        if "/" not in one and one not in _STANDARD_FINALIZERS
    ]


def validate_metadata_update(new: ObjectMeta, old: ObjectMeta, path: str = "metadata") -> list[FieldError]:
    errors: list[FieldError] = []
    if old.deletion_timestamp is not None:
        errors += _validate_no_new_finalizers(new, old, f"{path}.finalizers")
    if not new.resource_version:
        errors.append(invalid(f"{path}.resourceVersion", "", "must be specified for an update"))
    if (new.generation or 0) < (old.generation or 0):
        errors.append(invalid(f"{path}.generation", new.generation or 0, "must not be decremented"))
    for field, ours, theirs in _constants(new, old):
        errors += immutable(f"{path}.{field}", ours, theirs)
    return errors + validate_annotated(new, path)


def _constants(new: ObjectMeta, old: ObjectMeta) -> tuple[tuple[str, Any, Any], ...]:
    return (
        ("name", new.name, old.name),
        ("namespace", new.namespace, old.namespace),
        ("uid", new.uid, old.uid),
        ("creationTimestamp", new.creation_timestamp, old.creation_timestamp),
        ("deletionTimestamp", new.deletion_timestamp, old.deletion_timestamp),
        ("deletionGracePeriodSeconds", new.deletion_grace_period_seconds, old.deletion_grace_period_seconds),
    )


def _validate_no_new_finalizers(new: ObjectMeta, old: ObjectMeta, path: str) -> list[FieldError]:
    added = sorted(set(new.finalizers) - set(old.finalizers))
    if not added:
        return []
    listed = ", ".join(f'"{one}"' for one in added)
    found = f"found new finalizers []string{{{listed}}}"
    return [forbidden(path, f"no new finalizers can be added if the object is being deleted, {found}")]
